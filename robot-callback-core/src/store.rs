//! A store remembers: items, orders, jobs, the outbox. It decides nothing; [`change`](crate::change) decides.
//!
//! [`Store`] is what callbacks and the relay need. [`OperatorStore`] adds what only an operator needs, so that an
//! embedder with tables of its own implements little.

mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sweep;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore, StatementMode};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};

use crate::action::Action;
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
use crate::verdict::Verdict;
use crate::view::{Discrepancy, JobPage, JobView};

/// What applying a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// What became of the report.
    pub verdict: Verdict,
    /// The job of the item.
    pub job_id: JobId,
    /// The item's attempt, counted from 1.
    pub attempt: u32,
    /// Whether this report completed the job's run.
    pub completed: bool,
    /// How many events it put into the outbox.
    pub events: usize,
    /// Whether a shipped item's order was gone, or belonged to another workspace.
    pub order_missing: bool,
}

/// Where results are kept. One call is one atomic change: all of it is durable when the call returns `Ok`, or
/// none of it happened, or (with [`StoreError::Unavailable`] only) nobody knows and the same call again is safe.
///
/// Dropping a call's future is harmless: the change happens as a whole or not at all.
///
/// # Laws
/// They are numbered in `conformance` (a feature of this crate), where each is a function named by what it says;
/// whoever writes a store runs them all. What is not listed there is not promised. For this trait: 1 to 9 and 17 to
/// 26 (reports), 10 to 16 (what events say), 37 to 39 (attempts), 44 and 45 (late reports), 58 to 65, 69 to 71 (the
/// outbox), 73 and 75, 79 (scope), 80 and 114 (traces), 118 (claims), 99 to 101 (repeats), 108 to 112 (handing
/// over); for durable stores 76 to 78 and 113.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Applies one report, in one transaction:
    ///
    /// 1. loads the item, its job and its order under a lock (or lets the write's own condition decide),
    /// 2. asks [`change::apply`](crate::change::apply) what that changes,
    /// 3. writes the item, the order and the job, the events into the outbox, and the report itself if it is kept.
    ///
    /// `None` when there is no such item, or it is beyond the report's [scope](Report::scope).
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError>;

    /// Takes a lease on entries that are due and not leased: those that have been due for longest, before any that were
    /// delivered already. An entry whose lease has run out is due again: whoever held it may have died.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError>;

    /// Takes entries that this store recorded under a lease for the relay of its own process, so that they need not be
    /// claimed. The lease lasts as long as asked for, at least. `None` when there are none, and always of a store that
    /// leaves everything to be claimed, as it does unless it implements this.
    ///
    /// Who has asked once goes on asking, or [gives back](Self::give_back): a store may keep entries for them.
    fn handed_over(&self, claim: Claim) -> Option<Lease> {
        _ = claim;
        None
    }

    /// Makes what was kept and not [taken](Self::handed_over) due for everybody: the relay has stopped.
    ///
    /// # Errors
    /// See [`StoreError`]. What was kept is due when its lease ends, then.
    async fn give_back(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Records what became of entries held under a lease. An entry whose lease has gone to another is left alone.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError>;

    /// Forgets entries delivered more than `older_than` ago, at most `limit` of them; says how many. That a run was
    /// announced is not forgotten.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError>;

    /// Whether the store can be used right now.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn ping(&self) -> Result<(), StoreError>;
}

/// What an operator needs beside: to make jobs, look at them, and put things right. Atomic and durable like
/// [`Store`].
///
/// # Laws
/// In the same list: 27 to 30 and 116 (kept reports), 31 to 36 (re-opening), 40 to 43, 46, 47 and 106 (deadlines), 48 to 57
/// (making jobs), 66 to 68 (dead letters), 72 (depth), 74 and 115 (verification), 81 to 92 (operations), 93 to 98 (lists),
/// 102 to 105 (acknowledgements), 117 (dropped calls); for durable stores 107.
#[async_trait]
pub trait OperatorStore: Store {
    /// Makes a job, and records who made it. The same idempotency key in the same workspace makes no second one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError>;

    /// A job with its items, in the order they were given.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError>;

    /// Closes the open items of jobs whose deadline has passed, as `error`/`timeout`, at most `limit` jobs, each in
    /// a transaction of its own. Says which jobs.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError>;

    /// A job with some of its items, a page of them.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError>;

    /// Jobs, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError>;

    /// Does what an operator asks, in one transaction:
    ///
    /// 1. looks whether it was done before under the same key ([`Command::done_before`] says what is answered then),
    ///    with others that come under that key kept waiting,
    /// 2. does it, or objects and changes nothing,
    /// 3. records it, if [`Action::of`] makes a record of it.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn operate(&self, command: Command) -> Result<Answer, StoreError>;

    /// What operators did, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError>;

    /// Reports that were kept and not applied, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError>;

    /// Entries refused for good, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError>;

    /// How much waits in the outbox.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError>;

    /// Recounts every job from its items and says what differs from what is recorded. Nothing, if all is well.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError>;
}
