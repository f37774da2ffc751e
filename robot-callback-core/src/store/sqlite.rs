//! A store in one SQLite file: durable, with nothing to install. Several processes may share the file.
//!
//! All writing goes through one thread ([`writer`]), which commits what is waiting together; reading goes beside
//! it, on connections of its own.

mod actions;
mod apply;
mod backup;
mod columns;
mod error;
mod expire;
mod file;
mod jobs;
mod kept;
mod lists;
mod operate;
mod outbox;
mod reader;
mod rows;
mod verify;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::reader::Reader;
use self::writer::Writer;
use super::{Applied, OperatorStore, Store};
use crate::action::Action;
use crate::change::Rules;
use crate::clock::{Clock, SystemClock};
use crate::error::StoreError;
use crate::id::JobId;
use crate::job::Job;
use crate::kept::KeptReport;
use crate::new_job::{Creation, NewJob};
use crate::operation::{Answer, Command};
use crate::outbox::{Claim, DeadLetter, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};
use crate::page::Page;
use crate::query::{ActionQuery, ItemQuery, JobQuery, KeptQuery, LetterQuery};
use crate::report::Report;
use crate::view::{Discrepancy, JobPage, JobView};

/// How a SQLite store works.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Where its time comes from. Default: the machine's clock.
    pub clock: Arc<dyn Clock>,
    /// What a report changes. Default: see [`Rules`].
    pub rules: Rules,
    /// How long to wait for another process that is writing to the file; after that a call is
    /// [unavailable](StoreError::Unavailable). Default: 5 seconds.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), rules: Rules::default(), busy_timeout: Duration::from_secs(5) }
    }
}

/// A store in one SQLite file.
pub struct SqliteStore {
    writer: Writer,
    reader: Reader,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

impl SqliteStore {
    /// Opens the file, which is made (readable by its owner only) when it is not there, and brings its tables up to
    /// date. Blocks for as long as that takes: milliseconds, unless another process holds the file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file can't be opened or is held by another process for longer than
    /// the busy timeout; [`StoreError::Fault`] when it is no database of ours, or of a newer version than ours.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let SqliteOptions { clock, rules, busy_timeout } = options;
        let file = file::DatabaseFile::new(path.as_ref(), busy_timeout);
        let writer = Writer::start(file.open_for_writing()?)?;
        Ok(Self { writer, reader: Reader::new(file), clock, rules })
    }
}

impl SqliteStore {
    /// Copies the database to `to`, which must not be there, as it is at one moment; servers go on writing to it
    /// meanwhile. The copy appears whole or not at all, and only its owner can read it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file can't be opened or the copy can't be made.
    pub async fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (from.to_owned(), to.to_owned());
        let copying = tokio::task::spawn_blocking(move || backup::backup(&from, &to));
        Ok(copying.await.map_err(StoreError::fault)??)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        let (rules, clock) = (self.rules, self.clock.clone());
        self.writer.run(move |db| apply::apply(db, &report, rules, clock.now())).await
    }

    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError> {
        let now = self.clock.now();
        // Looking costs no commit; most looks find nothing.
        if !self.reader.run(move |db| outbox::any_due(db, now)).await? {
            return Ok(Lease { token: LeaseToken::new_v4(), entries: Vec::new() });
        }
        self.writer.run(move |db| outbox::claim(db, claim, now)).await
    }

    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.writer.run(move |db| outbox::settle(db, lease, &settlements, now)).await
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        self.writer.run(move |db| outbox::prune(db, older_than, limit, now)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.writer.ping(file::touch).await
    }
}

#[async_trait]
impl OperatorStore for SqliteStore {
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError> {
        let now = self.clock.now();
        self.writer.run(move |db| jobs::create(db, &job, now)).await
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.reader.run(move |db| jobs::view(db, id)).await
    }

    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        self.reader.run(move |db| lists::job_page(db, id, &query)).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError> {
        let now = self.clock.now();
        self.reader.run(move |db| lists::jobs(db, &query, now)).await
    }

    async fn operate(&self, command: Command) -> Result<Answer, StoreError> {
        let (rules, clock) = (self.rules, self.clock.clone());
        self.writer.run(move |db| operate::operate(db, &command, rules, clock.now())).await
    }

    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError> {
        self.reader.run(move |db| actions::list(db, &query)).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        expire::expire(&self.reader, &self.writer, limit, self.rules, self.clock.now()).await
    }

    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        self.reader.run(move |db| kept::list(db, &query)).await
    }

    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.reader.run(move |db| outbox::dead_letters(db, query)).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.reader.run(outbox::depth).await
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        self.reader.run(verify::verify).await
    }
}

#[cfg(test)]
mod tests;
