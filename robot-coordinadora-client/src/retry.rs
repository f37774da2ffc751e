//! Whether and when to try a report again, for whoever waits for its answer. The spool has a schedule of its own.

use std::future::Future;
use std::time::Duration;

use robot_callback_core::{Backoff, ItemId};
use tokio::time::Instant;

use crate::answer::Delivered;
use crate::failure::{AttemptError, ReportFailure, TryAgain, chain};
use crate::options::ClientOptions;

/// The plan for one report's attempts. Pure, but for a jitter that its seed replays: how much time has gone by is
/// told to it.
#[derive(Debug)]
pub(crate) struct Schedule {
    attempt_deadline: Duration,
    total_deadline: Duration,
    backoff: Backoff,
    rng: fastrand::Rng,
    failures: u32,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait that long, then try again.
    Again(Duration),
    /// Stop: trying again can't help (no wait), or not within the total deadline (the wait it would take).
    GiveUp(Option<Duration>),
}

impl Schedule {
    pub(crate) fn new(options: &ClientOptions, rng: fastrand::Rng) -> Self {
        let ClientOptions { attempt_deadline, total_deadline, backoff, .. } = *options;
        Self { attempt_deadline, total_deadline, backoff, rng, failures: 0 }
    }

    /// How long an attempt may take that begins when `elapsed` has gone by.
    pub(crate) fn window(&self, elapsed: Duration) -> Duration {
        self.attempt_deadline.min(self.total_deadline.saturating_sub(elapsed))
    }

    /// Counts a failure. The wait after it is the backoff's, or what the receiver asked for if that is longer.
    pub(crate) fn after(&mut self, failure: &AttemptError, elapsed: Duration) -> Next {
        self.failures += 1;
        if failure.try_again() != TryAgain::Later {
            return Next::GiveUp(None);
        }
        let asked = failure.retry_after().unwrap_or_default();
        let wait = self.backoff.wait(self.failures, &mut self.rng).max(asked);
        let left = self.total_deadline.saturating_sub(elapsed);
        if wait < left { Next::Again(wait) } else { Next::GiveUp(Some(wait)) }
    }
}

/// Tries until the report is delivered or the schedule gives up. `attempt` is told how long it may take.
pub(crate) async fn deliver<F>(
    mut schedule: Schedule,
    item_id: ItemId,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<Delivered, ReportFailure>
where
    F: Future<Output = Result<Delivered, AttemptError>>,
{
    let started = Instant::now();
    loop {
        let cause = match attempt(schedule.window(started.elapsed())).await {
            Ok(delivered) => return Ok(delivered),
            Err(cause) => cause,
        };
        let next = schedule.after(&cause, started.elapsed());
        let attempts = schedule.failures;
        match next {
            Next::GiveUp(wait) => return Err(ReportFailure { item_id, attempts, wait, cause }),
            Next::Again(wait) => {
                let (error, wait_ms) = (chain(&cause), wait.as_millis());
                tracing::warn!(item.id = %item_id, attempts, wait_ms, error, "a report will be sent again");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
