//! What is counted and measured. Only names of a fixed list are ever labels: no id, and nothing that a caller sent.
//!
//! With the feature `metrics` it goes to whichever recorder the program has installed through the `metrics` facade;
//! without it, each function here is empty.

#[cfg(feature = "metrics")]
mod list;
#[cfg(feature = "metrics")]
mod metric;
#[cfg(feature = "metrics")]
mod recorded;
#[cfg(not(feature = "metrics"))]
mod silent;

#[cfg(feature = "metrics")]
pub use self::list::METRICS;
#[cfg(feature = "metrics")]
pub use self::metric::{Kind, Metric, Values};
#[cfg(feature = "metrics")]
pub(crate) use self::recorded::*;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::silent::*;
