//! The same writes on PostgreSQL: a transaction for each callback by pgbench, or one statement for a set.

use std::io;
use std::time::{Duration, Instant};

use crate::database::{Postgres, failed};
use crate::plan::Plan;

const ONE_BY_ONE: &str = include_str!("../../sql/one_by_one.sql");
const SET: &str = include_str!("../../sql/set.sql");

/// What a way of writing came to.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Callbacks in a second.
    pub rate: f64,
    /// The mean time of one, or of one set, in milliseconds.
    pub latency: f64,
    /// The database's processor time for a callback, in microseconds.
    pub database_us: f64,
}

/// pgbench, one transaction for each callback, by so many clients, until each item was written.
///
/// # Errors
/// When pgbench fails, or has not written every item.
pub async fn one_by_one(postgres: &mut Postgres, plan: &Plan, clients: usize) -> io::Result<Limit> {
    postgres.fill(plan).await?;
    let each = plan.items / clients;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("one_by_one.sql");
    std::fs::write(&script, ONE_BY_ONE)?;
    let before = postgres.processor_time();
    let mut pgbench = postgres.cluster().command("pgbench");
    pgbench.args(["-n", "-M", "prepared", "-j", "2", "-D", "k=-1"]).arg("-f").arg(&script);
    pgbench.args(["-D", &format!("step={clients}"), "-c", &clients.to_string(), "-t", &each.to_string()]);
    let output = pgbench.arg(postgres.url()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |begin: &str| -> Option<f64> {
        said.lines().find_map(|line| line.strip_prefix(begin)?.split_whitespace().next()?.parse().ok())
    };
    let (Some(rate), Some(latency)) = (number("tps = "), number("latency average = ")) else {
        return Err(io::Error::other(said));
    };
    let database_us = per(postgres.processor_time() - before, each * clients);
    written(postgres, each * clients).await?;
    Ok(Limit { rate, latency, database_us })
}

/// One statement for each set of so many callbacks, one client.
///
/// # Errors
/// When the database refuses, or has not written every item.
pub async fn set_based(postgres: &mut Postgres, plan: &Plan, rows: usize) -> io::Result<Limit> {
    postgres.fill(plan).await?;
    let client = postgres.connect().await?;
    let statement = client.prepare(SET).await.map_err(failed)?;
    let number = |n: usize| i32::try_from(n).map_err(io::Error::other);
    let (before, start, mut sets) = (postgres.processor_time(), Instant::now(), 0);
    for begin in (0..plan.items).step_by(rows) {
        let range = (number(begin)?, number(begin + rows)?);
        client.execute(&statement, &[&range.0, &range.1]).await.map_err(failed)?;
        sets += 1;
    }
    let elapsed = start.elapsed();
    let database_us = per(postgres.processor_time() - before, plan.items);
    written(postgres, plan.items).await?;
    let rate = 1e6 / per(elapsed, plan.items);
    Ok(Limit { rate, latency: per(elapsed, sets) / 1e3, database_us })
}

#[expect(clippy::cast_precision_loss, reason = "a number of callbacks is far below 2^52")]
fn per(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

/// A limit that was not reached by writing everything is none.
async fn written(postgres: &Postgres, items: usize) -> io::Result<()> {
    let query = "SELECT least((SELECT count(*) FROM robot_job_items WHERE status = 'success'),
        (SELECT count(*) FROM orders WHERE carrier = 'COORDINADORA'), (SELECT sum(success_count) FROM robot_jobs),
        (SELECT count(*) FROM robot_callback.outbox))::bigint";
    let found = postgres.connect().await?.query_one(query, &[]).await.map_err(failed)?;
    let found: i64 = found.get(0);
    if usize::try_from(found) == Ok(items) {
        Ok(())
    } else {
        Err(io::Error::other(format!("{found} of {items} items were written")))
    }
}
