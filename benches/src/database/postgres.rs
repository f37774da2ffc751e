//! A PostgreSQL server of our own with the CRM's tables in a database that each run gets anew.

use std::io;
use std::time::Duration;

use robot_callback_core::PostgresStore;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{ItemRow, JobRow, Recorded, Seeded, Spent};
use crate::cluster::Cluster;
use crate::cost;
use crate::plan::Plan;

const CRM: &str = include_str!("../../../robot-callback-core/tests/it/postgres/fixture.sql");
const SEED: &str = include_str!("../../sql/seed.sql");
const WORKSPACE: &str = "b7c1d2e3-0000-4000-8000-000000000001";

/// A server that has been in use has its log's files already, and need not make one for every 16 MiB.
const IN_USE: &str = "-c min_wal_size=1GB";

/// Writes 400 MiB into the log, so that the next checkpoint has files to keep.
const FILL_LOG: &str = "DO $$ BEGIN FOR n IN 1..400 LOOP PERFORM pg_logical_emit_message(false, '', repeat('.', 1048576)); END LOOP; END $$";

/// Counts statements, and how long they took to plan.
const COUNTING: &str =
    "-c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track_planning=on";

/// What a statement took, in all its calls.
#[derive(Clone, Debug)]
pub struct StatementCost {
    /// How it begins.
    pub statement: String,
    /// How many times it ran.
    pub calls: i64,
    /// How many rows it found or changed.
    pub rows: i64,
    /// Milliseconds spent on planning it.
    pub planning_ms: f64,
    /// Milliseconds spent on executing it.
    pub execution_ms: f64,
    /// Bytes it added to the log.
    pub log_bytes: i64,
}

/// The server.
pub struct Postgres {
    cluster: Cluster,
}

impl Postgres {
    /// Starts it, durable as an owner's is.
    ///
    /// # Errors
    /// When it does not take connections.
    pub async fn start() -> io::Result<Self> {
        Self::start_with("").await
    }

    /// Starts it so that it [counts statements](Self::statements), which costs it a little.
    ///
    /// # Errors
    /// When it does not take connections.
    pub async fn start_counting() -> io::Result<Self> {
        let postgres = Self::start_with(COUNTING).await?;
        let template = postgres.client("template1").await?;
        run(&template, "CREATE EXTENSION pg_stat_statements").await.map(|()| postgres)
    }

    async fn start_with(settings: &str) -> io::Result<Self> {
        let postgres = Self { cluster: Cluster::start(&format!("{IN_USE} {settings}")) };
        run(&postgres.client("postgres").await?, FILL_LOG).await.map(|()| postgres)
    }

