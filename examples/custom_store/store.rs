//! The store: the verbs of `Store` and `OperatorStore`, each one change of the file.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Action, ActionQuery, Answer, Applied, Claim, Clock, Command, Creation, DeadLetter, Discrepancy, EntryId,
    ItemQuery, Job, JobId, JobPage, JobQuery, JobView, KeptQuery, KeptReport, Lease, LeaseToken, LetterQuery,
    NewJob, OperatorStore, OutboxDepth, Page, Report, Rules, Settlement, Store, StoreError, Timestamp,
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

    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        self.read(move |state| state.job_page(id, &query)).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError> {
        let now = self.clock.now();
        self.read(move |state| state.jobs(&query, now)).await
    }

    async fn operate(&self, command: Command) -> Result<Answer, StoreError> {
        self.change(move |state, rules, now| state.operate(&command, rules, now)).await
    }

    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError> {
        self.read(move |state| state.actions(&query)).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.change(move |state, rules, now| state.expire(limit, rules, now)).await
    }

    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        self.read(move |state| state.kept_reports(&query)).await?.map_err(StoreError::fault)
    }

    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.read(move |state| state.outbox.dead_letters(query)).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.read(|state| state.outbox.depth()).await
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        self.read(State::verify).await
    }
}
