//! The tables, brought up to date. The history stands in `robot_callback.migrations`.
//!
//! Servers of an older version go on while a newer one migrates: each migration says from which version on programs can
//! work with the tables it leaves.

use std::time::Duration;

use tokio::time::Instant;

use super::error::PostgresError;
use super::session::{Session, Sessions, Statement};

struct Migration {
    name: &'static str,
    /// The oldest version whose programs can work with what this leaves.
    compatible_from: i32,
    sql: &'static str,
}

/// In the order of their versions, counted from 1.
const MIGRATIONS: [Migration; 4] = [
    Migration {
        name: "0001_crm_tables",
        compatible_from: 1,
        sql: include_str!("../../../migrations/postgres/0001_crm_tables.sql"),
    },
    Migration {
        name: "0002_robot_callback",
        compatible_from: 2,
        sql: include_str!("../../../migrations/postgres/0002_robot_callback.sql"),
    },
    Migration {
        name: "0003_operator",
        compatible_from: 2,
        sql: include_str!("../../../migrations/postgres/0003_operator.sql"),
    },
    Migration {
        name: "0004_expired_items",
        compatible_from: 2,
        sql: include_str!("../../../migrations/postgres/0004_expired_items.sql"),
    },
];

/// Taken for the length of a migration, so that of several first starts one migrates and the others wait.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('robot_callback.migrations', 0));";

const HISTORY: &str = "CREATE SCHEMA IF NOT EXISTS robot_callback;
CREATE TABLE IF NOT EXISTS robot_callback.migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE robot_callback.migrations ADD COLUMN IF NOT EXISTS compatible_from integer;
ALTER TABLE robot_callback.migrations ENABLE ROW LEVEL SECURITY;";

static EXISTS: Statement =
    Statement { sql: "SELECT to_regclass('robot_callback.migrations') IS NOT NULL", types: &[] };

/// Read through JSON: the first histories had no such column.
static NEWEST: Statement = Statement {
    sql: "SELECT version, coalesce((to_jsonb(m) ->> 'compatible_from')::integer, version)
        FROM robot_callback.migrations m ORDER BY version DESC LIMIT 1",
    types: &[],
};

fn needed() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Whether this program can work with the tables: they are at its version, or at a later one that is compatible.
pub(super) async fn check(sessions: &Sessions) -> Result<(), PostgresError> {
    let (found, compatible_from) = sessions.transact(async |db| newest(db).await).await?;
    let needed = needed();
    let hint = if found < needed { "run its migrations" } else { "run a newer program" };
    if (compatible_from..=found).contains(&needed) {
        Ok(())
    } else {
        Err(PostgresError::Version { found, needed, hint })
    }
}

/// The version of the tables, and the oldest one whose programs can work with them.
async fn newest(db: &Session) -> Result<(i32, i32), PostgresError> {
    if !db.query(&EXISTS, &[]).await?.first().is_some_and(|row| row.get(0)) {
        return Ok((0, 0));
    }
    let rows = db.query(&NEWEST, &[]).await?;
    rows.first().map_or(Ok((0, 0)), |row| Ok((row.try_get(0)?, row.try_get(1)?)))
}

pub(super) async fn migrate(sessions: &Sessions) -> Result<(), PostgresError> {
    // Building an index takes as long as the table is large.
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    sessions.transact_until(Instant::now() + LONGEST, async |db| db.script(&body()).await).await
}

/// All of it in one transaction of its own.
pub(super) fn script() -> String {
    format!("BEGIN;\n{}COMMIT;\n", body())
}

/// Each migration that the history does not know yet.
fn body() -> String {
    let mut sql = format!("SET LOCAL statement_timeout = 0;\n{LOCK}\n{HISTORY}\n");
    for (version, migration) in (1..).zip(&MIGRATIONS) {
        sql.push_str(&step(version, migration));
    }
    sql
}

fn step(version: i32, migration: &Migration) -> String {
    let Migration { name, compatible_from, sql } = migration;
    format!(
        "DO $step$
BEGIN
IF NOT EXISTS (SELECT 1 FROM robot_callback.migrations WHERE version = {version}) THEN
EXECUTE $statements$
{sql}$statements$;
INSERT INTO robot_callback.migrations (version, name, compatible_from)
VALUES ({version}, '{name}', {compatible_from});
END IF;
END
$step$;
"
    )
}