    /// Forgets what was counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_statements(&self) -> io::Result<()> {
        run(&self.connect().await?, "SELECT pg_stat_statements_reset()").await
    }

    /// The statements that took longest, in all.
    ///
    /// # Errors
    /// The database's.
    pub async fn statements(&self) -> io::Result<Vec<StatementCost>> {
        let query = "SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 70), calls, rows, total_plan_time,
                total_exec_time, wal_bytes::bigint
            FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'bench')
            ORDER BY total_plan_time + total_exec_time DESC LIMIT 20";
        let rows = self.connect().await?.query(query, &[]).await.map_err(failed)?;
        let cost = |row: &tokio_postgres::Row| StatementCost {
            statement: row.get(0),
            calls: row.get(1),
            rows: row.get(2),
            planning_ms: row.get(3),
            execution_ms: row.get(4),
            log_bytes: row.get(5),
        };
        Ok(rows.iter().map(cost).collect())
    }

    /// The database of the runs.
    #[must_use]
    pub fn url(&self) -> String {
        self.cluster.url("bench")
    }

    /// The server's process and programs.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// A connection to the database of the runs.
    ///
    /// # Errors
    /// When there is none.
    pub async fn connect(&self) -> io::Result<Client> {
        self.client("bench").await
    }

    async fn client(&self, database: &str) -> io::Result<Client> {
        let connected = tokio_postgres::connect(&self.cluster.url(database), NoTls).await;
        let (client, connection) = connected.map_err(failed)?;
        tokio::spawn(connection);
        Ok(client)
    }

    pub(crate) async fn fill(&mut self, plan: &Plan) -> io::Result<Seeded> {
        let admin = self.client("postgres").await?;
        run(&admin, "DROP DATABASE IF EXISTS bench WITH (FORCE)").await?;
        run(&admin, "CREATE DATABASE bench").await?;
        let client = self.connect().await?;
        run(&client, CRM).await?;
        PostgresStore::migrate(&self.url()).await.map_err(io::Error::other)?;
        let (items, jobs) = (plan.items.to_string(), plan.jobs.to_string());
        let seed = SEED.replace(":items", &items).replace(":jobs", &jobs).replace(":workspace", WORKSPACE);
        run(&client, &seed).await?;
        // So that no run pays for another's dirty pages or missing statistics.
        run(&client, "VACUUM ANALYZE").await?;
        run(&client, "CHECKPOINT").await?;
        let rows = client.query("SELECT item FROM bench.items ORDER BY n", &[]).await;
        let items = rows.map_err(failed)?.iter().map(|row| row.get(0)).collect();
        Ok(Seeded { items })
    }

    /// Adds so many events that were delivered yesterday.
    ///
    /// # Errors
    /// The database's.
    pub async fn add_history(&self, rows: usize) -> io::Result<()> {
        let insert = format!(
            "INSERT INTO robot_callback.outbox
                (event_id, name, data, state, due_at, recorded_at, delivered_at, deliveries)
            SELECT 'robot.coord.completed:' || gen_random_uuid() || ':1', 'history', '{{\"cascadeDepth\":0}}',
                'delivered', at, at, at, 1
            FROM (SELECT now() - interval '1 day' - n * interval '5 milliseconds' AS at FROM generate_series(1, {rows}) n) h"
        );
        let client = self.connect().await?;
        run(&client, &insert).await?;
        run(&client, "VACUUM ANALYZE robot_callback.outbox").await?;
        run(&client, "CHECKPOINT").await
    }

    pub(crate) async fn recorded(&self) -> io::Result<Recorded> {
        let client = self.connect().await?;
        let items = "SELECT i.id, i.job_id, i.status, i.tracking_number, o.tracking_number
            FROM robot_job_items i LEFT JOIN orders o ON o.id = i.order_id AND o.carrier = 'COORDINADORA'";
        let jobs = "SELECT id, status, total_items::bigint, success_count::bigint, error_count::bigint FROM robot_jobs";
        let events = "SELECT event_id, state FROM robot_callback.outbox WHERE name <> 'history'";
        let number = "SELECT (SELECT count(*) FROM robot_callback.batch_completions), count(*)
            FROM robot_callback.kept_reports";
        let items = client.query(items, &[]).await.map_err(failed)?;
        let jobs = client.query(jobs, &[]).await.map_err(failed)?;
        let events = client.query(events, &[]).await.map_err(failed)?;
        let numbers = client.query_one(number, &[]).await.map_err(failed)?;
        let item = |row: &tokio_postgres::Row| ItemRow {
            item: row.get::<_, Uuid>(0),
            job: row.get(1),
            status: row.get(2),
            tracking_number: row.get(3),
            on_order: row.get(4),
        };
        let job = |row: &tokio_postgres::Row| {
            let (job, status) = (row.get::<_, Uuid>(0), row.get(1));
            JobRow { job, status, total: row.get(2), successes: row.get(3), errors: row.get(4) }
        };
        Ok(Recorded {
            items: items.iter().map(item).collect(),
            jobs: jobs.iter().map(job).collect(),
            events: events.iter().map(|row| (row.get(0), row.get(1))).collect(),
            completions: numbers.get(0),
            kept: numbers.get(1),
        })
    }

    pub(crate) fn processor_time(&self) -> Duration {
        cost::family_time(self.cluster.pid())
    }

    pub(crate) async fn spent(&self) -> io::Result<Spent> {
        let client = self.client("postgres").await?;
        let query = "SELECT wal_bytes::bigint, wal_sync,
            (SELECT xact_commit FROM pg_stat_database WHERE datname = 'bench') FROM pg_stat_wal";
        // Statistics are reported by sessions about once a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let row = client.query_one(query, &[]).await.map_err(failed)?;
        let number = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        let processor = self.processor_time();
        Ok(Spent { processor, log_bytes: number(0), syncs: number(1), commits: number(2) })
    }
}

async fn run(client: &Client, sql: &str) -> io::Result<()> {
    client.batch_execute(sql).await.map_err(failed)
}

/// The driver's own words for an error of the database are just that there was one.
pub(crate) fn failed(error: tokio_postgres::Error) -> io::Error {
    let said = error.as_db_error().map(ToString::to_string);
    said.map_or_else(|| io::Error::other(error), io::Error::other)
}
