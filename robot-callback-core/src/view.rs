//! What an operator sees of a job, and what is wrong with it. Values only.

use std::fmt;

use serde::Serialize;

use crate::id::JobId;
use crate::job::{Item, ItemStatus, Job, JobStatus, Order};
use crate::page::Page;

/// A job with everything in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Its items, in the order they were given.
    pub items: Vec<ItemView>,
}

/// A job with some of what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPage {
    /// The job.
    pub job: Job,
    /// The items asked for, in the order they were given.
    pub items: Page<ItemView>,
}

/// An item with its order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// Its order, if it still exists.
    pub order: Option<Order>,
}

/// Something a job records that its items do not bear out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Discrepancy {
    /// The job.
    pub job_id: JobId,
    /// What is off, such as `success_count`.
    pub what: &'static str,
    /// What the job records.
    pub recorded: String,
    /// What its items, or the outbox, say.
    pub counted: String,
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job_id, what, recorded, counted } = self;
        write!(f, "job {job_id}: {what} is {recorded}, but its items make it {counted}")
    }
}

/// What a store counts for one job, to be compared with what the job records.
#[derive(Clone, Debug)]
pub struct Recount {
    /// The job as recorded.
    pub job: Job,
    /// How many items it has.
    pub items: u32,
    /// How many of them are `success`.
    pub successes: u32,
    /// How many of them are `error`.
    pub errors: u32,
    /// Whether the completion of its current run was recorded.
    pub announced: bool,
}

impl Recount {
    /// The recount of one job from all that is there.
    #[must_use]
    pub fn of(job: Job, items: &[Item], announced: bool) -> Self {
        let count = |status| items.iter().filter(|item| item.status == status).count();
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let (successes, errors) = (number(count(ItemStatus::Success)), number(count(ItemStatus::Error)));
        Self { job, items: number(items.len()), successes, errors, announced }
    }

    /// What differs.
    #[must_use]
    pub fn discrepancies(&self) -> Vec<Discrepancy> {
        let job = &self.job;
        let all_terminal = self.items > 0 && self.successes + self.errors >= self.items;
        let completed = job.status == JobStatus::Completed;
        let mut found = Vec::new();
        let mut compare = |what, recorded: String, counted: String| {
            if recorded != counted {
                found.push(Discrepancy { job_id: job.id, what, recorded, counted });
            }
        };
        compare("total_items", job.total_items.to_string(), self.items.to_string());
        compare("success_count", job.success_count.to_string(), self.successes.to_string());
        compare("error_count", job.error_count.to_string(), self.errors.to_string());
        if job.status != JobStatus::Failed {
            compare("whether it is completed", completed.to_string(), all_terminal.to_string());
            compare("whether its run was announced", self.announced.to_string(), completed.to_string());
        }
        found
    }
}

#[cfg(test)]
mod tests;
