//! What holds of `PostgresStore` on a real PostgreSQL, which the tests start themselves.

mod changed;
mod cluster;
mod commit;
mod contention;
mod crm;
mod database;
mod deadlines;
mod getting_ready;
mod given_up;
mod handing;
mod leases;
mod overdue;
mod owner;
#[cfg(feature = "metrics")]
mod pool;
mod pooler;
mod programs;
mod reopened;
mod server;
mod servers;
mod size;
mod tls;
mod upgrade;
mod world;

mod conformance;

pub(crate) use world::{pooled, prepared};
