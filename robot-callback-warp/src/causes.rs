//! An error and what is behind it, in one line.

use std::error::Error;

/// An error with all its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let each = std::iter::successors(Some(error), |error| (*error).source()).map(ToString::to_string);
    each.collect::<Vec<_>>().join(": ")
}
