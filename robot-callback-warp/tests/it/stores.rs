//! Stores that fail, and stores that wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Action, ActionQuery, Answer, Applied, Claim, Command, Creation, DeadLetter, Discrepancy, EntryId, ItemId,
    ItemQuery, Job, JobId, JobPage, JobQuery, JobView, KeptQuery, KeptReport, Lease, LeaseToken, LetterQuery,
    MemoryStore, NewJob, OperatorStore, OutboxDepth, Page, Report, Settlement, Store, StoreError,
};
use tokio::sync::{Notify, Semaphore};

/// A memory store with items that bring trouble.
pub(crate) struct Moody {
    pub(crate) inner: Arc<MemoryStore>,
    /// Told when a report on [`Moody::waiting`] has come.
    pub(crate) begun: Notify,
    /// Lets such reports go on.
    pub(crate) may_end: Semaphore,
    /// Told when one has been applied.
    pub(crate) ended: Notify,
    /// The item whose reports wait.
    pub(crate) waiting: ItemId,
}

/// Reports on it find the store out of reach.
pub(crate) const UNREACHABLE: &str = "00000000-0000-4000-8000-000000000503";
/// Reports on it meet a fault.
pub(crate) const FAULTY: &str = "00000000-0000-4000-8000-000000000500";
/// Reports on it meet a bug.
pub(crate) const PANICKING: &str = "00000000-0000-4000-8000-000000000501";
/// Reports on it are never answered.
pub(crate) const SILENT: &str = "00000000-0000-4000-8000-000000000504";

impl Moody {
    pub(crate) fn new(inner: Arc<MemoryStore>, waiting: ItemId) -> Arc<Self> {
        let (begun, ended, may_end) = (Notify::new(), Notify::new(), Semaphore::new(0));
        Arc::new(Self { inner, begun, may_end, ended, waiting })
    }
}

#[async_trait]
impl Store for Moody {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        match report.item_id.to_string().as_str() {
            UNREACHABLE => return Err(StoreError::unavailable("db.internal refused")),
            FAULTY => return Err(StoreError::fault("a row of db.internal is broken")),
            PANICKING => panic!("a bug near db.internal"),
            SILENT => std::future::pending().await,
            _ => {}
        }
        if report.item_id != self.waiting {
            return self.inner.apply(report).await;
        }
        self.begun.notify_one();
        self.may_end.acquire().await.unwrap().forget();
        let applied = self.inner.apply(report).await;
        self.ended.notify_one();
        applied
    }
    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError> {
        self.inner.claim(claim).await
    }
    async fn settle(&self, token: LeaseToken, list: Vec<(EntryId, Settlement)>) -> Result<(), StoreError> {
        self.inner.settle(token, list).await
    }
    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        self.inner.prune(older_than, limit).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

/// A store that is out of reach, whatever is asked.
#[derive(Default)]
pub(crate) struct Down {
    /// How often it was asked how it is.
    pub(crate) pings: AtomicUsize,
    /// Told each time.
    pub(crate) begun: Notify,
    /// Lets it answer that, where it is to wait.
    pub(crate) may_end: Option<Semaphore>,
}

impl Down {
    /// One that says how it is only when it may.
    pub(crate) fn slow() -> Arc<Self> {
        Arc::new(Self { may_end: Some(Semaphore::new(0)), ..Self::default() })
    }
}

fn down<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("db.internal refused"))
}

#[async_trait]
impl Store for Down {
    async fn apply(&self, _: Report) -> Result<Option<Applied>, StoreError> {
        down()
    }
    async fn claim(&self, _: Claim) -> Result<Lease, StoreError> {
        down()
    }
    async fn settle(&self, _: LeaseToken, _: Vec<(EntryId, Settlement)>) -> Result<(), StoreError> {
        down()
    }
    async fn prune(&self, _: Duration, _: usize) -> Result<usize, StoreError> {
        down()
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.pings.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_one();
        if let Some(may_end) = &self.may_end {
            may_end.acquire().await.unwrap().forget();
        }
        down()
    }
}

#[async_trait]
impl OperatorStore for Down {
    async fn create_job(&self, _: NewJob) -> Result<Creation, StoreError> {
        down()
    }
    async fn job(&self, _: JobId) -> Result<Option<JobView>, StoreError> {
        down()
    }
    async fn job_page(&self, _: JobId, _: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        down()
    }
    async fn jobs(&self, _: JobQuery) -> Result<Page<Job>, StoreError> {
        down()
    }
    async fn operate(&self, _: Command) -> Result<Answer, StoreError> {
        down()
    }
    async fn actions(&self, _: ActionQuery) -> Result<Page<Action>, StoreError> {
        down()
    }
    async fn expire(&self, _: usize) -> Result<Vec<JobId>, StoreError> {
        down()
    }
    async fn kept_reports(&self, _: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        down()
    }
    async fn dead_letters(&self, _: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        down()
    }
    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        down()
    }
    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        down()
    }
}
