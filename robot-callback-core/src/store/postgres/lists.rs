//! Jobs and their items, page by page.
//!
//! Moments are compared as they are shown, in whole milliseconds: a cursor carries no more.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns::Columns;
use super::error::PostgresError;
use super::jobs;
use super::rows::{
    self, item_columns, items_and_orders, job_columns, order_columns, past_deadline, system_time,
};
use super::session::{Param, Session, Statement};
use crate::clock::Timestamp;
use crate::id::{JobId, WorkspaceId};
use crate::job::{ItemStatus, Job, JobStatus};
use crate::page::{Cursor, Page};
use crate::query::{ItemQuery, JobQuery};
use crate::view::{ItemView, JobPage};

static JOBS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        job_columns!(),
        " FROM public.robot_jobs j LEFT JOIN robot_callback.job_state s ON s.job_id = j.id
        WHERE ($1::uuid IS NULL OR j.workspace_id = $1) AND ($2::text IS NULL OR j.status = $2)
          AND (NOT $3 OR (",
        past_deadline!("$4"),
        "))
          AND ($5::timestamptz IS NULL OR j.created_at >= $5) AND ($6::timestamptz IS NULL OR j.created_at < $6)
          AND ($7::timestamptz IS NULL OR (date_trunc('milliseconds', j.created_at), j.id) < ($7, $8))
        ORDER BY date_trunc('milliseconds', j.created_at) DESC, j.id DESC LIMIT $9"
    ),
    types: &[
        Type::UUID,
        Type::TEXT,
        Type::BOOL,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::INT8,
    ],
};

/// Items that the CRM made have no place: they stand in the order of their making.
static ITEMS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        item_columns!(),
        ", ",
        order_columns!(),
        ", coalesce(x.position, 0)::bigint AS place, i.created_at AS i_created_at ",
        items_and_orders!(),
        " WHERE i.job_id = $1 AND ($2::text IS NULL OR i.status = $2)
          AND ($3::bigint IS NULL
            OR (coalesce(x.position, 0), date_trunc('milliseconds', i.created_at), i.id) > ($3, $4, $5))
        ORDER BY coalesce(x.position, 0), date_trunc('milliseconds', i.created_at), i.id LIMIT $6"
    ),
    types: &[Type::UUID, Type::TEXT, Type::INT8, Type::TIMESTAMPTZ, Type::UUID, Type::INT8],
};

pub(super) async fn jobs(db: &Session, query: &JobQuery, now: Timestamp) -> Result<Page<Job>, PostgresError> {
    let (workspace, status) = (query.workspace.map(|WorkspaceId(id)| id), query.status.map(JobStatus::name));
    let (from, before) = (query.created_from.map(system_time), query.created_before.map(system_time));
    let after = query.page.after;
    let (moment, id) = (after.map(made), after.map(|after| after.id));
    let (now, probe) = (system_time(now), query.page.probe());
    let params: [Param<'_>; 9] =
        [&workspace, &status, &query.overdue, &now, &from, &before, &moment, &id, &probe];
    let rows = db.query(&JOBS, &params).await?;
    let found = rows.iter().map(|row| rows::job(&mut Columns::of(row))).collect::<Result<Vec<Job>, _>>()?;
    Ok(Page::cut(found.into_iter().map(|job| (JobQuery::cursor(&job), job)), query.page.limit))
}

pub(super) async fn job_page(
    db: &Session,
    id: JobId,
    query: &ItemQuery,
) -> Result<Option<JobPage>, PostgresError> {
    let Some(job) = jobs::find(db, id).await? else { return Ok(None) };
    let (status, after) = (query.status.map(ItemStatus::name), query.page.after);
    let (place, moment) = (after.map(|after| after.place), after.map(made));
    let last: Option<Uuid> = after.map(|after| after.id);
    let params: [Param<'_>; 6] = [&id.0, &status, &place, &moment, &last, &query.page.probe()];
    let rows = db.query(&ITEMS, &params).await?;
    let found = rows.iter().map(placed).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(JobPage { job, items: Page::cut(found, query.page.limit) }))
}

fn placed(row: &Row) -> Result<(Cursor, ItemView), PostgresError> {
    let view = rows::item_view(&mut Columns::of(row))?;
    let moment = rows::moment(row, "i_created_at")?.unwrap_or(Timestamp::EPOCH).as_millis();
    Ok((Cursor { place: row.try_get("place")?, moment, id: view.item.id.0 }, view))
}

fn made(after: Cursor) -> std::time::SystemTime {
    system_time(Timestamp::from_millis(after.moment))
}
