//! Reading beside the writer: each look is one read transaction, on a connection of its own.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::task;

use super::error::SqliteError;
use super::file::DatabaseFile;
use crate::error::StoreError;

pub(super) struct Reader {
    file: DatabaseFile,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reader {
    pub(super) fn new(file: DatabaseFile) -> Self {
        Self { file, idle: Arc::default() }
    }

    /// Runs `look` on a state of the database that does not change meanwhile.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (file, idle) = (self.file.clone(), self.idle.clone());
        let looking = task::spawn_blocking(move || {
            let spare = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut db = spare.map_or_else(|| file.open_for_reading(), Ok)?;
            let result = in_transaction(&mut db, look);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            result.map_err(SqliteError::Statement)
        });
        Ok(looking.await.map_err(StoreError::fault)??)
    }
}

fn in_transaction<T>(
    db: &mut Connection,
    look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = db.transaction()?;
    look(&transaction) // dropped: rolled back, which for a reader is the same as committed
}
