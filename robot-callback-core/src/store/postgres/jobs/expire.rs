//! Deadlines that have passed: what is open in their jobs is closed, so that every batch completes.

use std::time::SystemTime;

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::super::sweep::Sweep;
use super::super::error::PostgresError;
use super::super::rows::{past_deadline, system_time};
use super::super::session::{Session, Sessions, Statement};
use super::super::writes::Writes;
use super::{lock, lock_items};
use crate::change::{self, Rules};
use crate::clock::Timestamp;
use crate::id::JobId;

/// A page of them, after that deadline and job. What the owner says is over has nothing to be closed but its items.
static PAST_DEADLINE: Statement = Statement {
    sql: concat!(
        "SELECT s.deadline, j.id FROM robot_callback.job_state s JOIN public.robot_jobs j ON j.id = s.job_id
        WHERE ",
        past_deadline!("$1"),
        " AND (j.status IN ('pending', 'processing') OR EXISTS (SELECT FROM public.robot_job_items i
            WHERE i.job_id = j.id AND i.status IN ('pending', 'processing')))
          AND ($2::timestamptz IS NULL OR (s.deadline, s.job_id) > ($2, $3))
        ORDER BY s.deadline, s.job_id LIMIT $4"
    ),
    types: &[Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::UUID, Type::INT8],
};

/// A deadline, as the database has it, and its job: where in their order that job stands.
type Place = (SystemTime, Uuid);

/// Closes what is open in the jobs whose deadline has passed, at most so many jobs, each in a transaction of its own;
/// says which. One that can't be closed leaves no other open.
pub(in super::super) async fn expire(
    sessions: &Sessions,
    limit: usize,
    rules: Rules,
    now: Timestamp,
) -> Result<Vec<JobId>, PostgresError> {
    let mut sweep = Sweep::new(limit);
    while let Some((after, wanted)) = sweep.next() {
        let page = sessions.transact(async |db| past_deadline(db, after, wanted, now).await).await;
        for job in sweep.page(page) {
            let closed = sessions.transact(async |db| close(db, job, rules, now).await).await;
            let is_away = closed.as_ref().is_err_and(PostgresError::is_away);
            sweep.closed(job, closed);
            if is_away {
                return sweep.end();
            }
        }
    }
    sweep.end()
}

async fn past_deadline(
    db: &Session,
    after: Option<Place>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<(Place, JobId)>, PostgresError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (deadline, job) = after.unzip();
    let rows = db.query(&PAST_DEADLINE, &[&system_time(now), &deadline, &job, &limit]).await?;
    let place = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(|row| place(row).map(|place: Place| (place, JobId(place.1)))).collect()
}

/// Closes the open items of a job whose deadline has passed, and its run; says whether there was anything to close. The
/// deadline is looked at again, under the lock: the job may have been re-opened with another one.
async fn close(db: &Session, id: JobId, rules: Rules, now: Timestamp) -> Result<bool, PostgresError> {
    let Some(job) = lock(db, id).await?.filter(|job| job.is_overdue(now)) else { return Ok(false) };
    let (mut scenes, ids) = lock_items(db, id, &["pending", "processing"]).await?;
    let mut writes = Writes::default();
    let mut any = false;
    for item in ids {
        let expired = scenes.of(item).and_then(|scene| change::expire(scene, rules, now));
        if let Some(change) = expired {
            writes.add(&mut scenes, item, change);
            any = true;
        }
    }
    let job = scenes.jobs.get(id).cloned().unwrap_or(job);
    if let Some((job, completion)) = change::give_up_missing(job, now) {
        writes.complete(&mut scenes, job, completion);
        any = true;
    }
    writes.write(db, &scenes, now).await?;
    Ok(any)
}
