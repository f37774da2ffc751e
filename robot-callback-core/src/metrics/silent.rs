//! The same functions without the feature `metrics`: nothing.

use crate::callback::CallbackError;
use crate::delivery::Step;
use crate::report::Outcome;
use crate::store::Applied;

/// No moment at all.
#[derive(Clone, Copy)]
pub(crate) struct Start;

impl Start {
    pub(crate) fn now() -> Self {
        Self
    }
}

pub(crate) fn handled(_: Start, _: Option<&CallbackError>) {}

#[cfg(feature = "http")]
pub(crate) fn refused(_: &CallbackError) {}

pub(crate) fn taken(_: Outcome, _: &Applied) {}

pub(crate) fn applied(_: Start) {}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn group(_: &'static str, _: usize) {}

pub(crate) fn relayed(_: Step) {}

pub(crate) fn relay_store_failed() {}

#[cfg(feature = "postgres")]
pub(crate) fn pool_size(_: usize) {}

#[cfg(feature = "postgres")]
pub(crate) fn pool_waited(_: Start, _: bool) {}

#[cfg(feature = "postgres")]
pub(crate) fn pool_returned() {}
