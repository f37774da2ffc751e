//! The store: the verbs of `Store` and `OperatorStore`, each one change of the file.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Applied, Claim, Clock, Creation, DeadLetter, Discrepancy, EntryId, ItemId, JobId, JobView, KeptReport,
    Lease, LeaseToken, NewJob, OperatorStore, OutboxDepth, Report, Resolution, Rules, Settlement, Store,
    StoreError, Timestamp,
};

use super::file::JsonFile;
use super::state::State;

/// A store in one JSON file. Several processes can share the file.
pub(crate) struct JsonFileStore {
    file: JsonFile,
    clock: Arc<dyn Clock>,
    rules: Rules,
}

impl JsonFileStore {
    /// Opens the file, which is made by the first change if it is not there.
    pub(crate) fn open(path: &Path, clock: Arc<dyn Clock>, rules: Rules) -> io::Result<Self> {
        let file = JsonFile::new(path);
        file.read::<State>()?;
        Ok(Self { file, clock, rules })
    }

    /// One change: loads, lets `verb` do its part, saves. Runs to its end even if the caller goes away, on a thread
    /// that may wait for disks.
    async fn change<R: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut State, Rules, Timestamp) -> R + Send + 'static,
    ) -> Result<R, StoreError> {
        let (file, clock, rules) = (self.file.clone(), self.clock.clone(), self.rules);
        in_background(move || file.change(|state| verb(state, rules, clock.now()))).await
    }

    async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> R + Send + 'static,
    ) -> Result<R, StoreError> {
        let file = self.file.clone();
        in_background(move || file.read().map(|state: State| look(&state))).await
    }
}

/// A file that can't be understood is damaged; any other trouble may pass.
async fn in_background<R: Send + 'static>(
    work: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> Result<R, StoreError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(StoreError::fault)?;
    done.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => StoreError::fault(error),
        _ => StoreError::unavailable(error),
    })
}

#[async_trait]
impl Store for JsonFileStore {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        self.change(move |state, rules, now| state.apply(&report, rules, now)).await
    }

    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError> {
        self.change(move |state, _, now| state.outbox.claim(claim, now)).await
    }

    async fn settle(&self, lease: LeaseToken, settled: Vec<(EntryId, Settlement)>) -> Result<(), StoreError> {
        self.change(move |state, _, now| state.outbox.settle(lease, settled, now)).await
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        self.change(move |state, _, now| state.outbox.prune(older_than, limit, now)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|_| ()).await
    }
}

#[async_trait]
impl OperatorStore for JsonFileStore {
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError> {
        self.change(move |state, _, now| state.create_job(job, now)).await
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.read(move |state| state.view(id)).await
    }

    async fn retry_failed(
        &self,
        job: JobId,
        items: Option<Vec<ItemId>>,
        deadline: Option<Timestamp>,
    ) -> Result<Option<Vec<ItemId>>, StoreError> {
        self.change(move |state, _, _| state.retry_failed(job, items.as_deref(), deadline)).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.change(move |state, rules, now| state.expire(limit, rules, now)).await
    }

    async fn kept_reports(&self, job: JobId) -> Result<Vec<KeptReport>, StoreError> {
        self.read(move |state| state.kept_reports(job)).await?.map_err(StoreError::fault)
    }

    async fn resolve_kept(&self, id: i64, resolution: Resolution) -> Result<Option<Applied>, StoreError> {
        self.change(move |state, rules, now| state.resolve_kept(id, resolution, rules, now)).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(move |state| state.outbox.dead_letters(limit)).await
    }

    async fn redrive(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        self.change(move |state, _, now| state.outbox.redrive(&ids, now)).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.read(|state| state.outbox.depth()).await
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        self.read(State::verify).await
    }
}
