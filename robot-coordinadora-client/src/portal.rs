//! The carrier's portal, as the robot sees it. Whoever drives a browser, or calls an API, implements these two traits.

use std::fmt;

use async_trait::async_trait;
use robot_callback_core::Cause;

use crate::request::{Credentials, PedidoInput};

/// A carrier's portal that can be logged in to.
#[async_trait]
pub trait Portal: fmt::Debug + Send + Sync {
    /// Opens a session. Called once for a batch, and again after something went wrong in a session.
    ///
    /// # Errors
    /// A [`PortalError`]: the orders that were waiting are reported as `portal`, with its words.
    async fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn PortalSession>, PortalError>;
}

/// A session in the portal. One call at a time.
///
/// A call that takes longer than its time limit is dropped, and a call may panic. After that, and after
/// [`PortalError::Failed`], the session is closed, and a new one is asked what became of the order
/// ([`look_up`](Self::look_up)).
#[async_trait]
pub trait PortalSession: Send {
    /// Submits the form and returns the portal's number for the shipment.
    ///
    /// Called **at most once for an order**, whatever dies in between: that it will be is on the disk before.
    ///
    /// # Errors
    /// [`PortalError::Refused`] only if it is certain that nothing was created; else [`PortalError::Failed`].
    async fn create_shipment(&mut self, order: &PedidoInput) -> Result<String, PortalError>;

    /// Looks for the shipment of that reference. Called when it is unknown what became of a submission: after a
    /// failure, a time limit, or a restart.
    ///
    /// # Errors
    /// A [`PortalError`], which counts as [`Lookup::CannotTell`].
    async fn look_up(&mut self, reference: &str) -> Result<Lookup, PortalError>;

    /// Ends the session. Called once for every session that was opened, whatever happened in it.
    async fn close(self: Box<Self>);
}

/// What the portal knows of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// One shipment, and its number. For a portal that shows several of that reference, only if it is certain which
    /// one belongs to the order.
    Created(String),
    /// None now. A slow submission may still arrive: the order is not submitted again.
    NotThere,
    /// The portal can't be searched, or the answer is not clear.
    CannotTell,
}

/// What went wrong in the portal.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// The portal refused, in its own words, and nothing was created. Reported as `portal`.
    #[error("{0}")]
    Refused(String),
    /// Anything else: a page that did not come, a browser that died. A shipment may have been created. Reported as
    /// `unknown`, with the words of the cause, unless the shipment is found.
    #[error("the portal could not be worked with")]
    Failed(#[source] Cause),
}

impl PortalError {
    /// A failure told in words.
    pub fn failed(words: impl Into<String>) -> Self {
        Self::Failed(words.into().into())
    }
}
