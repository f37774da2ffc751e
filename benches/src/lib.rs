//! What the measuring programs share: a plan of reports, a server to send them to, a robot's spool in a process of its
//! own, the checks that a run was right, and the limits that its speed is set beside.
//!
//! A run that was wrong has no speed: [`Run`] and [`Backlog`] hand out figures only after the check found nothing.

mod check;
mod cluster;
mod cost;
mod database;
mod endpoint;
mod http;
mod load;
mod plan;
mod plot;
mod program;
mod sample;
mod server;
mod spool;
mod statistics;

pub mod limits;
pub mod parts;
mod run;

pub use cluster::Cluster;
pub use database::{Database, Postgres, Seeded, Sqlite, StatementCost};
pub use load::Pace;
pub use plan::{Behind, Plan};
pub use plot::plot;
pub use program::{async_program, program};
pub use run::{Figures, Run};
pub use spool::{Backlog, Drained, Filled};
pub use statistics::{BOUND, Comparison, Spread};
