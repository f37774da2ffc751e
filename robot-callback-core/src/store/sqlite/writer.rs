//! The one thread that writes, and its group commit.
//!
//! Work queues up while a transaction is being committed; the next transaction takes all that is waiting. Each caller
//! hears of its own result only after the commit of all; one that has gone away changes nothing. When a piece fails,
//! which is rare, all is undone and done again with each piece in a savepoint of its own, so that it spoils nobody
//! else's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::error::{NotCommitted, SqliteError};
use crate::error::{StoreError, chain};
use crate::metrics;

/// The most pieces of work in one transaction. A bound on the wait of the first of them, not a target.
const GROUP: usize = 512;
/// How many pieces may wait before callers wait for a place in the queue.
const QUEUE: usize = 4096;

pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Work>>,
    /// Why something could not be written, if that was so since it was last [asked](Self::ping).
    failed: Mutex<Option<String>>,
}

impl Writer {
    /// Starts the thread. It ends, after all that was queued, when the writer is dropped.
    pub(super) fn start(db: Connection) -> Result<Self, SqliteError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name("sqlite-writer".into());
        thread.spawn(move || write(&db, waiting)).map_err(SqliteError::Thread)?;
        Ok(Self { queue, failed: Mutex::default() })
    }

    /// Runs `work` inside a transaction, together with whatever else is waiting, and returns when it is durable. It
    /// may run a second time: what it did at first is undone then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let piece = Piece { work, result: None, reply };
        self.queue.send(Box::new(piece)).await.map_err(|_| SqliteError::WriterGone)?;
        let done = answer.await.unwrap_or(Err(SqliteError::WriterGone)).map_err(StoreError::from);
        done.inspect_err(|error| {
            if let StoreError::Unavailable(cause) = error {
                *self.failed() = Some(chain(&**cause));
            }
        })
    }

    /// Whether the file can be written to. While all is well this writes nothing; a full disk shows in what others
    /// wanted to write. After that `touch` has to succeed, so that it shows for as long as it lasts.
    pub(super) async fn ping(
        &self,
        mut touch: impl FnMut(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        let failed = self.failed().take();
        let in_doubt = failed.is_some();
        self.run(move |db| if in_doubt { touch(db) } else { Ok(()) }).await?;
        failed.map_or(Ok(()), |why| Err(SqliteError::NotWritten(why).into()))
    }

    fn failed(&self) -> MutexGuard<'_, Option<String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the queue holds.
trait Work: Send {
    /// Works inside the transaction; says whether it succeeded.
    fn run(&mut self, db: &Connection) -> bool;
    /// Takes out why it failed, if it said so.
    fn error(&mut self) -> Option<rusqlite::Error>;
    /// Tells the caller, once it is known whether the transaction committed.
    fn tell(self: Box<Self>, committed: Result<(), NotCommitted>);
}

struct Piece<F, T> {
    work: F,
    /// None when it panicked.
    result: Option<rusqlite::Result<T>>,
    reply: oneshot::Sender<Result<T, SqliteError>>,
}

impl<F, T> Work for Piece<F, T>
where
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        self.result = catch_unwind(AssertUnwindSafe(|| (self.work)(db))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn error(&mut self) -> Option<rusqlite::Error> {
        self.result.take()?.err()
    }

    fn tell(self: Box<Self>, committed: Result<(), NotCommitted>) {
        let result = match (committed, self.result) {
            (Err(error), _) => Err(SqliteError::NotCommitted(error)),
            (Ok(()), Some(result)) => result.map_err(SqliteError::Statement),
            (Ok(()), None) => {
                tracing::error!("a piece of work panicked; it is undone, and the others go on");
                Err(SqliteError::Panicked)
            }
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
    statement(db, "BEGIN IMMEDIATE")?;
    let done = run_all(db, group).and_then(|()| statement(db, "COMMIT"));
    done.inspect_err(|_| undo(db))
}

/// First without savepoints: with them SQLite copies each page once more for every piece that changes it.
fn run_all(db: &Connection, group: &mut [Box<dyn Work>]) -> Result<(), NotCommitted> {
    if group.iter_mut().all(|work| work.run(db) && !db.is_autocommit()) {
        return Ok(());
    }
    undo(db);
    statement(db, "BEGIN IMMEDIATE")?;
    group.iter_mut().try_for_each(|work| in_savepoint(db, &mut **work))
}

/// Runs a piece so that nothing of it is there when it fails.
fn in_savepoint(db: &Connection, work: &mut dyn Work) -> Result<(), NotCommitted> {
    statement(db, "SAVEPOINT piece")?;
    let succeeded = work.run(db);
    // On a full disk and the like SQLite gives up the whole transaction at once.
    if db.is_autocommit() {
        return Err(NotCommitted::GivenUp(work.error().map(Arc::new)));
    }
    if !succeeded {
        statement(db, "ROLLBACK TO piece")?;
    }
    statement(db, "RELEASE piece")
}

fn undo(db: &Connection) {
    _ = db.execute_batch("ROLLBACK"); // fails only when SQLite has rolled back by itself
}

fn statement(db: &Connection, sql: &str) -> Result<(), NotCommitted> {
    let run = || db.prepare_cached(sql)?.execute([]).map(drop);
    run().map_err(|error| NotCommitted::Sqlite(Arc::new(error)))
}

#[cfg(test)]
mod tests;
