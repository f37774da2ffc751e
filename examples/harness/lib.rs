//! What the whole loop and the kill test share: a server process that can be killed, a robot with a simulated
//! portal, a witness of every answer, and the checks of exactly-once over what was collected.
//!
//! Nothing here belongs into a product; it is the stage on which the product is watched.

#![allow(clippy::print_stdout, reason = "the programs of this package speak to people")]

pub mod embedding;

mod batch;
mod portal;

mod http;
mod operator;
mod server;

mod robot;
mod witness;

mod checks;
mod facts;

pub use batch::{BatchOrder, BatchRequest, Credentials, ItemRow, JobRows, OrderInput};
pub use checks::{Check, check};
pub use facts::{Facts, open_store};
pub use http::{Answered, HttpError, request};
pub use operator::{Operator, OperatorError};
pub use portal::Portal;
pub use robot::{Events, Robot, RobotOptions};
pub use server::{Server, ServerError, ServerSettings};
pub use witness::{Progress, Reporter, Testimony, Witness};
