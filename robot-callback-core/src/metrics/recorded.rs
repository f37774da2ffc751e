//! The functions that count, for the feature `metrics`.

use std::sync::LazyLock;
use std::time::Instant;

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, counter, with_recorder};

use super::list;
use crate::callback::CallbackError;
use crate::delivery::Step;
use crate::report::Outcome;
use crate::store::Applied;
use crate::verdict::Verdict;

// What is counted for each callback is looked up by keys that are made once. The recorder is asked each time: a program
// may install it late.

static HANDLE: Key = Key::from_static_name(list::HANDLE);
static APPLY: Key = Key::from_static_name(list::APPLY);
/// By outcome and verdict, in the order of their lists.
static CALLBACKS: LazyLock<[[Key; Verdict::ALL.len()]; Outcome::ALL.len()]> =
    LazyLock::new(|| Outcome::ALL.map(|outcome| Verdict::ALL.map(|verdict| callbacks(outcome, verdict))));

fn callbacks(outcome: Outcome, verdict: Verdict) -> Key {
    let outcome = Label::from_static_parts("outcome", outcome.name());
    Key::from_parts(list::CALLBACKS, vec![outcome, Label::from_static_parts("verdict", verdict.name())])
}

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

fn known_histogram(key: &Key) -> Histogram {
    with_recorder(|recorder| recorder.register_histogram(key, &METADATA))
}

fn known_counter(key: &Key) -> Counter {
    with_recorder(|recorder| recorder.register_counter(key, &METADATA))
}

/// A moment to measure from.
#[derive(Clone, Copy)]
pub(crate) struct Start(Instant);

impl Start {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// A callback was handled, one way or another.
pub(crate) fn handled(start: Start, refusal: Option<&CallbackError>) {
    known_histogram(&HANDLE).record(start.seconds());
    if let Some(error) = refusal {
        refused(error);
    }
}

/// A callback was refused.
pub(crate) fn refused(error: &CallbackError) {
    counter!(list::REFUSED, "reason" => reason(error)).increment(1);
}

/// A callback's result is durable.
pub(crate) fn taken(outcome: Outcome, applied: &Applied) {
    known_counter(&CALLBACKS[outcome as usize][applied.verdict as usize]).increment(1);
    if applied.order_missing {
        counter!(list::ORDER_MISSING).increment(1);
    }
}

fn reason(error: &CallbackError) -> &'static str {
    match error {
        CallbackError::Unauthorized => "unauthorized",
        CallbackError::TooLarge => "too_large",
        CallbackError::Invalid(_) => "invalid",
        CallbackError::UnknownItem => "unknown_item",
        CallbackError::Store(error) if error.is_transient() => "unavailable",
        CallbackError::Store(_) => "fault",
    }
}

/// The store has applied a report, or failed to.
pub(crate) fn applied(start: Start) {
    known_histogram(&APPLY).record(start.seconds());
}

/// So many pieces of work are committed together.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn group(store: &'static str, size: usize) {
    metrics::histogram!(list::GROUP, "store" => store).record(u32::try_from(size).unwrap_or(u32::MAX));
}

/// Events were sent, and it is known what became of each.
pub(crate) fn relayed(step: Step) {
    for (outcome, events) in [("delivered", step.delivered), ("again", step.again), ("dead", step.dead)] {
        counter!(list::RELAYED, "outcome" => outcome).increment(events as u64);
    }
    counter!(list::REPEATED).increment(step.repeated as u64);
}

/// The relay's store failed.
pub(crate) fn relay_store_failed() {
    counter!(list::RELAY_STORE_FAILURES).increment(1);
}

/// So many connections may be open.
#[cfg(feature = "postgres")]
pub(crate) fn pool_size(size: usize) {
    metrics::gauge!(list::POOL_SIZE).set(u32::try_from(size).unwrap_or(u32::MAX));
}

/// A connection was waited for, and had or not.
#[cfg(feature = "postgres")]
pub(crate) fn pool_waited(start: Start, had: bool) {
    metrics::histogram!(list::POOL_WAIT).record(start.seconds());
    if had {
        metrics::gauge!(list::POOL_USED).increment(1);
    } else {
        counter!(list::POOL_FAILURES).increment(1);
    }
}

/// A connection is at work no longer.
#[cfg(feature = "postgres")]
pub(crate) fn pool_returned() {
    metrics::gauge!(list::POOL_USED).decrement(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_counted_under_its_own_outcome_and_verdict() {
        for outcome in Outcome::ALL {
            for verdict in Verdict::ALL {
                let key = &CALLBACKS[outcome as usize][verdict as usize];
                let labels: Vec<_> = key.labels().map(|label| (label.key(), label.value())).collect();
                assert_eq!(labels, [("outcome", outcome.name()), ("verdict", verdict.name())]);
            }
        }
    }
}
