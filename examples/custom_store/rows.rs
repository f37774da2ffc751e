//! What the file holds of jobs, items, kept reports and actions: the core's values, in a form that can be read back.

use robot_callback_core::{
    Action, Item, Job, JobId, KeptReport, Report, ReportError, Resolution, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(crate) struct JobRow {
    pub(crate) job: Job,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) fingerprint: Option<String>,
    /// In the order they were given.
    pub(crate) items: Vec<ItemRow>,
}

/// An item that brings its job's id along; for people to read, it leaves that out.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Item")]
pub(crate) struct ItemRow {
    #[serde(rename = "jobId")]
    pub(crate) job_id: JobId,
    #[serde(flatten)]
    pub(crate) item: Item,
}

impl From<Item> for ItemRow {
    fn from(item: Item) -> Self {
        Self { job_id: item.job_id, item }
    }
}

/// A kept report as it is written; `report` in the wire's own form.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptRow {
    pub(crate) job_id: JobId,
    pub(crate) verdict: Verdict,
    pub(crate) current_attempt: u32,
    pub(crate) report: serde_json::Value,
    pub(crate) received_at: Timestamp,
    pub(crate) times: u32,
    pub(crate) resolution: Option<Resolution>,
}

/// An action as it is written; its number is its place.
#[derive(Serialize, Deserialize)]
pub(crate) struct ActionRow {
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) key: Option<String>,
    pub(crate) verb: String,
    pub(crate) job_id: Option<JobId>,
    pub(crate) request: serde_json::Value,
    pub(crate) effect: serde_json::Value,
}

impl From<&Action> for ActionRow {
    fn from(action: &Action) -> Self {
        let Action { at, actor, key, verb, job_id, request, effect, .. } = action.clone();
        Self { at, actor, key, verb, job_id, request, effect }
    }
}

impl ActionRow {
    pub(crate) fn read(&self, id: i64) -> Action {
        let &Self { at, ref actor, ref key, ref verb, job_id, ref request, ref effect } = self;
        let (actor, key, verb) = (actor.clone(), key.clone(), verb.clone());
        Action { id, at, actor, key, verb, job_id, request: request.clone(), effect: effect.clone() }
    }
}

impl JobRow {
    pub(crate) fn items(&self) -> impl Iterator<Item = Item> {
        self.items.iter().map(|row| row.item.clone())
    }

    pub(crate) fn put(&mut self, item: Item) {
        let place = self.items.iter_mut().find(|row| row.item.id == item.id);
        place.into_iter().for_each(|row| *row = item.clone().into());
    }
}

impl KeptRow {
    pub(crate) fn read(&self, id: i64) -> Result<KeptReport, ReportError> {
        let &Self { job_id, verdict, current_attempt, ref report, received_at, times, resolution } = self;
        let report = Report::parse(report.to_string().as_bytes())?;
        Ok(KeptReport { id, job_id, verdict, current_attempt, report, received_at, times, resolution })
    }
}
