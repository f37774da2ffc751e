//! What the whole loop and the kill test share: a server process that can be killed, a robot with a simulated
//! portal, a witness of every answer, and the checks of exactly-once over what was collected.
//!
//! Nothing here belongs into a product; it is the stage on which the product is watched.

pub mod embedding;

mod batch;
mod portal;

mod http;
mod operator;
mod server;

mod reporter;
mod robot;
mod witness;

mod checks;
mod facts;
mod pesos;

pub use batch::{BatchOrder, BatchRequest, Credentials, ItemRow, JobRows, OrderInput};
pub use checks::{Check, check};
pub use facts::{Facts, drained, open_store};
pub use http::{Answered, HttpError, request};
pub use operator::{Operator, OperatorError};
pub use pesos::pesos;
pub use portal::Portal;
pub use reporter::Reporter;
pub use robot::{Events, Robot, RobotOptions};
pub use server::{Server, ServerError, ServerSettings};
pub use witness::{Progress, Testimony, Witness};
