//! What the crate promises, seen from outside.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers between the tests are tests too.

#[cfg(test)]
#[cfg(feature = "conformance")]
mod broken;
#[cfg(test)]
mod callback;
#[cfg(test)]
#[cfg(feature = "conformance")]
mod concurrency;
#[cfg(test)]
#[cfg(feature = "conformance")]
mod conformance;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod deadlines;
#[cfg(test)]
mod handing;
#[cfg(test)]
#[cfg(all(feature = "inngest", feature = "inngest-loopback"))]
mod inngest;
#[cfg(test)]
#[cfg(feature = "conformance")]
mod model;
#[cfg(test)]
#[cfg(all(feature = "postgres", feature = "conformance"))]
mod postgres;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod repeats;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod upgrade;
#[cfg(test)]
mod watched;
#[cfg(test)]
#[cfg(feature = "conformance")]
mod worlds;
