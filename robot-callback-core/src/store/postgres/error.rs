//! PostgreSQL's errors, and what they mean to a caller.

use std::sync::Arc;

use tokio_postgres::error::SqlState;

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
    #[error("the database's tables are at version {found}, and this program needs version {needed}: {hint}")]
    Version { found: i32, needed: i32, hint: &'static str },
    #[error("the lane that applies reports can't be started")]
    LaneStart(#[source] std::io::Error),
    #[error("the lane that applies reports has ended")]
    LaneGone,
}

impl PostgresError {
    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Statement(error) => error.code(),
            _ => None,
        }
    }

    /// Another transaction was in the way; the same one may go through at once.
    pub(super) fn is_contention(&self) -> bool {
        let states = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        self.code().is_some_and(|code| states.contains(&code))
    }

    /// It may pass by itself: the database is away, too busy, or did not say how the transaction ended.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Timeout | Self::LaneGone => true,
            Self::Statement(error) => error.as_db_error().is_none_or(|error| is_passing(error.code().code())),
            Self::Url(_)
            | Self::Tls(_)
            | Self::LaneStart(_)
            | Self::Rows { .. }
            | Self::Unreadable { .. }
            | Self::Version { .. } => false,
        }
    }

    /// Whether the database itself refused what a statement would write: a constraint, a trigger, a value.
    pub(super) fn is_refusal(&self) -> bool {
        !self.is_passing() && self.code().is_some()
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
