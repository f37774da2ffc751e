//! A store with one fault at a time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Action, ActionQuery, Answer, Applied, Claim, Command, Creation, DeadLetter, Discrepancy, Done, Effect,
    EntryId, ItemId, ItemQuery, Job, JobId, JobPage, JobQuery, JobView, KeptQuery, KeptReport, Lease,
    LeaseToken, LetterQuery, MemoryStore, NewJob, Operation, OperatorStore, Order, OutboxDepth, Page, Report,
    Scope, Settlement, Store, StoreError, Verdict,
};

use crate::watched::at_once;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Nothing,
    /// It applies a report without asking whether the item is still open.
    ForgetsTheCondition,
    /// It asks first and writes later, with nothing in between to keep others out.
    ChecksThenWrites,
    /// It records no events.
    ForgetsTheOutbox,
    /// It records each completion twice.
    CompletesTwice,
    /// It gives entries away without holding them for the claimer.
    IgnoresLeases,
    /// It takes anybody's word for what became of an entry.
    IgnoresWhoSettles,
    /// It drops reports that contradict earlier ones.
    ForgetsContradictions,
    /// It counts re-opened items as failed still.
    MiscountsReopened,
    /// It lets everybody report on everything.
    IgnoresTheScope,
    /// It records events without their trace.
    ForgetsTheTrace,
    /// It does an operation again under the same key.
    ForgetsKeys,
    /// It sends a completion again that was acknowledged.
    ForgetsAcknowledgements,
    /// It keeps no record of what operators do.
    ForgetsWhoDidIt,
    /// It hands entries over that everybody else can get, too.
    HandsOverWhatIsDue,
    /// It keeps entries for a relay, and never gives them back.
    GivesNothingBack,
    /// It ships every order, whoever it belongs to.
    IgnoresWorkspaces,
    /// It takes the trace for a part of what a report says.
    KeepsTheTrace,
    /// It never looks at its own books.
    VerifiesNothing,
    /// It looks whether a kept report is open, and decides about it later.
    DecidesByLooking,
    /// It does what an operator asks, and notes the key afterwards.
    NotesTheKeyLater,
    /// It forgets since when entries are due.
    ForgetsSinceWhen,
}

/// A memory store with a fault.
pub(super) struct Broken {
    store: Arc<MemoryStore>,
    fault: Fault,
    seen: Mutex<HashSet<ItemId>>,
    applied_again: Mutex<HashMap<JobId, u32>>,
    last_lease: Mutex<Option<LeaseToken>>,
    asked: AtomicBool,
    looking: AtomicUsize,
    looked: Mutex<HashMap<ItemId, usize>>,
    keys: Mutex<HashMap<String, Done>>,
    /// Where it writes what it knows, when it is closed and not before.
    pub(super) disk: Option<Disk>,
}

pub(super) type Disk = Arc<Mutex<Option<Arc<MemoryStore>>>>;

/// Until it is so, or nobody comes.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..200_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            *disk.lock().unwrap() = Some(self.store.clone());
        }
    }
}

impl Broken {
    pub(super) fn on(store: Arc<MemoryStore>, fault: Fault) -> Self {
        let (seen, applied_again, last_lease) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (asked, looking, looked) = (AtomicBool::default(), AtomicUsize::default(), Mutex::default());
        let (keys, disk) = (Mutex::default(), None);
        Self { store, fault, seen, applied_again, last_lease, asked, looking, looked, keys, disk }
    }

    async fn decide_by_looking(&self, command: Command) -> Result<Answer, StoreError> {
        let Operation::Resolve { kept_id, .. } = command.operation else {
            return self.store.operate(command).await;
        };
        let mut kept = self.store.kept_reports(KeptQuery::default()).await?.rows.into_iter();
        let open = kept.find(|kept| kept.id == kept_id && kept.resolution.is_none());
        self.looking.fetch_add(1, Ordering::SeqCst);
        until(|| self.looking.load(Ordering::SeqCst) > 1).await;
        let answer = self.store.operate(command).await?;
        Ok(match (open, answer) {
            (Some(kept), Ok(Done { effect: Effect::Nothing, .. }) | Err(_)) => {
                let (verdict, job_id) = (kept.verdict, kept.job_id);
                let (attempt, completed, events, order_missing) = (1, false, 0, false);
                let applied = Applied { verdict, job_id, attempt, completed, events, order_missing };
                Ok(Done::now(Effect::Resolved(applied)))
            }
            (_, answer) => answer,
        })
    }

    async fn note_the_key_later(&self, mut command: Command) -> Result<Answer, StoreError> {
        let Some(key) = command.key.take() else { return self.store.operate(command).await };
        if let Some(done) = self.keys.lock().unwrap().get(&key) {
            return Ok(Ok(Done { repeated: true, ..done.clone() }));
        }
        let answer = self.store.operate(command).await?;
        tokio::task::yield_now().await;
        if let Ok(done) = &answer {
            self.keys.lock().unwrap().insert(key, done.clone());
        }
        Ok(answer)
    }

    /// The job and the order of that item.
    async fn job_and_order(&self, item: ItemId) -> Result<Option<(Job, Order)>, StoreError> {
        for job in self.store.jobs(JobQuery::default()).await?.rows {
            let views = self.store.job(job.id).await?.into_iter().flat_map(|view| view.items);
            if let Some(order) = views.filter(|view| view.item.id == item).find_map(|view| view.order) {
                return Ok(Some((job, order)));
            }
        }
        Ok(None)
    }

