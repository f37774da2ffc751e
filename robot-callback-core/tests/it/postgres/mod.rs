//! What holds of `PostgresStore` on a real PostgreSQL, which the tests start themselves.

mod cluster;
mod conformance;
mod database;
mod programs;
mod servers;
mod world;
