//! What one report, deadline or operator's word changes, decided from the rows at hand. Pure.
//!
//! A store loads a [`Scene`] under its lock, asks here, and writes the [`Change`] in the same transaction. It
//! decides nothing itself.

use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::event::{CARRIER, Event};
use crate::job::{Item, ItemStatus, Job, JobStatus, JobType, Order};
use crate::operation::Objection;
use crate::report::{ErrorType, Outcome, Report};
use crate::verdict::{Verdict, judge};

/// The rows one report touches, as they are under the store's lock.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The job of the item.
    pub job: Job,
    /// The item.
    pub item: Item,
    /// The item's order, if it exists.
    pub order: Option<Order>,
}

/// Choices of the owner that bear on what a report changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Whether each column of an order that really changed is announced as `automation/field.changed`.
    /// Default: no.
    pub field_changes: bool,
}

/// What to write, all in one transaction. `None` means the row stays as it is.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the report did.
    pub verdict: Verdict,
    /// The item's new row.
    pub item: Option<Item>,
    /// The job's new row.
    pub job: Option<Job>,
    /// The order's new row: only `carrier`, `tracking_number` and `carrier_guide_number` can differ.
    pub order: Option<Order>,
    /// Whether the job's current run became complete by this.
    pub completes: bool,
    /// What goes into the outbox. An id that was recorded before is not recorded again.
    pub events: Vec<Event>,
    /// Whether the report is kept for an operator.
    pub keep: bool,
    /// Whether a shipped item's order was gone, or belonged to another workspace.
    pub order_missing: bool,
}

impl Change {
    /// No change, under that verdict.
    #[must_use]
    pub fn none(verdict: Verdict) -> Self {
        let (item, job, order, events) = (None, None, None, Vec::new());
        Self { verdict, item, job, order, completes: false, events, keep: false, order_missing: false }
    }
}

/// Applies a report. `None` when the item is beyond the report's [scope](Report::scope): as if it were not there.
#[must_use]
pub fn apply(scene: Scene, report: &Report, rules: Rules, now: Timestamp) -> Option<Change> {
    if !report.scope.covers(scene.job.workspace_id) {
        return None;
    }
    let verdict = judge(&scene.item, report);
    Some(match (verdict, report.outcome) {
        (Verdict::Applied, _) | (Verdict::Late, Outcome::Success) => {
            close(scene, report, verdict, rules, now)
        }
        (Verdict::Duplicate, _) => Change::none(verdict),
        (Verdict::Conflict | Verdict::Late | Verdict::Stale, _) => {
            Change { keep: true, ..Change::none(verdict) }
        }
    })
}

/// Closes an open item whose job's deadline has passed; `None` when the item is not open.
#[must_use]
pub fn expire(scene: Scene, rules: Rules, now: Timestamp) -> Option<Change> {
    if scene.item.status.outcome().is_some() {
        return None;
    }
    let report =
        Report::error(scene.item.id, ErrorType::Timeout, "No result arrived before the job's deadline");
    let mut change = close(scene, &report, Verdict::Applied, rules, now);
    if let Some(item) = &mut change.item {
        item.expired = true;
    }
    Some(change)
}

/// Completes the run of a job whose counters stay short of its total although none of its items is open: some were
/// deleted, and nobody will report on them. `None` when it is complete.
#[must_use]
pub fn give_up_missing(mut job: Job, now: Timestamp) -> Option<(Job, Event)> {
    let completion = end(&mut job, now)?;
    Some((job, completion))
}

/// Lets a kept report win over what the item ended with: an operator's decision.
#[must_use]
pub fn accept(scene: Scene, report: &Report, rules: Rules, now: Timestamp) -> Change {
    close(scene, report, Verdict::Applied, rules, now)
}

/// Re-opens the failed ones of `items`: the job's next run, with a deadline of its own. `None` when none failed.
#[must_use]
pub fn reopen(
    mut job: Job,
    items: Vec<Item>,
    deadline: Deadline,
    now: Timestamp,
) -> Option<(Job, Vec<Item>)> {
    let mut failed: Vec<Item> = items.into_iter().filter(|item| item.status == ItemStatus::Error).collect();
    if failed.is_empty() {
        return None;
    }
    for item in &mut failed {
        item.status = ItemStatus::Pending;
        item.attempt += 1;
        (item.tracking_number, item.error_type, item.error_message) = (None, None, None);
        (item.expired, item.completed_at) = (false, None);
    }
    job.error_count = job.error_count.saturating_sub(u32::try_from(failed.len()).unwrap_or(u32::MAX));
    job.status = JobStatus::Pending;
    job.run += 1;
    (job.deadline, job.completed_at) = (deadline.moment(now, job.open_items()), None);
    Some((job, failed))
}

