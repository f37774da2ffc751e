//! One delivery: events sent, and of each entry what became of it. Shared by the relay and by sending in line.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::emitter::{EmitError, Emitter};
use crate::error::{StoreError, chain};
use crate::event::Event;
use crate::metrics;
use crate::outbox::{Claim, Entry, EntryId, Lease, Settlement};
use crate::repeats::Repeats;
use crate::store::Store;

/// What one delivery did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How many entries were claimed.
    pub claimed: usize,
    /// How many of them were taken.
    pub delivered: usize,
    /// How many are to be tried again.
    pub again: usize,
    /// How many became dead letters.
    pub dead: usize,
    /// How many of the claimed had been taken before, and were sent again for whoever began to wait too late.
    pub repeated: usize,
}

/// What is known of a claimed entry beside its event.
#[derive(Clone, Copy)]
pub(crate) struct Past {
    id: EntryId,
    failures: u32,
    deliveries: u32,
}

/// Entries, and the events that an emitter is to have: the same, in the same order.
pub(crate) fn parted(entries: Vec<Entry>) -> (Vec<Past>, Vec<Event>) {
    let part = |Entry { id, event, failures, deliveries }| (Past { id, failures, deliveries }, event);
    entries.into_iter().map(part).unzip()
}

impl Step {
    pub(crate) fn of(entries: &[Past], settlements: &[(EntryId, Settlement)]) -> Self {
        let repeated = entries.iter().filter(|entry| entry.deliveries > 0).count();
        let mut step = Self { claimed: settlements.len(), repeated, ..Self::default() };
        for (_, settlement) in settlements {
            match settlement {
                Settlement::Delivered | Settlement::Repeat { .. } => step.delivered += 1,
                Settlement::Again { .. } => step.again += 1,
                Settlement::Dead { .. } => step.dead += 1,
            }
        }
        step
    }
}

/// What the outcomes mean for the entries of those events, in the same order.
pub(crate) fn settlements(
    entries: &[Past],
    events: &[Event],
    outcomes: Vec<Result<(), EmitError>>,
    repeats: Repeats,
    backoff: Backoff,
    rng: &mut fastrand::Rng,
) -> Vec<(EntryId, Settlement)> {
    let mut settle = |entry: &Past, event: &Event, outcome| match outcome {
        Ok(()) => match repeats.after(event, entry.deliveries) {
            Some(after) => Settlement::Repeat { after },
            None => Settlement::Delivered,
        },
        Err(error) => settlement(entry, event, error, backoff, rng),
    };
    let sent = entries.iter().zip(events).zip(outcomes);
    sent.map(|((entry, event), outcome)| (entry.id, settle(entry, event, outcome))).collect()
}

/// What becomes of an entry that was not taken. One that was taken before is not lost by that.
fn settlement(
    entry: &Past,
    event: &Event,
    error: EmitError,
    backoff: Backoff,
    rng: &mut fastrand::Rng,
) -> Settlement {
    // Its words may be anybody's, and a column of text takes none with U+0000.
    let reason = chain(&error).replace('\0', "");
    let failures = entry.failures + 1;
    match error {
        EmitError::Permanent(_) if entry.deliveries > 0 => {
            tracing::warn!(
                event.name,
                event.id,
                reason,
                "a repeat was refused; the event had been taken before"
            );
            Settlement::Delivered
        }
        EmitError::Permanent(_) => {
            tracing::error!(event.name, event.id, failures, reason, "an event became a dead letter");
            Settlement::Dead { reason }
        }
        EmitError::Transient { retry_after, .. } => {
            tracing::warn!(event.name, event.id, failures, reason, "an event will be sent again");
            // On top, so that those who were asked together do not come back together.
            let after = retry_after.unwrap_or_default().saturating_add(backoff.wait(failures, rng));
            Settlement::Again { after, reason }
        }
    }
}

/// Sends what is due right away, without a relay. What fails stays in the outbox, due again later.
pub(crate) async fn in_line<E: Emitter + ?Sized>(store: &dyn Store, emitter: &E) {
    if let Err(error) = try_in_line(store, emitter).await {
        tracing::warn!(error = chain(&error), "events stay in the outbox for now");
    }
}

async fn try_in_line<E: Emitter + ?Sized>(store: &dyn Store, emitter: &E) -> Result<(), StoreError> {
    const CLAIM: Claim = Claim { limit: 200, lease: Duration::from_secs(60) };
    let Lease { token, entries } = store.claim(CLAIM).await?;
    if entries.is_empty() {
        return Ok(());
    }
    let (entries, events) = parted(entries);
    let outcomes = emitter.emit(&events).await;
    let mut rng = fastrand::Rng::new();
    let settled = settlements(&entries, &events, outcomes, Repeats::NONE, Backoff::default(), &mut rng);
    metrics::relayed(Step::of(&entries, &settled));
    store.settle(token, settled).await
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    /// What becomes of so many new entries when sending each of them meets that error.
    fn settled(count: EntryId, error: impl Fn() -> EmitError) -> Vec<Settlement> {
        let entry = |id: EntryId| {
            let data = RawValue::from_string("{}".into()).unwrap();
            let event = Event { name: "name".into(), id: id.to_string(), data, traceparent: None };
            Entry { id, event, failures: 0, deliveries: 0 }
        };
        let (entries, events) = parted((0..count).map(entry).collect());
        let outcomes = events.iter().map(|_| Err(error())).collect();
        let (backoff, mut rng) = (Backoff::default(), fastrand::Rng::with_seed(7));
        let settled = settlements(&entries, &events, outcomes, Repeats::NONE, backoff, &mut rng);
        settled.into_iter().map(|(_, settlement)| settlement).collect()
    }

    #[test]
    fn entries_of_a_receiver_that_asked_for_time_come_back_after_it_and_not_all_at_once() {
        const ASKED: Duration = Duration::from_secs(60);
        let busy = || EmitError::Transient { retry_after: Some(ASKED), cause: "busy".into() };
        let waits = settled(100, busy).into_iter().map(|settlement| match settlement {
            Settlement::Again { after, .. } => after,
            other => panic!("it is sent again: {other:?}"),
        });
        let mut waits: Vec<Duration> = waits.collect();
        waits.sort_unstable();
        assert!(waits[0] >= ASKED, "none before its time: {:?}", waits[0]);
        assert!(waits[99] - waits[0] > Duration::from_millis(500), "spread over the backoff: {waits:?}");
        waits.dedup();
        assert_eq!(waits.len(), 100, "each at a moment of its own");
    }

    #[test]
    fn a_wait_without_end_is_one() {
        let never = || EmitError::Transient { retry_after: Some(Duration::MAX), cause: "gone".into() };
        let [Settlement::Again { after, .. }] = &settled(1, never)[..] else { panic!("it is sent again") };
        assert_eq!(*after, Duration::MAX);
    }

    #[test]
    fn a_reason_holds_nothing_that_a_column_of_text_can_not() {
        let errors: [fn() -> EmitError; 2] =
            [|| EmitError::transient("a\0b\0"), || EmitError::permanent("a\0b\0")];
        for error in errors {
            let settled = settled(1, error);
            let [Settlement::Again { reason, .. } | Settlement::Dead { reason }] = &settled[..] else {
                panic!("it was not taken: {settled:?}")
            };
            assert!(reason.ends_with(": ab"), "{reason:?}");
        }
    }
}
