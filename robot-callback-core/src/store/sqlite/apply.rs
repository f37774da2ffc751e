//! A change, written: item, order, job, outbox. Each statement stands alone; the transaction is the writer's.

use rusqlite::{Connection, params};

use super::super::Applied;
use super::{kept, outbox, rows};
use crate::change::{self, Change, Rules};
use crate::clock::Timestamp;
use crate::id::{ItemId, JobId};
use crate::job::{Item, Job, JobStatus, Order};
use crate::report::{ErrorType, Report};

/// Applies a report. The writer holds the file's write lock, so what is read here stays true until the commit.
pub(super) fn apply(
    db: &Connection,
    report: &Report,
    rules: Rules,
    now: Timestamp,
) -> rusqlite::Result<Option<Applied>> {
    let Some(scene) = rows::scene(db, report.item_id)? else { return Ok(None) };
    let (job_id, attempt) = (scene.job.id, scene.item.attempt);
    let Some(change) = change::apply(scene, report, rules, now) else { return Ok(None) };
    if change.keep {
        kept::keep(db, job_id, attempt, report, change.verdict, now)?;
    }
    write(db, job_id, attempt, change, now).map(Some)
}

pub(super) fn write(
    db: &Connection,
    job_id: JobId,
    attempt: u32,
    change: Change,
    now: Timestamp,
) -> rusqlite::Result<Applied> {
    let Change { verdict, item, job, order, completes, events, order_missing, .. } = change;
    if let Some(item) = item {
        write_item(db, &item)?;
    }
    if let Some(order) = order {
        write_order(db, &order)?;
    }
    if let Some(job) = job {
        write_job(db, &job)?;
        if completes {
            record_completion(db, &job, now)?;
        }
    }
    let mut recorded = 0;
    for event in &events {
        recorded += outbox::record(db, event, now)?;
    }
    Ok(Applied { verdict, job_id, attempt, completed: completes, events: recorded, order_missing })
}

pub(super) fn write_item(db: &Connection, item: &Item) -> rusqlite::Result<()> {
    let sql =
        "UPDATE robot_job_items SET status = ?2, tracking_number = ?3, error_type = ?4, error_message = ?5,
        retry_count = ?6, expired = ?7, completed_at = ?8 WHERE id = ?1";
    let written = db.prepare_cached(sql)?.execute(params![
        item.id.0,
        item.status.name(),
        item.tracking_number,
        item.error_type.map(ErrorType::name),
        item.error_message,
        item.attempt - 1,
        item.expired,
        item.completed_at.map(Timestamp::as_millis),
    ])?;
    one(written)
}

pub(super) fn write_job(db: &Connection, job: &Job) -> rusqlite::Result<()> {
    let sql =
        "UPDATE robot_jobs SET status = ?2, success_count = ?3, error_count = ?4, run = ?5, deadline = ?6,
        completed_at = ?7, batch_completed_emitted = ?8 WHERE id = ?1";
    let written = db.prepare_cached(sql)?.execute(params![
        job.id.0,
        job.status.name(),
        job.success_count,
        job.error_count,
        job.run,
        job.deadline.map(Timestamp::as_millis),
        job.completed_at.map(Timestamp::as_millis),
        job.status == JobStatus::Completed,
    ])?;
    one(written)
}

fn write_order(db: &Connection, order: &Order) -> rusqlite::Result<()> {
    let sql = "UPDATE orders SET carrier = ?2, tracking_number = ?3, carrier_guide_number = ?4 WHERE id = ?1";
    let written = db.prepare_cached(sql)?.execute(params![
        order.id.0,
        order.carrier,
        order.tracking_number,
        order.carrier_guide_number
    ])?;
    one(written)
}

/// The primary key refuses a second completion of the same run, whatever went before.
fn record_completion(db: &Connection, job: &Job, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "INSERT INTO batch_completions (job_id, run, recorded_at) VALUES (?1, ?2, ?3)";
    db.prepare_cached(sql)?.execute(params![job.id.0, job.run, now.as_millis()]).map(drop)
}

fn one(written: usize) -> rusqlite::Result<()> {
    if written == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(written)) }
}

/// Closes an open item as timed out; says whether it was open.
pub(super) fn expire(db: &Connection, item: ItemId, rules: Rules, now: Timestamp) -> rusqlite::Result<bool> {
    let Some(scene) = rows::scene(db, item)? else { return Ok(false) };
    let (job_id, attempt) = (scene.job.id, scene.item.attempt);
    let Some(change) = change::expire(scene, rules, now) else { return Ok(false) };
    write(db, job_id, attempt, change, now)?;
    Ok(true)
}
