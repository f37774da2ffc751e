//! Deadlines that have passed: what is open in their jobs is closed, so that every batch completes.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::sweep::Sweep;
use super::reader::Reader;
use super::writer::Writer;
use super::{apply, jobs};
use crate::change::Rules;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::id::JobId;

/// A deadline and its job: where in their order that job stands.
type Place = (i64, Uuid);

/// Before all of them.
const START: Place = (i64::MIN, Uuid::nil());

/// Closes what is open in the jobs whose deadline has passed, at most so many jobs, each in a transaction of its own;
/// says which. One that can't be closed leaves no other open.
pub(super) async fn expire(
    reader: &Reader,
    writer: &Writer,
    limit: usize,
    rules: Rules,
    now: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let mut sweep = Sweep::new(limit);
    while let Some((after, wanted)) = sweep.next() {
        let page = reader.run(move |db| past_deadline(db, after.unwrap_or(START), wanted, now)).await;
        for job in sweep.page(page) {
            let closed = writer.run(move |db| close(db, job, rules, now)).await;
            // What is in the way of one for now is in the way of all.
            let is_away = closed.as_ref().is_err_and(StoreError::is_transient);
            sweep.closed(job, closed);
            if is_away {
                return sweep.end();
            }
        }
    }
    sweep.end()
}

fn past_deadline(
    db: &Connection,
    after: Place,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Vec<(Place, JobId)>> {
    let sql =
        "SELECT deadline, id FROM robot_jobs WHERE deadline <= ?1 AND success_count + error_count < total_items
        AND (deadline, id) > (?2, ?3) ORDER BY deadline, id LIMIT ?4";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_map(params![now.as_millis(), after.0, after.1, limit], |row| {
        let place: Place = (row.get(0)?, row.get(1)?);
        Ok((place, JobId(place.1)))
    })?;
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
