//! Servers on PostgreSQL, which the tests start themselves unless `DATABASE_URL` names one.

#[path = "../../../../robot-callback-core/tests/it/postgres/cluster.rs"]
mod cluster;
#[path = "../../../../robot-callback-core/tests/it/postgres/programs.rs"]
mod programs;
#[path = "../../../../robot-callback-core/tests/it/postgres/server.rs"]
mod server;

mod away;
mod balancer;
mod two_servers;
