//! The adapter from outside: through its filters, through a socket, and as a process.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers between the tests are tests too.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod client;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod draining;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod operating;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod program;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod shipping;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod threats;
#[cfg(test)]
mod throttling;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;
