//! What the file holds of jobs, items and kept reports: the core's values, in a form that can be read back.

use robot_callback_core::{
    Item, Job, JobId, KeptReport, Report, ReportError, Resolution, Timestamp, Verdict,
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
