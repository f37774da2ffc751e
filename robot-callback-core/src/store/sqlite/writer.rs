//! The one thread that writes, and its group commit.
//!
//! Work queues up while a transaction is being committed; the next transaction takes all that is waiting. Each
//! piece runs in a savepoint of its own, so that one that fails spoils nobody else's, and each caller hears of its
//! own result only after the commit of all. A caller that has gone away changes nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::{NotCommitted, SqliteError};
use crate::error::StoreError;
use crate::metrics;

/// The most pieces of work in one transaction. A bound on the wait of the first of them, not a target.
const GROUP: usize = 512;
/// How many pieces may wait before callers wait for a place in the queue.
const QUEUE: usize = 4096;

pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Work>>,
}

impl Writer {
    /// Starts the thread. It ends, after all that was queued, when the writer is dropped.
    pub(super) fn start(db: Connection) -> Result<Self, SqliteError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name("sqlite-writer".into());
        thread.spawn(move || write(&db, waiting)).map_err(SqliteError::Thread)?;
        Ok(Self { queue })
    }

    /// Runs `work` inside a transaction, together with whatever else is waiting, and returns when it is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let piece = Piece { work: Some(work), result: None, reply };
        self.queue.send(Box::new(piece)).await.map_err(|_| SqliteError::WriterGone)?;
        Ok(answer.await.unwrap_or(Err(SqliteError::WriterGone))?)
    }
}

/// What the queue holds.
trait Work: Send {
    /// Works inside the transaction.
    fn run(&mut self, db: &Connection);
    /// Tells the caller, once it is known whether the transaction committed.
    fn tell(self: Box<Self>, committed: Result<(), NotCommitted>);
}

struct Piece<F, T> {
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T, SqliteError>>,
}

impl<F, T> Work for Piece<F, T>
where
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, db: &Connection) {
        if let Some(work) = self.work.take() {
            self.result = Some(in_savepoint(db, work));
        }
    }

    fn tell(self: Box<Self>, committed: Result<(), NotCommitted>) {
        let result = match (committed, self.result) {
            (Err(error), _) => Err(SqliteError::NotCommitted(error)),
            (Ok(()), Some(result)) => result.map_err(SqliteError::Statement),
            (Ok(()), None) => Err(SqliteError::Panicked),
        };
        _ = self.reply.send(result); // the caller may have gone away; what was done stays done
    }
}

fn write(db: &Connection, mut waiting: mpsc::Receiver<Box<dyn Work>>) {
    let mut group = Vec::with_capacity(GROUP);
    while let Some(first) = waiting.blocking_recv() {
        group.push(first);
        while group.len() < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        metrics::group("sqlite", group.len());
        let committed = transact(db, &mut group);
        for work in group.drain(..) {
            work.tell(committed.clone());
        }
    }
}

/// Runs the group in one transaction. After an error nothing of it is there.
fn transact(db: &Connection, group: &mut [Box<dyn Work>]) -> Result<(), NotCommitted> {
    let statement = |sql| db.prepare_cached(sql)?.execute([]).map(drop);
    let sqlite = |error| NotCommitted::Sqlite(Arc::new(error));
    statement("BEGIN IMMEDIATE").map_err(sqlite)?;
    for work in group {
        if catch_unwind(AssertUnwindSafe(|| work.run(db))).is_err() {
            tracing::error!("a piece of work panicked; it is undone, and the others go on");
            db.execute_batch("ROLLBACK TO piece; RELEASE piece").map_err(sqlite)?;
        }
        // On a full disk and the like SQLite gives up the whole transaction at once.
        if db.is_autocommit() {
            return Err(NotCommitted::GivenUp);
        }
    }
    statement("COMMIT").map_err(|error| {
        _ = db.execute_batch("ROLLBACK"); // fails only when SQLite has rolled back by itself
        sqlite(error)
    })
}

fn in_savepoint<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.prepare_cached("SAVEPOINT piece")?.execute([])?;
    let result = work(db);
    if result.is_err() && !db.is_autocommit() {
        db.prepare_cached("ROLLBACK TO piece")?.execute([])?;
    }
    if !db.is_autocommit() {
        db.prepare_cached("RELEASE piece")?.execute([])?;
    }
    result
}

#[cfg(test)]
mod tests;
