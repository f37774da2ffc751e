//! The batches on their way, and when the next one is claimed.
//!
//! A batch is what waited while the last one was on its way, so that events leave in few large requests; one more
//! leaves beside it when there is enough to fill it, so that a slow receiver does not set the pace.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::Relay;
use crate::delivery::Step;
use crate::error::{StoreError, chain};
use crate::metrics;

#[derive(Default)]
pub(super) struct Flights {
    under_way: JoinSet<Result<Step, StoreError>>,
    /// Whether there was more than the last claim could take, or it is time to look whatever is known.
    look: bool,
    store_failures: u32,
    /// Until when the store is left alone, after it failed.
    rest: Option<Instant>,
}

impl Flights {
    /// Claims a batch and sends it on its way, if one may leave now. Says how long to wait before the next look when
    /// nothing happens until then.
    pub(super) async fn look(&mut self, relay: &Arc<Relay>) -> Duration {
        if let Some(rest) = self.rest.map(|until| until.saturating_duration_since(Instant::now()))
            && !rest.is_zero()
        {
            return rest;
        }
        self.rest = None;
        let announced = relay.announced.times.load(Ordering::Relaxed);
        let wanted = self.look || self.under_way.is_empty() || announced >= relay.options.batch;
        if !wanted || self.under_way.len() >= relay.options.in_flight.max(1) {
            return relay.options.poll;
        }
        relay.announced.times.store(0, Ordering::Relaxed);
        match relay.claim().await {
            Ok(lease) => {
                self.store_failures = 0;
                self.look = lease.entries.len() >= relay.options.batch;
                if !lease.entries.is_empty() {
                    let relay = relay.clone();
                    self.under_way.spawn(async move { relay.deliver(lease).await });
                }
                if self.look { Duration::ZERO } else { relay.options.poll }
            }
            Err(error) => self.store_failed(&error, relay),
        }
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

    /// The next look is made whatever is known.
    pub(super) fn look_anyway(&mut self) {
        self.look = true;
    }

    pub(super) fn store_answers(&self) -> bool {
        self.rest.is_none()
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
        self.rest = Some(Instant::now() + rest);
        rest
    }
}

/// A batch that panicked is due again when its lease runs out.
fn failed(error: &JoinError) {
    tracing::error!(%error, "a batch broke off");
}