/// Gives a job that has open items another deadline; `None` when it is the one it has.
///
/// # Errors
/// [`Objection::NothingOpen`]: a deadline would close nothing.
pub fn set_deadline(mut job: Job, deadline: Deadline, now: Timestamp) -> Result<Option<Job>, Objection> {
    if job.open_items() == 0 {
        return Err(Objection::NothingOpen);
    }
    let moment = deadline.moment(now, job.open_items());
    if job.deadline == moment {
        return Ok(None);
    }
    job.deadline = moment;
    Ok(Some(job))
}

fn close(scene: Scene, report: &Report, verdict: Verdict, rules: Rules, now: Timestamp) -> Change {
    let Scene { mut job, mut item, order } = scene;
    let mut change = Change::none(verdict);
    // Only accepting finds it so. The outbox may have forgotten since that the shipment was announced.
    let announced = item.status == ItemStatus::Success && item.tracking_number.is_some();
    count(&mut job, item.status.outcome(), report.outcome);
    item.status = report.outcome.into();
    item.tracking_number.clone_from(&report.tracking_number);
    item.error_type = report.error_type;
    item.error_message.clone_from(&report.error_message);
    (item.expired, item.completed_at) = (false, Some(now));
    ship(&mut change, &job, &item, order, rules, announced);
    complete(&mut change, &mut job, now);
    for event in &mut change.events {
        event.traceparent = report.traceparent.as_ref().map(ToString::to_string);
    }
    change.item = Some(item);
    change.job = Some(job);
    change
}

/// Moves the job's counters by exactly the transition made.
fn count(job: &mut Job, from: Option<Outcome>, to: Outcome) {
    let counter = |job: &'_ mut Job, outcome, step: i32| {
        let count = if outcome == Outcome::Success { &mut job.success_count } else { &mut job.error_count };
        *count = count.saturating_add_signed(step);
    };
    if let Some(from) = from {
        counter(job, from, -1);
    }
    counter(job, to, 1);
}

/// A success with a tracking number: what it does to the order, by the job's type.
fn ship(change: &mut Change, job: &Job, item: &Item, order: Option<Order>, rules: Rules, announced: bool) {
    let (ItemStatus::Success, Some(number)) = (item.status, &item.tracking_number) else { return };
    if job.job_type == JobType::OcrGuideRead {
        return;
    }
    let Some(mut order) = order.filter(|order| order.workspace_id == job.workspace_id) else {
        change.order_missing = true;
        return;
    };
    let changed = mark(&mut order, job.job_type, number);
    if !announced {
        change.events.extend(Event::item_completed(job, item, &order, number));
    }
    if rules.field_changes {
        let changed = changed.iter();
        change.events.extend(
            changed.map(|(column, from, to)| Event::field_changed(item, &order, column, from.as_deref(), to)),
        );
    }
    change.order = (!changed.is_empty()).then_some(order);
}

/// Writes a shipment on its order: of each column that really changes, its name and what it said and says.
fn mark<'a>(
    order: &mut Order,
    kind: JobType,
    number: &'a str,
) -> Vec<(&'static str, Option<String>, &'a str)> {
    let mut changed = Vec::new();
    let mut write = |name, column: &mut Option<String>, value: &'a str| {
        if column.as_deref() != Some(value) {
            changed.push((name, column.replace(value.to_owned()), value));
        }
    };
    write("carrier", &mut order.carrier, CARRIER);
    write("tracking_number", &mut order.tracking_number, number);
    if kind == JobType::GuideLookup {
        write("carrier_guide_number", &mut order.carrier_guide_number, number);
    }
    changed
}

/// The last open item completes the job's run, once.
fn complete(change: &mut Change, job: &mut Job, now: Timestamp) {
    if job.open_items() == 0 {
        let completion = end(job, now);
        change.completes = completion.is_some();
        change.events.extend(completion);
    }
}

/// The end of a job's run, and the event that tells of it; `None` when it had ended.
fn end(job: &mut Job, now: Timestamp) -> Option<Event> {
    if matches!(job.status, JobStatus::Completed | JobStatus::Failed) {
        return None;
    }
    (job.status, job.completed_at) = (JobStatus::Completed, Some(now));
    Some(Event::batch_completed(job))
}

#[cfg(test)]
mod tests;
