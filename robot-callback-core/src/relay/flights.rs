//! The batches on their way, and when the next one is claimed.
//!
//! A batch is what waited while the last one was on its way, so that events leave in few large requests; one more
//! leaves beside it when there is enough to fill it, so that a slow receiver does not set the pace.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::{Relay, RelayOptions};
use crate::delivery::Step;
use crate::error::{StoreError, chain};
use crate::metrics;
use crate::outbox::Lease;

#[derive(Default)]
pub(super) struct Flights {
    under_way: JoinSet<Result<Step, StoreError>>,
    /// Where there may be more than was taken last.
    more: Option<Source>,
    /// When the outbox was looked at last, whatever is handed over.
    looked: Option<Instant>,
    store_failures: u32,
    /// Until when the store is left alone, after it failed.
    store_rest: Option<Instant>,
}

/// Where entries come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The store handed them over.
    Store,
    /// They were claimed.
    Outbox,
}

impl Flights {
    /// Claims a batch and sends it on its way, if one may leave now. Says how long to wait before the next look when
    /// nothing happens until then.
    pub(super) async fn look(&mut self, relay: &Arc<Relay>) -> Duration {
        if let Some(rest) = self.rest(relay) {
            return rest;
        }
        let RelayOptions { batch, in_flight, poll, .. } = relay.options;
        let due =
            self.more == Some(Source::Outbox) || self.looked.is_none_or(|looked| looked.elapsed() >= poll);
        let announced = relay.announced.times.load(Ordering::Relaxed);
        let filled = announced >= if self.under_way.is_empty() { 1 } else { batch };
        if !(due || filled || self.more.is_some()) || self.under_way.len() >= in_flight.max(1) {
            return poll;
        }
        relay.announced.times.store(0, Ordering::Relaxed);
        let handed_over = if due { None } else { relay.handed_over() };
        let next = match handed_over {
            Some(lease) => Ok(self.take_off(relay, lease, Source::Store)),
            None if due || filled => self.claim(relay).await,
            None => Ok(None),
        };
        match next {
            Ok(more) => {
                // What was handed over meanwhile was announced, and nobody will say so again.
                self.more = more.or(due.then_some(Source::Store));
                if self.more.is_some() { Duration::ZERO } else { poll }
            }
            Err(error) => self.store_failed(&error, relay),
        }
    }

    async fn claim(&mut self, relay: &Arc<Relay>) -> Result<Option<Source>, StoreError> {
        self.looked = None; // until there is an answer
        let lease = relay.claim().await?;
        self.looked = Some(Instant::now());
        self.store_failures = 0;
        Ok(self.take_off(relay, lease, Source::Outbox))
    }

    /// Sends a batch on its way. Says where there may be more.
    fn take_off(&mut self, relay: &Arc<Relay>, lease: Lease, source: Source) -> Option<Source> {
        let full = lease.entries.len() >= relay.options.batch;
        if !lease.entries.is_empty() {
            let relay = relay.clone();
            self.under_way.spawn(async move { relay.deliver(lease).await });
        }
        full.then_some(source)
    }

    /// Waits until a batch has come to its end; for ever when none is under way.
    pub(super) async fn landed(&mut self, relay: &Relay) {
        match self.under_way.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(_))) => {}
            Some(Ok(Err(error))) => _ = self.store_failed(&error, relay),
            Some(Err(error)) => failed(&error),
        }
    }

    /// For how long nothing leaves, if so: the store has failed, or the receiver wants to be left alone.
    pub(super) fn rest(&self, relay: &Relay) -> Option<Duration> {
        let store = self.store_rest.map(|until| until.saturating_duration_since(Instant::now()));
        let rest = store.unwrap_or_default().max(relay.silence.left());
        (!rest.is_zero()).then_some(rest)
    }

    /// Waits until no batch is under way.
    pub(super) async fn land(mut self) {
        while let Some(landed) = self.under_way.join_next().await {
            match landed {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(error = chain(&error), "the relay's store failed"),
                Err(error) => failed(&error),
            }
        }
    }

    fn store_failed(&mut self, error: &StoreError, relay: &Relay) -> Duration {
        tracing::error!(error = chain(error), "the relay's store failed");
        metrics::relay_store_failed();
        self.store_failures += 1;
        let rest = relay.wait_after_store_failure(self.store_failures);
        self.store_rest = Some(Instant::now() + rest);
        rest
    }
}

/// A batch that panicked is due again when its lease runs out.
fn failed(error: &JoinError) {
    tracing::error!(%error, "a batch broke off");
}
