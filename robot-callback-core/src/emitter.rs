//! An emitter carries events to whoever waits for them. It decides nothing and remembers nothing.

#[cfg(feature = "inngest")]
pub mod inngest;
#[cfg(feature = "inngest-loopback")]
pub mod inngest_loopback;
mod log;
mod recording;

use std::time::Duration;

use async_trait::async_trait;

pub use log::LogEmitter;
pub use recording::{Failure, RecordingEmitter};

use crate::delivery;
use crate::error::Cause;
use crate::event::Event;
use crate::store::Store;

/// Carries events out.
#[async_trait]
pub trait Emitter: Send + Sync + 'static {
    /// Sends events, and says of each whether it was taken, in the same order. An event may be sent again when
    /// it is not known whether it was taken: the receiver knows it by its id.
    ///
    /// Must end by itself within a bounded time.
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>>;

    /// Called after a callback has recorded events in `store`. By default they are sent right away, in line; what
    /// fails stays in the outbox. A [`Relay`](crate::Relay)'s emitter wakes the relay instead and returns at once.
    /// Whatever this does, the callback is answered alike.
    async fn announce(&self, store: &dyn Store) {
        delivery::in_line(store, self).await;
    }
}

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Not now: the receiver was out of reach, busy, or unclear. The same event may be taken later.
    #[error("not taken for now")]
    Transient {
        /// How long the receiver asked to be left alone.
        retry_after: Option<Duration>,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// Never: the receiver refused this event as it is.
    #[error("refused for good")]
    Permanent(#[source] Cause),
}

impl EmitError {
    /// Not now.
    pub fn transient(cause: impl Into<Cause>) -> Self {
        Self::Transient { retry_after: None, cause: cause.into() }
    }

    /// Never.
    pub fn permanent(cause: impl Into<Cause>) -> Self {
        Self::Permanent(cause.into())
    }

    /// Whether the same event may be taken later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }
}
