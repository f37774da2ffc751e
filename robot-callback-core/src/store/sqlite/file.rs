//! The database file: how it is made, opened, and brought up to date.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::SqliteError;

struct Migration {
    /// The oldest version whose programs can work with what this leaves.
    compatible_from: i64,
    sql: &'static str,
}

/// Each brings the tables from the version of its place in this list to the next.
const MIGRATIONS: [Migration; 2] = [
    Migration { compatible_from: 1, sql: include_str!("../../../migrations/sqlite/0001_init.sql") },
    Migration { compatible_from: 1, sql: include_str!("../../../migrations/sqlite/0002_operator.sql") },
];

/// The first files had none.
const HISTORY: &str = "CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY, compatible_from INTEGER NOT NULL
) STRICT";

/// How much of the file a connection keeps in memory once it has read it.
const CACHE_KIB: i64 = 16 * 1024;

#[derive(Clone)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    busy_timeout: Duration,
}

impl DatabaseFile {
    pub(super) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self { path: path.to_owned(), busy_timeout }
    }

    /// A connection that may write: the file is made if need be, and its tables are up to date.
    pub(super) fn open_for_writing(&self) -> Result<Connection, SqliteError> {
        make_private(&self.path).map_err(|error| self.cannot_open(error))?;
        let mut db = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Durable at power loss: every commit syncs the log.
        self.switch_to_wal(&db).map_err(|error| self.cannot_open(error))?;
        // Statements undo themselves from memory; the default is a temporary file from the sixteenth page on.
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
        migrate(&mut db)?;
        Ok(db)
    }

    /// A connection that only reads.
    pub(super) fn open_for_reading(&self) -> Result<Connection, SqliteError> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open(&self, mode: OpenFlags) -> Result<Connection, SqliteError> {
        // Each connection stays on one thread at a time, so SQLite's own locking would be for nothing.
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(|error| self.cannot_open(error))?;
        db.busy_timeout(self.busy_timeout)?;
        db.set_prepared_statement_cache_capacity(64);
        // Else SQLite plans a statement anew whenever the values it is given might matter to a partial index.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(db)
    }

    /// SQLite does not wait by itself when several processes make the same new file at once.
    fn switch_to_wal(&self, db: &Connection) -> rusqlite::Result<()> {
        const PAUSE: Duration = Duration::from_millis(10);
        let tries = self.busy_timeout.as_millis() / PAUSE.as_millis();
        for _ in 0..tries {
            match db.pragma_update(None, "journal_mode", "WAL") {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                    std::thread::sleep(PAUSE)
                }
                done => return done,
            }
        }
        db.pragma_update(None, "journal_mode", "WAL")
    }

    fn cannot_open(&self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SqliteError {
        SqliteError::Open { path: self.path.clone(), source: cause.into() }
    }
}

/// Writes to the file and changes nothing in it.
pub(super) fn touch(db: &Connection) -> rusqlite::Result<()> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    db.pragma_update(None, "user_version", version)
}

/// The file names people and addresses: only its owner may read it.
pub(super) fn make_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Under the write lock, so that of several simultaneous first starts one migrates and the others find it done.
fn migrate(db: &mut Connection) -> Result<(), SqliteError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let pending = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    let Some(pending) = pending else { return newer(&transaction, found) };
    for (version, migration) in (found + 1..).zip(pending) {
        transaction.execute_batch(migration.sql)?;
        transaction.execute_batch(HISTORY)?;
        let recorded = "INSERT INTO migrations (version, compatible_from) VALUES (?1, ?2)";
        transaction.execute(recorded, [version, migration.compatible_from])?;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Tables of a later version will do, if that one says so.
fn newer(db: &Connection, found: i64) -> Result<(), SqliteError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let history = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'")?.exists([])?;
    let compatible = "SELECT 1 FROM migrations WHERE version = ?1 AND compatible_from <= ?2";
    if history && db.prepare(compatible)?.exists([found, known])? {
        Ok(())
    } else {
        Err(SqliteError::TooNew { found, known: MIGRATIONS.len() })
    }
}
