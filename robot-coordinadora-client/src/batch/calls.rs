//! Calls into other people's code: a time limit on each, and a panic is an answer like another.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::failure::chain;
use crate::portal::PortalError;

/// Why the portal gave no answer to work with. In words for a report.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It refused, and nothing was created.
    Refused(String),
    /// Something else; what was asked for may have been done.
    Failed(String),
    /// The same, and the code that talks to it panicked.
    Panicked(String),
}

/// Calls the portal.
pub(super) async fn call<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, PortalError>>,
) -> Result<T, Trouble> {
    match caught(tokio::time::timeout(limit, call)).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(PortalError::Refused(words)))) => Err(Trouble::Refused(words)),
        Ok(Ok(Err(PortalError::Failed(cause)))) => Err(Trouble::Failed(chain(&*cause))),
        Ok(Err(_)) => Err(Trouble::Failed(format!("el portal no respondió en {limit:?}"))),
        Err(words) => Err(Trouble::Panicked(words)),
    }
}

/// The future's result, or the words of its panic.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(words(&*panic))),
    })
    .await
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("el robot falló: {}", text.unwrap_or("sin más detalles"))
}
