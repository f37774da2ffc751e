//! What can go wrong between us and Inngest, precisely. It becomes the cause of an
//! [`EmitError`](crate::EmitError); it never holds the URL, since that holds the key.

use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no answer from Inngest")]
    NoAnswer(#[source] reqwest::Error),
    #[error("Inngest answered {status}: {why}")]
    Refused { status: u16, why: String },
    #[error("something answered {status}, but not as Inngest does")]
    Foreign { status: u16 },
    #[error("Inngest took {taken} events of {sent}")]
    Fewer { taken: usize, sent: usize },
    #[error("the whole call took longer than {0:?}")]
    OutOfTime(Duration),
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer(error.without_url())
    }
}

impl Failure {
    /// Whether time alone hardly mends it: a wrong key, a wrong address, something else that listens there.
    pub(super) fn needs_an_operator(&self) -> bool {
        match self {
            Self::Foreign { .. } => true,
            Self::Refused { status, .. } => !matches!(status, 200 | 408 | 425 | 429 | 500..),
            Self::NoAnswer(_) | Self::Fewer { .. } | Self::OutOfTime(_) => false,
        }
    }
}
