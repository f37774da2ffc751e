//! What the lane does: set after set, each in one transaction. While a set's commit is on its way, the rows of the next
//! one are asked for right behind it, so that the database need not wait for this side in between.
//!
//! What is tried when a set has failed is in [`again`](super::again).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::super::super::Applied;
use super::super::error::PostgresError;
use super::super::hand_over::{HandOver, Held};
use super::super::scenes::Scenes;
use super::super::session::{Committing, Session, Sessions};
use super::super::writes::{Recorded, Writes};
use super::set::{Set, Waiting};
use crate::change::{self, Rules};
use crate::clock::{Clock, Timestamp};
use crate::error::chain;
use crate::metrics;
use crate::outbox::Entry;
use crate::report::Report;

/// The most reports in one transaction. A bound on the wait of the first of them, not a target.
const SIZE: usize = 256;

/// How many sets plans serve at most; they are made anew after one, two, four sets and so on, too. A plan is as good as
/// the tables were when it was made: while they hold a handful of rows, an index that is read from end to end looks as
/// good as a key that is looked up.
const PLANS_LAST: u64 = 256;

pub(super) struct Work {
    pub(super) sessions: Sessions,
    /// The same, for reports whose rows were waited for before.
    pub(super) impatient: Sessions,
    pub(super) rules: Rules,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) queue: mpsc::Receiver<Waiting>,
    pub(super) hand_over: Arc<HandOver>,
    /// How long getting ready may take.
    pub(super) warm_up: Duration,
    /// How many sets were begun.
    pub(super) begun: u64,
}

/// A set whose transaction has begun, and the rows it is about.
type Begun = (Set, Result<Scenes, PostgresError>);

/// Sets that were not applied when a series of them ended.
#[derive(Default)]
struct Left {
    failed: Option<(Set, PostgresError)>,
    /// Nothing was wrong with this one.
    next: Option<Set>,
}

impl Work {
    pub(super) async fn run(mut self) {
        self.warm_up().await;
        let mut next = self.wait().await;
        while let Some(set) = next {
            let left = self.series(set).await;
            if let Some((set, error)) = left.failed {
                self.again(set, error).await;
            }
            next = match left.next {
                Some(begun) => Some(begun),
                None => self.wait().await,
            };
        }
    }

    /// Connects and has the statements ready, so that the first report does not wait for that.
    async fn warm_up(&self) {
        let ready = async {
            let mut session = self.sessions.session().await?;
            session.idle = false;
            Scenes::prepare(&session).await?;
            Writes::prepare(&session).await?;
            session.idle = true;
            Ok(())
        };
        if let Err(error) = within(Instant::now() + self.warm_up, ready).await {
            tracing::debug!(error = chain(&error), "the first report will have to wait for its connection");
        }
    }

    /// The next set, once there is one; `None` when there will be none.
    async fn wait(&mut self) -> Option<Set> {
        let mut waiting = Vec::with_capacity(SIZE);
        while self.queue.recv_many(&mut waiting, SIZE).await > 0 {
            if let Some(set) = Set::of(waiting.drain(..)) {
                return Some(set);
            }
        }
        None
    }

    /// What is waiting now.
    fn look(&mut self) -> Option<Set> {
        Set::of(std::iter::from_fn(|| self.queue.try_recv().ok()).take(SIZE))
    }

    /// Applies a set, and then whatever waits each time that one is written, on one connection.
    async fn series(&mut self, first: Set) -> Left {
        let mut session = match within(first.deadline, self.sessions.session()).await {
            Ok(session) => session,
            Err(error) => return Left { failed: Some((first, error)), next: None },
        };
        session.idle = false;
        let mut begun = self.begin(&session, first).await;
        loop {
            begun = match self.apply(&session, begun).await {
                Ok(Some(next)) => next,
                Ok(None) => {
                    session.idle = true;
                    return Left::default();
                }
                Err(left) => {
                    if let Some((_, error)) = &left.failed {
                        session.recover(error).await;
                    }
                    return left;
                }
            }
        }
    }

    /// Applies a set that was begun, and begins the next one, if there is one.
    async fn apply(&mut self, session: &Session, (set, scenes): Begun) -> Result<Option<Begun>, Left> {
        let now = self.clock.now();
        let written = async {
            let (applied, writes, scenes) = decide(&set.reports, scenes?, self.rules, now)?;
            let held = self.hand_over.offer(writes.events(), now);
            let (recorded, commit) =
                within(set.deadline, write(session, &writes, &scenes, now, held)).await?;
            Ok((applied, held.map(|held| (held, writes, recorded)), commit))
        };
        let (applied, recorded, commit) = match written.await {
            Ok(written) => written,
            Err(error) => return Err(Left { failed: Some((set, error)), next: None }),
        };
        let next = if self.sessions.may_go_on() { self.look() } else { None };
        let hand_over = self.hand_over.clone();
        let committing = async {
            if let Err(error) = within(set.deadline, commit).await {
                return Err((set, error));
            }
            if let Some((held, writes, recorded)) = recorded {
                hand(&hand_over, held, writes.into_entries(&recorded));
            }
            set.answer(applied.into_iter().map(Ok));
            Ok(())
        };
        let beginning = async {
            match next {
                Some(next) => Some(self.begin(session, next).await),
                None => None,
            }
        };
        let (committed, begun) = tokio::join!(biased; committing, beginning);
        match committed {
            Ok(()) => Ok(begun),
            Err(failed) => Err(Left { failed: Some(failed), next: begun.map(|(next, _)| next) }),
        }
    }

    async fn begin(&mut self, session: &Session, set: Set) -> Begun {
        metrics::group("postgres", set.reports.len());
        self.begun += 1;
        let scenes = async {
            if self.begun.is_power_of_two() || self.begun.is_multiple_of(PLANS_LAST) {
                session.script("DISCARD PLANS").await?;
            }
            session.begin(Scenes::of_reports(session, &set.reports)).await
        };
        let scenes = within(set.deadline, scenes).await;
        (set, scenes)
    }
}

/// What becomes of each report, and what is to be written for it.
pub(super) fn decide(
    reports: &[Report],
    mut scenes: Scenes,
    rules: Rules,
    now: Timestamp,
) -> Result<(Vec<Option<Applied>>, Writes, Scenes), PostgresError> {
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
    Ok((applied, writes, scenes))
}

/// Writes, and returns when that is done, the commit being on its way.
async fn write<'db>(
    session: &'db Session,
    writes: &Writes,
    scenes: &Scenes,
    now: Timestamp,
    held: Option<Held>,
) -> Result<(Recorded, Committing<'db>), PostgresError> {
    if writes.is_empty(scenes) {
        return Ok((Recorded::default(), session.committing()));
    }
    writes.write_and_commit(session, scenes, now, held).await
}

/// Hands over what is committed.
fn hand(hand_over: &HandOver, held: Held, entries: Result<Vec<Entry>, PostgresError>) {
    match entries {
        Ok(entries) => hand_over.put(held, entries),
        Err(error) => tracing::error!(error = chain(&error), "events leave when their lease ends"),
    }
}

async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, PostgresError>>,
) -> Result<T, PostgresError> {
    timeout_at(deadline, work).await.unwrap_or(Err(PostgresError::Timeout))
}
