//! The database under the server: filled before a run, read after it.

mod postgres;
mod sqlite;

use std::io;
use std::path::Path;
use std::time::Duration;

use uuid::Uuid;

pub(crate) use self::postgres::failed;
pub use self::postgres::{Postgres, StatementCost};
pub use self::sqlite::Sqlite;
use crate::plan::Plan;

/// What a run is on.
pub enum Database {
    /// The CRM's own tables, with all their indexes and triggers.
    Postgres(Postgres),
    /// One file.
    Sqlite(Sqlite),
}

/// The ids of the items, by number.
pub struct Seeded {
    /// What reports are about.
    pub items: Vec<Uuid>,
}

/// An item as it is recorded, and the number that its order carries.
pub(crate) struct ItemRow {
    pub(crate) item: Uuid,
    pub(crate) job: Uuid,
    pub(crate) status: String,
    pub(crate) tracking_number: Option<String>,
    pub(crate) on_order: Option<String>,
}

/// A job as it is recorded.
pub(crate) struct JobRow {
    pub(crate) job: Uuid,
    pub(crate) status: String,
    pub(crate) total: i64,
    pub(crate) successes: i64,
    pub(crate) errors: i64,
}

/// All that a run left behind.
pub(crate) struct Recorded {
    pub(crate) items: Vec<ItemRow>,
    pub(crate) jobs: Vec<JobRow>,
    /// The id of each event and the state it is in.
    pub(crate) events: Vec<(String, String)>,
    pub(crate) completions: i64,
    pub(crate) kept: i64,
}

/// What the database has done so far. Differences of two are a run's cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) processor: Duration,
    pub(crate) log_bytes: u64,
    pub(crate) commits: u64,
    pub(crate) syncs: u64,
}

impl Database {
    /// A fresh one in `folder`, by its name: `postgres` or `sqlite`.
    ///
    /// # Errors
    /// When it can't be made, or there is none of that name.
    pub async fn make(kind: &str, folder: &Path) -> io::Result<Self> {
        match kind {
            "postgres" => Ok(Self::Postgres(Postgres::start().await?)),
            "sqlite" => Ok(Self::Sqlite(Sqlite::new(folder))),
            _ => Err(io::Error::other("the database is postgres or sqlite")),
        }
    }

    /// Its URL, as the server takes it.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Postgres(postgres) => postgres.url(),
            Self::Sqlite(sqlite) => sqlite.url(),
        }
    }

    /// Empties it and fills it with the plan's jobs.
    ///
    /// # Errors
    /// The database's.
    pub async fn fill(&mut self, plan: &Plan) -> io::Result<Seeded> {
        match self {
            Self::Postgres(postgres) => postgres.fill(plan).await,
            Self::Sqlite(sqlite) => sqlite.fill(plan).await,
        }
    }

    pub(crate) async fn recorded(&self) -> io::Result<Recorded> {
        match self {
            Self::Postgres(postgres) => postgres.recorded().await,
            Self::Sqlite(sqlite) => sqlite.recorded(),
        }
    }

    pub(crate) async fn spent(&self) -> io::Result<Spent> {
        match self {
            Self::Postgres(postgres) => postgres.spent().await,
            // It works inside the server's process.
            Self::Sqlite(_) => Ok(Spent::default()),
        }
    }
}
