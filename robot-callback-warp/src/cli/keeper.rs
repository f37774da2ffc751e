//! Keeps deadlines: closes the open items of jobs whose time is up, so that every batch completes.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use robot_callback_core::{OperatorStore, RelayEmitter};
use tokio::sync::watch;

use crate::metrics::JOBS_EXPIRED;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// The longest pause while the store fails.
const LONGEST: Duration = Duration::from_secs(30);
/// The most jobs of one look; when there are as many, it looks again at once.
const LIMIT: usize = 100;

/// Looks until the other end of `running` is dropped.
pub(super) async fn keep(
    store: Arc<dyn OperatorStore>,
    relay: RelayEmitter,
    mut running: watch::Receiver<()>,
) {
    let mut pause = EVERY;
    loop {
        match store.expire(LIMIT).await {
            Ok(jobs) => {
                pause = if jobs.len() < LIMIT { EVERY } else { Duration::ZERO };
                if !jobs.is_empty() {
                    counter!(JOBS_EXPIRED.name).increment(jobs.len() as u64);
                    tracing::warn!(jobs = jobs.len(), "deadlines have passed");
                    relay.wake();
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error);
                tracing::error!(%error, cause, "deadlines can't be kept for now");
                pause = (pause * 2).clamp(EVERY, LONGEST);
            }
        }
        tokio::select! {
            _ = running.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
