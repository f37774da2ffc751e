//! Jobs and their items, page by page.

use rusqlite::{Connection, params};

use super::columns::Columns;
use super::{jobs, rows};
use crate::clock::Timestamp;
use crate::id::{JobId, WorkspaceId};
use crate::job::{ItemStatus, Job, JobStatus};
use crate::page::{Cursor, Page};
use crate::query::{ItemQuery, JobQuery};
use crate::view::JobPage;

pub(super) fn jobs(db: &Connection, query: &JobQuery, now: Timestamp) -> rusqlite::Result<Page<Job>> {
    let sql = format!(
        "SELECT {} FROM robot_jobs j
         WHERE (?1 IS NULL OR j.workspace_id = ?1) AND (?2 IS NULL OR j.status = ?2)
           AND (NOT ?3 OR (j.deadline <= ?4 AND j.success_count + j.error_count < j.total_items))
           AND j.created_at >= ?5 AND j.created_at < ?6 AND (j.created_at, j.id) < (?7, ?8)
         ORDER BY j.created_at DESC, j.id DESC LIMIT ?9",
        rows::JOB
    );
    let after = query.page.after.unwrap_or(Cursor { place: 0, moment: i64::MAX, id: uuid::Uuid::max() });
    let mut list = db.prepare_cached(&sql)?;
    let found = list.query_map(
        params![
            query.workspace.map(|WorkspaceId(id)| id),
            query.status.map(JobStatus::name),
            query.overdue,
            now.as_millis(),
            query.created_from.map_or(i64::MIN, Timestamp::as_millis),
            query.created_before.map_or(i64::MAX, Timestamp::as_millis),
            after.moment,
            after.id,
            query.page.probe(),
        ],
        |row| rows::job(&mut Columns::of(row)),
    )?;
    let found = found.collect::<rusqlite::Result<Vec<Job>>>()?;
    Ok(Page::cut(found.into_iter().map(|job| (JobQuery::cursor(&job), job)), query.page.limit))
}

pub(super) fn job_page(db: &Connection, id: JobId, query: &ItemQuery) -> rusqlite::Result<Option<JobPage>> {
    let Some(job) = jobs::find(db, id)? else { return Ok(None) };
    let sql = format!(
        "SELECT i.position, {}, {} FROM robot_job_items i {}
         WHERE i.job_id = ?1 AND (?2 IS NULL OR i.status = ?2) AND i.position > ?3 ORDER BY i.position LIMIT ?4",
        rows::ITEM,
        rows::ORDER,
        rows::JOIN_ORDER
    );
    let after = query.page.after.map_or(-1, |after| after.place);
    let mut list = db.prepare_cached(&sql)?;
    let status = query.status.map(ItemStatus::name);
    let found = list.query_map(params![id.0, status, after, query.page.probe()], |row| {
        let columns = &mut Columns::of(row);
        Ok((Cursor::at(columns.take()?), rows::item_view(columns)?))
    })?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Some(JobPage { job, items: Page::cut(found, query.page.limit) }))
}
