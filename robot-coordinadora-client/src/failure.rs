//! Why a report was not delivered, in the terms its holder can act on.

use std::error::Error;
use std::time::Duration;

use robot_callback_core::{Cause, ItemId, ReportError};

use crate::answer::Answer;

/// Whether the same report may be delivered another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryAgain {
    /// Yes, later, with nothing changed.
    Later,
    /// Yes, once somebody has corrected the destination: its URL or its secret. Until then every report to it
    /// will fail.
    Reconfigured,
    /// No: this report will be refused every time.
    Never,
}

/// Why one try did not deliver a report.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The report breaks a rule of the callback. Nothing was sent.
    #[error("the report breaks a rule and was not sent")]
    Invalid(#[source] ReportError),
    /// There was no connection, or it broke. Whether the report arrived is unknown.
    #[error("the receiver could not be reached, or hung up")]
    Network(#[source] Cause),
    /// There was no whole answer in the time given. Whether the report arrived is unknown.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// There was an answer, but not the one that means delivered.
    #[error(transparent)]
    Answered(#[from] Answer),
}

impl AttemptError {
    /// Whether the same report may be delivered another time.
    #[must_use]
    pub fn try_again(&self) -> TryAgain {
        match self {
            Self::Invalid(_) => TryAgain::Never,
            Self::Network(_) | Self::TimedOut(_) => TryAgain::Later,
            Self::Answered(answer) => answer.try_again,
        }
    }

    /// How long the receiver asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered(answer) => answer.retry_after,
            _ => None,
        }
    }
}

/// Why a report was given up.
#[derive(Debug, thiserror::Error)]
#[error("the result of item {item_id} was not delivered in {attempts} attempt(s)")]
pub struct ReportFailure {
    /// The item reported on.
    pub item_id: ItemId,
    /// How many times the report was sent, or tried to be; 0 when it was not even valid.
    pub attempts: u32,
    /// How long to wait at least before trying again; only when that may help without a change.
    pub wait: Option<Duration>,
    /// What became of the last attempt.
    #[source]
    pub cause: AttemptError,
}

impl ReportFailure {
    /// Whether the same report may be delivered another time.
    #[must_use]
    pub fn try_again(&self) -> TryAgain {
        self.cause.try_again()
    }
}

/// An error and its causes in one line, for a log.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
