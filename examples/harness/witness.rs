//! The witness: what was reported, and what was answered to it. Lives outside the server and outlives it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_core::{Event, ItemId, JobId, Report, Verdict};
use tokio::sync::watch;

use crate::orders::JobRows;

/// One report that was answered 200.
#[derive(Clone, Debug)]
pub struct Testimony {
    /// What was reported.
    pub report: Report,
    /// What was answered; `None` if the 200 did not say.
    pub verdict: Option<Verdict>,
}

/// How far things have come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Reports on their way now.
    pub in_flight: usize,
    /// Reports answered 200.
    pub answered: usize,
}

/// Keeps every answer.
#[derive(Debug, Default)]
pub struct Witness {
    heard: Mutex<Heard>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Heard {
    jobs: BTreeMap<JobId, Vec<ItemId>>,
    begun: BTreeSet<ItemId>,
    answered: Vec<Testimony>,
    given_up: Vec<String>,
    too_early: BTreeSet<JobId>,
}

impl Witness {
    /// How far things have come, and a way to wait for more.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Every report that was answered 200, in the order of the answers.
    #[must_use]
    pub fn answered(&self) -> Vec<Testimony> {
        self.heard().answered.clone()
    }

    /// What was given up, in words.
    #[must_use]
    pub fn given_up(&self) -> Vec<String> {
        self.heard().given_up.clone()
    }

    /// Jobs whose completion arrived before every item's report had been sent.
    #[must_use]
    pub fn too_early(&self) -> Vec<JobId> {
        self.heard().too_early.iter().copied().collect()
    }

    /// The jobs that are reported on.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobId> {
        self.heard().jobs.keys().copied().collect()
    }

    /// From here on that job is reported on.
    pub fn expect(&self, job: &JobRows) {
        let items = job.items.iter().map(|item| item.item_id).collect();
        self.heard().jobs.insert(job.job_id, items);
    }

    /// Does `work`, and meanwhile looks at every event as it arrives: no job may be announced as complete while there
    /// is an item whose result nobody has sent yet.
    pub async fn beside<T>(&self, inngest: &InngestLoopback, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.watch_arrivals(inngest) => match never {},
        }
    }

    /// Each event is looked at once: what has to be looked through would grow with every arrival, and the work beside
    /// this would soon have no turn.
    async fn watch_arrivals(&self, inngest: &InngestLoopback) -> Infallible {
        let (mut looked_at, mut ids) = (0, BTreeSet::new());
        loop {
            inngest.wait_for(ids.len() + 1).await;
            let new = inngest.events_after(looked_at);
            looked_at += new.len();
            new.iter().for_each(|event| self.arrived(event));
            ids.extend(new.into_iter().map(|event| event.id));
            tokio::task::yield_now().await;
        }
    }

    fn arrived(&self, event: &Event) {
        let job = event.id.strip_prefix("robot/job.batch_completed:").and_then(|id| id.strip_suffix(":1"));
        let Some(job) = job.and_then(|job| job.parse::<JobId>().ok()) else { return };
        let mut heard = self.heard();
        let Heard { jobs, begun, too_early, .. } = &mut *heard;
        if jobs.get(&job).is_some_and(|items| items.iter().any(|item| !begun.contains(item))) {
            too_early.insert(job);
        }
    }

    pub(crate) fn sent(&self, item: ItemId) {
        self.heard().begun.insert(item);
        self.progress.send_modify(|progress| progress.in_flight += 1);
    }

    pub(crate) fn answered_200(&self, testimony: Testimony) {
        self.heard().answered.push(testimony);
        self.ended(1);
    }

    /// There was another answer or none; whoever reported will report again.
    pub(crate) fn unanswered(&self) {
        self.ended(0);
    }

    /// Whoever reported will not report again.
    pub(crate) fn gave_up(&self, reason: String) {
        self.heard().given_up.push(reason);
        self.ended(0);
    }

    fn ended(&self, answered: usize) {
        self.progress.send_modify(|progress| {
            progress.in_flight -= 1;
            progress.answered += answered;
        });
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
