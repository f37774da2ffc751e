//! What the whole loop and the kill tests share: a server and a robot that can be killed, a simulated portal, a proxy
//! that hears every answer before a witness, and the checks of exactly-once over what was collected.
//!
//! Nothing here belongs into a product; it is the stage on which the product is watched.

pub mod embedding;
pub mod simulation;

mod orders;

mod http;
mod operator;

mod port;
mod process;
mod robot;
mod server;

mod gossip;
mod proxy;
mod reporter;
mod witness;

mod checks;
mod facts;
mod pesos;

pub use checks::{Check, check};
pub use facts::{Facts, drained, open_store, truth_of};
pub use gossip::{Gossip, GossipOptions};
pub use http::{Answered, HttpError, request};
pub use operator::{Operator, OperatorError};
pub use orders::{ItemRow, JobRows, Order, Orders, full_name};
pub use pesos::pesos;
pub use process::{Environment, ProcessError};
pub use proxy::{Proxy, ProxyEnd, ProxyFault};
pub use reporter::Reporter;
pub use robot::{HandOverError, RobotProcess, RobotSettings, hand_over};
pub use server::{Server, ServerSettings};
pub use witness::{Progress, Testimony, Witness};
