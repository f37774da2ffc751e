//! One delivery: events sent, and of each entry what became of it. Shared by the relay and by sending in line.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::emitter::{EmitError, Emitter};
use crate::error::{StoreError, chain};
use crate::event::Event;
use crate::metrics;
use crate::outbox::{Claim, Entry, EntryId, Settlement};
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

impl Step {
    pub(crate) fn of(entries: &[Entry], settlements: &[(EntryId, Settlement)]) -> Self {
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

/// What the outcomes mean for the entries, in the same order.
pub(crate) fn settlements(
    entries: &[Entry],
    outcomes: Vec<Result<(), EmitError>>,
    repeats: Repeats,
    backoff: Backoff,
    rng: &mut fastrand::Rng,
) -> Vec<(EntryId, Settlement)> {
    let mut settle = |entry: &Entry, outcome| match outcome {
        Ok(()) => match repeats.after(&entry.event, entry.deliveries) {
            Some(after) => Settlement::Repeat { after },
            None => Settlement::Delivered,
        },
        Err(error) => settlement(entry, error, backoff, rng),
    };
    entries.iter().zip(outcomes).map(|(entry, outcome)| (entry.id, settle(entry, outcome))).collect()
}

/// What becomes of an entry that was not taken. One that was taken before is not lost by that.
fn settlement(entry: &Entry, error: EmitError, backoff: Backoff, rng: &mut fastrand::Rng) -> Settlement {
    let reason = chain(&error);
    let (event, failures) = (&entry.event, entry.failures + 1);
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
            let after = backoff.wait(failures, rng).max(retry_after.unwrap_or_default());
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
    let lease = store.claim(CLAIM).await?;
    if lease.entries.is_empty() {
        return Ok(());
    }
    let events: Vec<Event> = lease.entries.iter().map(|entry| entry.event.clone()).collect();
    let outcomes = emitter.emit(&events).await;
    let mut rng = fastrand::Rng::new();
    let settled = settlements(&lease.entries, outcomes, Repeats::NONE, Backoff::default(), &mut rng);
    metrics::relayed(Step::of(&lease.entries, &settled));
    store.settle(lease.token, settled).await
}
