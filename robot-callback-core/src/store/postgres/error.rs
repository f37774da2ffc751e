//! PostgreSQL's errors, and what they mean to a caller.

use std::sync::Arc;

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::{WasNull, WrongType};

use crate::error::{Cause, StoreError};

/// What can go wrong here, precisely.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresError {
    #[error("the database URL: {0}")]
    Url(String),
    #[error("the connection's encryption can't be set up")]
    Tls(#[source] Cause),
    #[error("no connection to the database")]
    Pool(#[from] deadpool_postgres::PoolError),
    #[error("a statement failed")]
    Statement(#[from] tokio_postgres::Error),
    #[error("the database did not answer in time")]
    Timeout,
    #[error("{statement} changed {found} rows instead of {expected}")]
    Rows { statement: &'static str, expected: usize, found: u64 },
    #[error("column {column} holds what it can't: {why}")]
    Unreadable { column: String, why: String },
    #[error("somebody else made the same rows first")]
    Raced,
    #[error("the database's tables are at version {found}, and this program needs version {needed}: {hint}")]
    Version { found: i32, needed: i32, hint: &'static str },
    #[error("the lane that applies reports can't be started")]
    LaneStart(#[source] std::io::Error),
    #[error("the lane that applies reports has ended")]
    LaneGone,
}

impl PostgresError {
    fn code(&self) -> Option<&SqlState> {
        self.database_error().map(DbError::code)
    }

    fn database_error(&self) -> Option<&DbError> {
        match self {
            Self::Statement(error) => error.as_db_error(),
            _ => None,
        }
    }

    /// Another transaction was in the way; the same one may go through at once.
    pub(super) fn is_contention(&self) -> bool {
        let states = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        matches!(self, Self::Raced)
            || self.is_stale()
            || self.code().is_some_and(|code| states.contains(&code))
    }

    /// A statement was prepared before the columns that it names were changed: it fails on this connection for good, and
    /// on a new one it does not. The state is one for many things; where it came from is not.
    pub(super) fn is_stale(&self) -> bool {
        self.database_error().is_some_and(|error| error.routine() == Some("RevalidateCachedQuery"))
    }

    /// A row was locked by another transaction for longer than it is waited for.
    pub(super) fn is_blocked(&self) -> bool {
        self.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }

    /// A job's run was to be completed that is complete: its owner re-opened the job by means of their own.
    pub(super) fn is_second_completion(&self) -> bool {
        self.database_error().is_some_and(|error| error.constraint() == Some("batch_completions_pkey"))
    }

    /// The database answered with what a program like this one can't read: a type, or nothing where there must be
    /// something.
    fn is_unreadable(&self) -> bool {
        match self {
            Self::Unreadable { .. } => true,
            Self::Statement(error) => {
                let cause = std::error::Error::source(error);
                cause.is_some_and(|cause| cause.is::<WasNull>() || cause.is::<WrongType>())
            }
            _ => false,
        }
    }

    /// It may pass by itself: the database is away, too busy, or did not say how the transaction ended.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Timeout | Self::LaneGone | Self::Raced => true,
            Self::Statement(error) => match error.as_db_error() {
                Some(error) => is_passing(error.code().code()),
                None => !self.is_unreadable(),
            },
            Self::Url(_)
            | Self::Tls(_)
            | Self::LaneStart(_)
            | Self::Rows { .. }
            | Self::Unreadable { .. }
            | Self::Version { .. } => false,
        }
    }

    /// Nothing came from the database: whatever is asked of it next would fare no better.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Timeout | Self::LaneGone => true,
            Self::Statement(error) => error.as_db_error().is_none() && !self.is_unreadable(),
            _ => false,
        }
    }

    /// Whether one row is to blame: the database refused what a statement would write (a constraint, a trigger, a
    /// value), or what stands in the row can't be read.
    pub(super) fn is_refusal(&self) -> bool {
        self.is_unreadable() || (!self.is_passing() && self.code().is_some())
    }

    /// Whether a column that must have a value, or a row that must exist, was missing.
    pub(super) fn is_missing_value(&self) -> bool {
        let states = [&SqlState::NOT_NULL_VIOLATION, &SqlState::FOREIGN_KEY_VIOLATION];
        self.code().is_some_and(|code| states.contains(&code))
    }
}

/// The classes of PostgreSQL's appendix "Error Codes" that pass by themselves: connection, resources, an
/// operator's intervention (shutdown, cancelled statement), contention, locks, a server that became read-only.
fn is_passing(code: &str) -> bool {
    const CLASSES: [&str; 5] = ["08", "53", "57", "40", "58"];
    CLASSES.iter().any(|class| code.starts_with(class)) || matches!(code, "55P03" | "25006")
}

impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> Self {
        Self::from(Arc::new(error))
    }
}

/// Everybody in a set hears of the same error.
impl From<Arc<PostgresError>> for StoreError {
    fn from(error: Arc<PostgresError>) -> Self {
        if error.is_passing() { Self::unavailable(error) } else { Self::fault(error) }
    }
}
