//! Opens the store that the settings name.

use std::sync::Arc;

use robot_callback_core::{
    MemoryStore, OperatorStore, PostgresOptions, PostgresStore, Rules, SqliteOptions, SqliteStore,
    SystemClock,
};

use super::CliError;
use crate::config::{Database, Postgres};

/// The store of a server.
pub(super) async fn open(database: &Database, rules: Rules) -> Result<Arc<dyn OperatorStore>, CliError> {
    match database {
        Database::Memory => Ok(Arc::new(MemoryStore::with(Arc::new(SystemClock), rules))),
        Database::Sqlite(file) => {
            let options = SqliteOptions { rules, ..SqliteOptions::default() };
            let store = SqliteStore::open(file, options)
                .map_err(|error| CliError::failed(&format!("opening {}", file.display()), &error))?;
            Ok(Arc::new(store))
        }
        Database::Postgres(postgres) => Ok(Arc::new(connect(postgres, rules).await?)),
    }
}

async fn connect(postgres: &Postgres, rules: Rules) -> Result<PostgresStore, CliError> {
    let Postgres { url, direct_url, mode, deadline } = postgres;
    let options = PostgresOptions {
        rules,
        direct_url: direct_url.clone(),
        statement_mode: *mode,
        report_deadline: *deadline,
        ..PostgresOptions::default()
    };
    let connected = PostgresStore::connect(url, options).await;
    connected
        .map_err(|error| CliError::failed(&format!("opening the database at {}", postgres.place()), &error))
}

/// The store of a server, for another process to work on; it must be there unless `made` may be.
pub(super) async fn open_beside(
    database: &Database,
    may_make: bool,
    rules: Rules,
) -> Result<Arc<dyn OperatorStore>, CliError> {
    match database {
        Database::Memory => {
            Err(CliError::Failed("DATABASE_URL is memory:, which only the server itself can reach".into()))
        }
        Database::Sqlite(file) if !may_make && !file.exists() => {
            Err(CliError::Failed(format!("there is no {}", file.display())))
        }
        Database::Sqlite(_) | Database::Postgres(_) => open(database, rules).await,
    }
}
