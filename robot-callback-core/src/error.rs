//! What can go wrong with a store, in the terms a caller can act on.

use std::error::Error;

/// The cause inside a back end. It goes to the log, never to the wire.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be reached, is too busy, or did not say whether a commit took place. Nothing was recorded or the
    /// outcome is unknown: the same call again is safe, and is what the caller should do.
    #[error("the store is not available")]
    Unavailable(#[source] Cause),
    /// It answered something it never should: a fault of ours, or damaged data. Nothing was recorded.
    #[error("the store failed")]
    Fault(#[source] Cause),
}

impl StoreError {
    /// It can't be reached for now.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Something that never should happen.
    pub fn fault(cause: impl Into<Cause>) -> Self {
        Self::Fault(cause.into())
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// An error and its causes in one line, for a log.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}
