//! When a robot dies: after so many calls of its portal and of its receiver, each counted when it comes and when it has
//! been done. The call at which it dies is never answered.

use async_trait::async_trait;
use robot_coordinadora_client::{Credentials, Lookup, PedidoInput, Portal, PortalError, PortalSession};
use tokio::sync::watch;

/// How many calls are left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fuse(watch::Sender<isize>);

impl Fuse {
    /// It burns for so many calls from now on.
    pub(crate) fn set(&self, calls: isize) {
        self.0.send_replace(calls);
    }

    /// Counts a call; whether it was one too many.
    pub(crate) fn burns(&self) -> bool {
        self.0.send_modify(|left| *left -= 1);
        *self.0.borrow() < 0
    }

    /// Resolves when it is burnt.
    pub(crate) async fn burnt(&self) {
        drop(self.0.subscribe().wait_for(|left| *left < 0).await);
    }

    async fn pass(&self) {
        if self.burns() {
            std::future::pending().await
        }
    }
}

/// A portal with a fuse.
#[derive(Debug)]
pub(crate) struct Fused<P>(pub(crate) P, pub(crate) Fuse);

#[async_trait]
impl<P: Portal> Portal for Fused<P> {
    async fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn PortalSession>, PortalError> {
        self.1.pass().await;
        let session = self.0.log_in(credentials).await;
        self.1.pass().await;
        Ok(Box::new(FusedSession(session?, self.1.clone())))
    }
}

struct FusedSession(Box<dyn PortalSession>, Fuse);

#[async_trait]
impl PortalSession for FusedSession {
    async fn create_shipment(&mut self, order: &PedidoInput) -> Result<String, PortalError> {
        self.1.pass().await;
        let number = self.0.create_shipment(order).await;
        self.1.pass().await;
        number
    }

    async fn look_up(&mut self, reference: &str) -> Result<Lookup, PortalError> {
        self.1.pass().await;
        self.0.look_up(reference).await
    }

    async fn close(self: Box<Self>) {
        self.1.pass().await;
        self.0.close().await;
    }
}
