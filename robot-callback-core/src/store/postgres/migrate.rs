//! The tables, brought up to date. The history stands in `robot_callback.migrations`.

use super::error::PostgresError;
use super::session::{Session, Sessions, Statement};

/// In the order of their versions, counted from 1.
const MIGRATIONS: [(&str, &str); 2] = [
    ("0001_crm_tables", include_str!("../../../migrations/postgres/0001_crm_tables.sql")),
    ("0002_robot_callback", include_str!("../../../migrations/postgres/0002_robot_callback.sql")),
];

/// Taken for the length of a migration, so that of several first starts one migrates and the others wait.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('robot_callback.migrations', 0));";

const HISTORY: &str = "CREATE SCHEMA IF NOT EXISTS robot_callback;
CREATE TABLE IF NOT EXISTS robot_callback.migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE robot_callback.migrations ENABLE ROW LEVEL SECURITY;";

fn needed() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Whether the tables are at the version this program needs.
pub(super) async fn check(sessions: &Sessions) -> Result<(), PostgresError> {
    let found = sessions.transact(async |db| version(db).await).await?;
    let needed = needed();
    let hint = if found < needed { "run its migrations" } else { "run a newer program" };
    if found == needed { Ok(()) } else { Err(PostgresError::Version { found, needed, hint }) }
}

async fn version(db: &Session) -> Result<i32, PostgresError> {
    let exists = "SELECT to_regclass('robot_callback.migrations') IS NOT NULL";
    if !db.query(&Statement { sql: exists, types: &[] }, &[]).await?.first().is_some_and(|row| row.get(0)) {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) FROM robot_callback.migrations";
    let rows = db.query(&Statement { sql: newest, types: &[] }, &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

pub(super) async fn migrate(sessions: &Sessions) -> Result<(), PostgresError> {
    sessions.transact(async |db| db.script(&body()).await).await
}

/// All of it in one transaction of its own.
pub(super) fn script() -> String {
    format!("BEGIN;\n{}COMMIT;\n", body())
}

/// Each migration that the history does not know yet.
fn body() -> String {
    let mut sql = format!("{LOCK}\n{HISTORY}\n");
    for (version, (name, migration)) in (1..).zip(MIGRATIONS) {
        sql.push_str(&step(version, name, migration));
    }
    sql
}

fn step(version: i32, name: &str, migration: &str) -> String {
    format!(
        "DO $step$
BEGIN
IF NOT EXISTS (SELECT 1 FROM robot_callback.migrations WHERE version = {version}) THEN
EXECUTE $statements$
{migration}$statements$;
INSERT INTO robot_callback.migrations (version, name) VALUES ({version}, '{name}');
END IF;
END
$step$;
"
    )
}
