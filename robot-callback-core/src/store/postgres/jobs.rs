//! Jobs, shown and locked. Making them is in [`create`], closing them in [`expire`].

mod create;
mod expire;

use tokio_postgres::types::Type;
use uuid::Uuid;

pub(super) use self::create::create;
pub(super) use self::expire::expire;
use super::columns::Columns;
use super::error::PostgresError;
use super::rows::{self, item_columns, items_and_orders, job_columns, order_columns};
use super::scenes::Scenes;
use super::session::{Session, Statement};
use crate::id::{ItemId, JobId};
use crate::job::Job;
use crate::view::JobView;

static JOB: Statement = Statement {
    sql: concat!(
        "SELECT ",
        job_columns!(),
        " FROM public.robot_jobs j LEFT JOIN robot_callback.job_state s ON s.job_id = j.id WHERE j.id = $1"
    ),
    types: &[Type::UUID],
};

static ITEMS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        item_columns!(),
        ", ",
        order_columns!(),
        " ",
        items_and_orders!(),
        " WHERE i.job_id = $1 ORDER BY coalesce(x.position, 0), date_trunc('milliseconds', i.created_at), i.id"
    ),
    types: &[Type::UUID],
};

static ITEM_IDS: Statement = Statement {
    sql: "SELECT i.id FROM public.robot_job_items i LEFT JOIN robot_callback.item_state x ON x.item_id = i.id
        WHERE i.job_id = $1 AND i.status = ANY($2) ORDER BY coalesce(x.position, 0), i.created_at, i.id",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};

static LOCK: Statement = Statement {
    sql: "SELECT id FROM public.robot_jobs WHERE id = $1 FOR NO KEY UPDATE",
    types: &[Type::UUID],
};

pub(super) async fn find(db: &Session, id: JobId) -> Result<Option<Job>, PostgresError> {
    db.query(&JOB, &[&id.0]).await?.first().map(|row| rows::job(&mut Columns::of(row))).transpose()
}

pub(super) async fn view(db: &Session, id: JobId) -> Result<Option<JobView>, PostgresError> {
    let Some(job) = find(db, id).await? else { return Ok(None) };
    let rows = db.query(&ITEMS, &[&id.0]).await?;
    let items = rows.iter().map(|row| rows::item_view(&mut Columns::of(row)));
    Ok(Some(JobView { job, items: items.collect::<Result<_, PostgresError>>()? }))
}

/// The job, as it is once it is locked: its run and deadline are read by a statement after the one that took the lock.
pub(super) async fn lock(db: &Session, id: JobId) -> Result<Option<Job>, PostgresError> {
    db.query(&LOCK, &[&id.0]).await?;
    find(db, id).await
}

/// The job's items in one of those states, locked together with the job, in the order they are shown.
pub(super) async fn lock_items(
    db: &Session,
    job: JobId,
    states: &[&str],
) -> Result<(Scenes, Vec<ItemId>), PostgresError> {
    let rows = db.query(&ITEM_IDS, &[&job.0, &states]).await?;
    let ids = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<Uuid>, PostgresError>>()?;
    let scenes = Scenes::lock(db, &ids, &[]).await?;
    Ok((scenes, ids.into_iter().map(ItemId).collect()))
}
