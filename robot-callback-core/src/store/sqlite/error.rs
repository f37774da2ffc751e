//! SQLite's errors, and what they mean to a caller.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::error::StoreError;

/// What can go wrong here, precisely.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqliteError {
    #[error("the database {path} can't be opened")]
    Open { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error(
        "the database has version {found}, and this program knows versions up to {known}: run a newer program"
    )]
    TooNew { found: i64, known: usize },
    #[error("the copy {path} can't be made")]
    Backup { path: PathBuf, source: std::io::Error },
    #[error("the writer's thread can't be started")]
    Thread(#[source] std::io::Error),
    #[error("the transaction did not commit")]
    NotCommitted(#[source] NotCommitted),
    #[error("the work panicked")]
    Panicked,
    #[error("the writer ended before it answered")]
    WriterGone,
    #[error("a moment ago something could not be written: {0}")]
    NotWritten(String),
    #[error("a statement failed")]
    Statement(#[from] rusqlite::Error),
}

/// Why a transaction did not commit; everybody in it hears the same.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NotCommitted {
    #[error(transparent)]
    Sqlite(Arc<rusqlite::Error>),
    #[error("SQLite gave the whole transaction up")]
    GivenUp(#[source] Option<Arc<rusqlite::Error>>),
}

/// One table for all of them: what may pass by itself is unavailable, the rest is a fault.
impl From<SqliteError> for StoreError {
    fn from(error: SqliteError) -> Self {
        let passing = match &error {
            SqliteError::Open { .. }
            | SqliteError::Backup { .. }
            | SqliteError::NotCommitted(_)
            | SqliteError::NotWritten(_)
            | SqliteError::WriterGone => true,
            SqliteError::TooNew { .. } | SqliteError::Thread(_) | SqliteError::Panicked => false,
            SqliteError::Statement(error) => is_passing(error),
        };
        if passing { Self::unavailable(error) } else { Self::fault(error) }
    }
}

/// Whether the machine, or another process, is in the way for now.
fn is_passing(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OperationInterrupted,
        OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OperationInterrupted
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    )
}
