//! The time that a receiver asks for: until it is over nothing is sent, whatever becomes due.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::emitter::EmitError;

#[derive(Default)]
pub(super) struct Silence(Mutex<Option<Asked>>);

/// For how long, and when.
#[derive(Clone, Copy)]
struct Asked(Duration, Instant);

impl Silence {
    /// Takes in what became of a batch. Says whether its receiver asks for time: it has taken nothing, and said so.
    pub(super) fn heard(&self, outcomes: &[Result<(), EmitError>]) -> bool {
        let wait = asked(outcomes);
        if wait.is_zero() {
            return false;
        }
        let mut last = self.lock();
        if left(*last).is_zero() {
            tracing::warn!(?wait, "the receiver wants to be left alone; nothing is sent until then");
        }
        if wait > left(*last) {
            *last = Some(Asked(wait, Instant::now()));
        }
        true
    }

    /// How much of it is left.
    pub(super) fn left(&self) -> Duration {
        left(*self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left(asked: Option<Asked>) -> Duration {
    asked.map_or(Duration::ZERO, |Asked(wait, when)| wait.saturating_sub(when.elapsed()))
}

fn asked(outcomes: &[Result<(), EmitError>]) -> Duration {
    let mut longest = Duration::ZERO;
    for outcome in outcomes {
        match outcome {
            // Whoever takes some of a batch asks for time for the others only.
            Ok(()) => return Duration::ZERO,
            Err(EmitError::Transient { retry_after: Some(wait), .. }) => longest = longest.max(*wait),
            Err(_) => {}
        }
    }
    longest
}
