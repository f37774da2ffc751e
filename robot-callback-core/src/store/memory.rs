//! The reference: a store that remembers until its process ends. Read this one first.
//!
//! One lock around one state; every verb takes it once, so every call is atomic. Durable it is not: a restart
//! forgets everything. It is for tests, for trying things out, and for reading.

mod lists;
mod operate;
mod outbox;
mod state;
#[cfg(feature = "conformance")]
mod tampering;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::state::State;
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

/// A store in memory.
pub struct MemoryStore {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

impl MemoryStore {
    /// An empty store on the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Arc::new(SystemClock), Rules::default())
    }

    /// An empty store on that clock, with those rules.
    #[must_use]
    pub fn with(clock: Arc<dyn Clock>, rules: Rules) -> Self {
        Self { state: Mutex::default(), clock, rules }
    }

    /// Every change to the state is complete before anything in it can panic, so a poisoned lock guards a whole
    /// state all the same.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        Ok(self.state().apply(&report, self.rules, self.clock.now()))
    }

    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError> {
        Ok(self.state().outbox.claim(claim, self.clock.now()))
    }

    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError> {
        self.state().outbox.settle(lease, settlements, self.clock.now());
        Ok(())
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        Ok(self.state().outbox.prune(older_than, limit, self.clock.now()))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl OperatorStore for MemoryStore {
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError> {
        Ok(self.state().create_job(job, self.clock.now()))
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        Ok(self.state().view(id))
    }

    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        Ok(self.state().job_page(id, &query))
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError> {
        Ok(self.state().jobs(&query, self.clock.now()))
    }

    async fn operate(&self, command: Command) -> Result<Answer, StoreError> {
        Ok(self.state().operate(&command, self.rules, self.clock.now()))
    }

    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError> {
        Ok(self.state().actions(&query))
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        Ok(self.state().expire(limit, self.rules, self.clock.now()))
    }

    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        Ok(self.state().kept_reports(&query))
    }

    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        Ok(self.state().outbox.dead_letters(query))
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        Ok(self.state().outbox.depth())
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        Ok(self.state().verify())
    }
}
