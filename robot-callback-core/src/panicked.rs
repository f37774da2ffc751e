//! Other people's code that panics: what it was asked has failed, and nothing else.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Why there is no result: the work panicked.
#[derive(Debug, thiserror::Error)]
#[error("the work panicked: {0}")]
pub(crate) struct Panicked(String);

/// Polls work that may panic. After a panic it must not be polled again.
pub(crate) fn polled<F: Future + ?Sized>(
    work: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, Panicked>> {
    match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(Panicked(message(&*panic)))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref().map(String::as_str)).unwrap_or("no message").to_owned()
}
