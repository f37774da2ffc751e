//! The lane: the one task of a process that applies reports, and its group commit.
//!
//! Reports queue up while a set is being committed; the next set is what is waiting then. Each caller hears of its
//! own report after the commit of all. A set is tried for as long as one of its callers may still wait; what nobody
//! waits for any more when its turn comes is left alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::super::Applied;
use super::PostgresOptions;
use super::error::PostgresError;
use super::scenes::Scenes;
use super::session::{Session, Sessions};
use super::writes::Writes;
use crate::change::{self, Rules};
use crate::clock::{Clock, Timestamp};
use crate::error::StoreError;
use crate::metrics;
use crate::report::{Outcome, Report};

/// The most reports in one transaction. A bound on the wait of the first of them, not a target.
const SET: usize = 256;
/// How many may wait before callers wait for a place in the queue.
const QUEUE: usize = 4096;

type Answer = Result<Option<Applied>, Arc<PostgresError>>;

struct Waiting {
    report: Report,
    deadline: Instant,
    reply: oneshot::Sender<Answer>,
}

pub(super) struct Lane {
    queue: mpsc::Sender<Waiting>,
    patience: Duration,
}

impl Lane {
    /// Starts the task. It ends, after all that was queued, when the lane is dropped.
    pub(super) fn start(sessions: &Sessions, options: &PostgresOptions) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let sessions = sessions.by_key();
        tokio::spawn(Work { sessions, rules: options.rules, clock: options.clock.clone() }.run(waiting));
        Self { queue, patience: options.report_deadline }
    }

    pub(super) async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        let deadline = Instant::now() + self.patience;
        let applied = timeout_at(deadline, self.apply_before(deadline, report)).await;
        Ok(applied.unwrap_or_else(|_| Err(PostgresError::Timeout.into()))?)
    }

    async fn apply_before(&self, deadline: Instant, report: Report) -> Answer {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { report, deadline, reply };
        self.queue.send(waiting).await.map_err(|_| PostgresError::LaneGone)?;
        answer.await.map_err(|_| PostgresError::LaneGone)?
    }
}

struct Work {
    sessions: Sessions,
    rules: Rules,
    clock: Arc<dyn Clock>,
}

impl Work {
    async fn run(self, mut queue: mpsc::Receiver<Waiting>) {
        let mut set = Vec::with_capacity(SET);
        while queue.recv_many(&mut set, SET).await > 0 {
            set.retain(|waiting| !waiting.reply.is_closed());
            let Some(deadline) = set.iter().map(|waiting| waiting.deadline).max() else { continue };
            metrics::group("postgres", set.len());
            let (reports, replies): (Vec<_>, Vec<_>) =
                set.drain(..).map(|waiting| (waiting.report, waiting.reply)).unzip();
            for (reply, answer) in replies.into_iter().zip(self.answers(&reports, deadline).await) {
                _ = reply.send(answer); // the caller may have gone away; what was done stays done
            }
        }
    }

    /// The answer to each report, in their order. What the database refuses is found by applying one by one, so
    /// that it spoils nobody else's.
    async fn answers(&self, reports: &[Report], deadline: Instant) -> Vec<Answer> {
        match self.apply(reports, deadline).await {
            Ok(applied) => applied.into_iter().map(Ok).collect(),
            Err(error) if error.is_refusal() && reports.len() > 1 => {
                let mut answers = Vec::with_capacity(reports.len());
                for report in reports {
                    let alone = self.apply(std::slice::from_ref(report), deadline).await;
                    answers.push(alone.map(|mut applied| applied.pop().flatten()).map_err(Arc::new));
                }
                answers
            }
            Err(error) => {
                let error = Arc::new(error);
                reports.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    async fn apply(
        &self,
        reports: &[Report],
        deadline: Instant,
    ) -> Result<Vec<Option<Applied>>, PostgresError> {
        let work = async |db: &Session| apply(db, reports, self.rules, self.clock.now()).await;
        self.sessions.transact_until(deadline, work).await
    }
}

async fn apply(
    db: &Session,
    reports: &[Report],
    rules: Rules,
    now: Timestamp,
) -> Result<Vec<Option<Applied>>, PostgresError> {
    let ids = |reports: &mut dyn Iterator<Item = &Report>| -> Vec<Uuid> {
        reports.map(|report| report.item_id.0).collect()
    };
    let all = ids(&mut reports.iter());
    let shipped = ids(&mut reports.iter().filter(|report| report.outcome == Outcome::Success));
    let mut scenes = Scenes::lock(db, &all, &shipped).await?;
    let mut writes = Writes::default();
    let mut applied = Vec::with_capacity(reports.len());
    for report in reports {
        let scene = scenes.of(report.item_id);
        let changed = scene.and_then(|scene| {
            let (job, attempt) = (scene.job.id, scene.item.attempt);
            Some((job, attempt, change::apply(scene, report, rules, now)?))
        });
        let Some((job, attempt, change)) = changed else {
            applied.push(None);
            continue;
        };
        if change.keep {
            writes.keep(job, attempt, report, change.verdict)?;
        }
        applied.push(writes.add(&mut scenes, report.item_id, change));
    }
    if !writes.is_empty() {
        writes.write_and_commit(db, &scenes, now).await?;
    }
    Ok(applied)
}
