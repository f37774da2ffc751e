//! Deadlines that have passed: what is open in their jobs is closed, so that every batch completes.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::reader::Reader;
use super::writer::Writer;
use super::{apply, jobs};
use crate::change::Rules;
use crate::clock::Timestamp;
use crate::error::{StoreError, chain};
use crate::id::JobId;

/// A job whose deadline has passed, behind that deadline.
type Overdue = (i64, Uuid);

/// Before all of them.
const START: Overdue = (i64::MIN, Uuid::nil());

/// Closes what is open in the jobs whose deadline has passed, at most so many jobs, each in a transaction of its own;
/// says which. One that can't be closed leaves no other open.
pub(super) async fn expire(
    (reader, writer): (&Reader, &Writer),
    limit: usize,
    rules: Rules,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let mut expired = Vec::new();
    match expire_into(&mut expired, (reader, writer), limit, rules, now).await {
        Err(error) if expired.is_empty() => Err(error),
        _ => Ok(expired),
    }
}

/// The error is the last of those that were met; each was logged.
async fn expire_into(
    expired: &mut Vec<JobId>,
    (reader, writer): (&Reader, &Writer),
    limit: usize,
    rules: Rules,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut after, mut failed) = (START, Ok(()));
    loop {
        let wanted = limit - expired.len();
        let page = reader.run(move |db| past_deadline(db, after, wanted, now)).await?;
        for (_, job) in &page {
            let job = JobId(*job);
            match writer.run(move |db| close(db, job, rules, now)).await {
                Ok(closed) => expired.extend(closed.then_some(job)),
                Err(error) => {
                    tracing::error!(%job, error = chain(&error), "a job's deadline can't be kept for now");
                    // What is in the way of this one is in the way of all.
                    let is_away = matches!(error, StoreError::Unavailable(_));
                    failed = Err(error);
                    if is_away {
                        return failed;
                    }
                }
            }
        }
        after = page.last().copied().unwrap_or(after);
        if page.len() < wanted || expired.len() >= limit {
            return failed;
        }
    }
}

fn past_deadline(
    db: &Connection,
    after: Overdue,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Vec<Overdue>> {
    let sql =
        "SELECT deadline, id FROM robot_jobs WHERE deadline <= ?1 AND success_count + error_count < total_items
        AND (deadline, id) > (?2, ?3) ORDER BY deadline, id LIMIT ?4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut query = db.prepare_cached(sql)?;
    let found = query
        .query_map(params![now.as_millis(), after.0, after.1, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.collect()
}

/// Closes the open items of a job whose deadline has passed; says whether there were any. The deadline is looked
/// at again, under the lock: the job may have been re-opened with another one.
fn close(db: &Connection, id: JobId, rules: Rules, now: Timestamp) -> rusqlite::Result<bool> {
    let over = jobs::find(db, id)?.and_then(|job| job.deadline).is_some_and(|deadline| deadline <= now);
    if !over {
        return Ok(false);
    }
    let mut any = false;
    for view in jobs::items(db, id)? {
        any |= view.item.status.outcome().is_none() && apply::expire(db, view.item.id, rules, now)?;
    }
    Ok(any)
}