    /// Applies a report as if the order were the job's workspace's.
    async fn apply_to_any_order(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        let Some((job, order)) = self.job_and_order(report.item_id).await? else { return Ok(None) };
        self.store.move_order(order.id, job.workspace_id);
        let applied = self.store.apply(report).await;
        self.store.move_order(order.id, order.workspace_id);
        applied
    }
}

#[async_trait]
impl Store for Broken {
    async fn apply(&self, mut report: Report) -> Result<Option<Applied>, StoreError> {
        let item = report.item_id;
        if self.fault == Fault::IgnoresTheScope {
            report.scope = Scope::All;
        }
        if self.fault == Fault::ForgetsTheTrace {
            report.traceparent = None;
        }
        if let (Fault::KeepsTheTrace, Some(trace)) = (self.fault, &report.traceparent) {
            report.error_message = Some(trace.to_string());
        }
        if self.fault == Fault::IgnoresWorkspaces {
            return self.apply_to_any_order(report).await;
        }
        let open = !self.seen.lock().unwrap().contains(&item);
        if self.fault == Fault::ChecksThenWrites {
            let looked = || *self.looked.lock().unwrap().get(&item).unwrap_or(&0);
            *self.looked.lock().unwrap().entry(item).or_default() += 1;
            until(|| looked() > 1).await;
        }
        let Some(mut applied) = self.store.apply(report).await? else { return Ok(None) };
        self.seen.lock().unwrap().insert(item);
        let again = match self.fault {
            Fault::ForgetsTheCondition => true,
            Fault::ChecksThenWrites => open,
            _ => false,
        };
        if again && applied.verdict == Verdict::Duplicate {
            applied.verdict = Verdict::Applied;
            *self.applied_again.lock().unwrap().entry(applied.job_id).or_default() += 1;
        }
        if self.fault == Fault::ForgetsTheOutbox {
            let lease = self.store.claim(Claim { limit: 100, lease: Duration::from_secs(1) }).await?;
            let gone = lease.entries.iter().map(|entry| (entry.id, Settlement::Delivered)).collect();
            self.store.settle(lease.token, gone).await?;
        }
        if self.fault == Fault::GivesNothingBack && self.asked.load(Ordering::SeqCst) {
            self.store.claim(Claim { limit: 100, lease: Duration::from_secs(75) }).await?;
        }
        Ok(Some(applied))
    }

    async fn claim(&self, mut claim: Claim) -> Result<Lease, StoreError> {
        if self.fault == Fault::IgnoresLeases {
            claim.lease = Duration::ZERO;
        }
        if self.fault == Fault::ForgetsSinceWhen {
            // For no time at all: from now on all of them are due since now.
            self.store.claim(Claim { limit: usize::MAX, lease: Duration::ZERO }).await?;
        }
        let mut lease = self.store.claim(claim).await?;
        if self.fault == Fault::CompletesTwice {
            let completion = lease.entries.iter().find(|entry| entry.event.id.starts_with("robot/job."));
            lease.entries.extend(completion.cloned());
        }
        *self.last_lease.lock().unwrap() = Some(lease.token);
        Ok(lease)
    }

    fn handed_over(&self, claim: Claim) -> Option<Lease> {
        self.asked.store(true, Ordering::SeqCst);
        if self.fault != Fault::HandsOverWhatIsDue {
            return None;
        }
        let seen = at_once(self.store.claim(Claim { lease: Duration::ZERO, ..claim })).unwrap();
        Some(seen).filter(|lease| !lease.entries.is_empty())
    }

    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError> {
        let last = *self.last_lease.lock().unwrap();
        let token = if self.fault == Fault::IgnoresWhoSettles { last.unwrap_or(lease) } else { lease };
        self.store.settle(token, settlements).await
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        self.store.prune(older_than, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

#[async_trait]
impl OperatorStore for Broken {
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError> {
        self.store.create_job(job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let again = self.applied_again.lock().unwrap().get(&id).copied().unwrap_or_default();
        let mut view = self.store.job(id).await?;
        if let Some(view) = &mut view {
            view.job.success_count += again;
            if self.fault == Fault::MiscountsReopened {
                view.job.error_count += view.job.run - 1;
            }
        }
        Ok(view)
    }

    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        self.store.job_page(id, query).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError> {
        self.store.jobs(query).await
    }

    async fn operate(&self, mut command: Command) -> Result<Answer, StoreError> {
        match (self.fault, &command.operation) {
            (Fault::ForgetsKeys, _) => command.key = None,
            (Fault::DecidesByLooking, _) => return self.decide_by_looking(command).await,
            (Fault::NotesTheKeyLater, _) => return self.note_the_key_later(command).await,
            (Fault::ForgetsAcknowledgements, Operation::Acknowledge { .. }) => {
                return Ok(Ok(Done::now(Effect::Acknowledged { run: 1 })));
            }
            _ => {}
        }
        self.store.operate(command).await
    }

    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError> {
        let mut page = self.store.actions(query).await?;
        if self.fault == Fault::ForgetsWhoDidIt {
            page.rows.clear();
        }
        Ok(page)
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.store.expire(limit).await
    }

    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        if self.fault == Fault::ForgetsContradictions {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        self.store.kept_reports(query).await
    }

    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.store.dead_letters(query).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.store.outbox_depth().await
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        if self.fault == Fault::VerifiesNothing {
            return Ok(Vec::new());
        }
        self.store.verify().await
    }
}
