//! What the crate promises, seen from outside.

#[cfg(all(feature = "inngest", feature = "inngest-loopback"))]
mod inngest;
