//! What a set of changes writes, gathered change by change; one statement writes it all.

mod rows;
mod statement;

use std::collections::BTreeMap;

use tokio_postgres::Row;

use self::rows::Rows;
use self::statement::{WRITE, WRITE_COMMON};
use super::super::Applied;
use super::error::PostgresError;
use super::hand_over::Held;
use super::scenes::Scenes;
use super::session::{Committing, Session};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::id::{ItemId, JobId};
use crate::job::{Item, Job};
use crate::outbox::{Entry, EntryId};
use crate::report::Report;
use crate::verdict::Verdict;

/// What tells one kept report from another.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct KeptKey {
    item: ItemId,
    attempt: u32,
    verdict: &'static str,
    report: String,
    job: JobId,
}

/// The writes of a set, gathered change by change.
#[derive(Default)]
pub(super) struct Writes {
    expired: BTreeMap<ItemId, bool>,
    completions: Vec<(JobId, u32)>,
    events: Vec<Event>,
    kept: BTreeMap<KeptKey, u32>,
}

impl Writes {
    /// Has the statements ready.
    pub(super) async fn prepare(db: &Session) -> Result<(), PostgresError> {
        db.prepare(&[&WRITE, &WRITE_COMMON]).await
    }

    /// Adds a change, and says what its caller will hear if all its events are new.
    pub(super) fn add(&mut self, scenes: &mut Scenes, item: ItemId, change: Change) -> Option<Applied> {
        let before = scenes.items.get(item)?;
        let (job_id, attempt, was_expired) = (before.job_id, before.attempt, before.expired);
        if let Some(after) = change.item.as_ref().filter(|after| after.expired != was_expired) {
            self.expired.insert(after.id, after.expired);
        }
        if let Some(job) = change.job.as_ref().filter(|_| change.completes) {
            self.completions.push((job.id, job.run));
        }
        let (verdict, completed, order_missing) = (change.verdict, change.completes, change.order_missing);
        let events = change.events.len();
        self.events.extend(change.events);
        scenes.take_in(change.item, change.job, change.order);
        Some(Applied { verdict, job_id, attempt, completed, events, order_missing })
    }

    /// Adds the completion of a job's run that no item brings about.
    pub(super) fn complete(&mut self, scenes: &mut Scenes, job: Job, completion: Event) {
        self.completions.push((job.id, job.run));
        self.events.push(completion);
        scenes.take_in(None, Some(job), None);
    }

    pub(super) fn keep(
        &mut self,
        job: JobId,
        attempt: u32,
        report: &Report,
        verdict: Verdict,
    ) -> Result<(), PostgresError> {
        let text = serde_json::to_string(report)
            .map_err(|error| super::rows::unreadable("report", error.to_string()))?;
        let key = KeptKey { item: report.item_id, attempt, verdict: verdict.name(), report: text, job };
        *self.kept.entry(key).or_default() += 1;
        Ok(())
    }

    /// Rows that were changed by hand, not through a change: a re-opening.
    pub(super) fn replace(&mut self, scenes: &mut Scenes, job: Job, items: Vec<Item>) {
        scenes.jobs.put(job.id, job);
        for item in items {
            self.expired.insert(item.id, item.expired);
            scenes.items.put(item.id, item);
        }
    }

    /// Writes it all; says how many events were new.
    pub(super) async fn write(
        &self,
        db: &Session,
        scenes: &Scenes,
        now: Timestamp,
    ) -> Result<usize, PostgresError> {
        let rows = Rows::of(self, scenes, now, None);
        let (statement, params) = rows.statement();
        Ok(Recorded(db.query(statement, &params).await?).read()?.len())
    }

    /// Writes it all, with the commit right behind it: what this returns ends with that. The events are held under
    /// what they are to be handed over under.
    pub(super) async fn write_and_commit<'db>(
        &self,
        db: &'db Session,
        scenes: &Scenes,
        now: Timestamp,
        held: Option<Held>,
    ) -> Result<(Recorded, Committing<'db>), PostgresError> {
        let rows = Rows::of(self, scenes, now, held);
        let (statement, params) = rows.statement();
        let (rows, commit) = db.query_and_commit(statement, &params).await?;
        Ok((Recorded(rows), commit))
    }

    /// How many events there are.
    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// The entries that the outbox has of the events now.
    pub(super) fn into_entries(self, recorded: &Recorded) -> Result<Vec<Entry>, PostgresError> {
        let mut recorded = recorded.read()?.into_iter().peekable();
        let entries = self.events.into_iter().filter_map(|event| {
            let (id, _) = recorded.next_if(|(_, event_id)| *event_id == event.id)?;
            Some(Entry { id, event, failures: 0, deliveries: 0 })
        });
        Ok(entries.collect())
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self, scenes: &Scenes) -> bool {
        scenes.unchanged() && self.kept.is_empty()
    }
}

/// Which events were new: what the database answered to a write.
#[derive(Default)]
pub(super) struct Recorded(Vec<Row>);

impl Recorded {
    /// Their places in the outbox and their ids, in the order in which they were written.
    fn read(&self) -> Result<Vec<(EntryId, &str)>, PostgresError> {
        let Some(row) = self.0.first() else { return Ok(Vec::new()) };
        let (places, ids): (Vec<EntryId>, Vec<&str>) = (row.try_get(0)?, row.try_get(1)?);
        Ok(places.into_iter().zip(ids).collect())
    }
}
