//! Robot callbacks on warp: the [`callback`] filter for whoever has a warp server, and the server `robot-callback`,
//! which is made of the same parts.
//!
//! - [`callback`] and [`operator`] are filters, and [`openapi`] describes them; [`routes`] is all three, with a problem in
//!   JSON for every other path.
//! - [`serve`](mod@serve) runs routes on a listener, with limits that warp's own server does not have.
//! - [`cli`] is the program: its settings, its subcommands, its server.
//!
//! The feature `server`, on by default, brings the last two; an embedder can do without.

mod callback;
mod openapi;
mod operator;
mod reading;
mod reply;
mod routes;

#[cfg(feature = "server")]
mod admin;
#[cfg(feature = "server")]
mod banner;
#[cfg(feature = "server")]
mod causes;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
mod config;
#[cfg(feature = "server")]
mod log;
#[cfg(feature = "server")]
mod metrics;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "server")]
pub mod serve;

pub use callback::callback;
pub use openapi::{OPENAPI_PATH, openapi};
pub use operator::{Operator, operator};
pub use routes::routes;

/// The README's programs, compiled by the tests.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../README.md")]
struct Readme;
