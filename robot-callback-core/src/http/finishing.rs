//! Work that ends though nobody waits for it any longer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tracing::Instrument;

use crate::panicked::{Panicked, polled};

/// Work that is done where it is waited for. Dropped before its end, it goes on in a task of its own: most callers wait,
/// and need none.
pub(super) struct Finishing<T: Send + 'static> {
    /// None once it has ended.
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    runtime: Handle,
}

impl<T: Send + 'static> Finishing<T> {
    /// Begins when it is first polled. Only within a runtime.
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { work: Some(Box::pin(work)), runtime: Handle::current() }
    }
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let result = std::task::ready!(polled(work.as_mut(), cx));
        // After a panic, too, the work is dropped and never looked at again.
        self.work = None;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.runtime.spawn(work.in_current_span());
        }
    }
}
