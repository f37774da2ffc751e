//! Rows of the tables, as values of the domain.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_postgres::Row;
use uuid::Uuid;

use super::columns::Columns;
use super::error::PostgresError;
use crate::amount::Amount;
use crate::clock::Timestamp;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Contact, Item, ItemStatus, Job, JobStatus, JobType, Order};
use crate::report::ErrorType;
use crate::view::ItemView;

// Each list, and its reader further down, have one order.

/// A job's own columns: `robot_jobs j`.
macro_rules! own_job_columns {
    () => {
        "j.id AS j_id, j.workspace_id AS j_workspace_id, j.job_type, j.status AS j_status, j.total_items,
        j.success_count, j.error_count, j.created_at AS j_created_at, j.completed_at AS j_completed_at"
    };
}

/// What a job has beside them: `LEFT JOIN robot_callback.job_state s`.
macro_rules! run_columns {
    () => {
        "coalesce(s.run, 1) AS run, s.deadline"
    };
}

/// A job's columns, all of them.
macro_rules! job_columns {
    () => {
        concat!(
            $crate::store::postgres::rows::own_job_columns!(),
            ", ",
            $crate::store::postgres::rows::run_columns!()
        )
    };
}

/// An item's columns: `robot_job_items i LEFT JOIN robot_callback.item_state x`.
macro_rules! item_columns {
    () => {
        "i.id AS i_id, i.job_id, i.order_id, i.status AS i_status, i.retry_count,
        i.tracking_number AS i_tracking_number, i.error_type, i.error_message,
        coalesce(x.expired, false) AS expired, i.completed_at AS i_completed_at"
    };
}

/// An order's columns: `orders o LEFT JOIN contacts c`.
macro_rules! order_columns {
    () => {
        "o.id AS o_id, o.workspace_id AS o_workspace_id, o.name AS o_name, o.description,
        (o.total_value * 100)::bigint AS total_value, o.carrier, o.tracking_number AS o_tracking_number,
        o.carrier_guide_number, o.shipping_address, o.shipping_city, o.shipping_department, c.id AS c_id,
        c.name AS c_name, c.phone, c.email"
    };
}

/// Where the columns of items and their orders come from.
macro_rules! items_and_orders {
    () => {
        "FROM public.robot_job_items i
        LEFT JOIN robot_callback.item_state x ON x.item_id = i.id
        LEFT JOIN public.orders o ON o.id = i.order_id
        LEFT JOIN public.contacts c ON c.id = o.contact_id AND c.workspace_id = o.workspace_id"
    };
}

/// Whether the deadline of a job (`robot_jobs j JOIN robot_callback.job_state s`) has passed by then and items are open
/// still. A run that is complete keeps its deadline, which says nothing of a job that its owner re-opened.
macro_rules! past_deadline {
    ($now:literal) => {
        concat!(
            "s.deadline <= ",
            $now,
            " AND j.success_count + j.error_count < j.total_items
            AND NOT EXISTS (SELECT FROM robot_callback.batch_completions b WHERE b.job_id = s.job_id AND b.run = s.run)"
        )
    };
}

pub(super) use {
    item_columns, items_and_orders, job_columns, order_columns, own_job_columns, past_deadline, run_columns,
};

pub(super) fn job(columns: &mut Columns<'_>) -> Result<Job, PostgresError> {
    let job = first_run(columns)?;
    let (run, deadline) = run(columns)?;
    Ok(Job { run, deadline, ..job })
}

pub(super) fn run(columns: &mut Columns<'_>) -> Result<(u32, Option<Timestamp>), PostgresError> {
    Ok((columns.count()?, columns.moment_if_any()?))
}

/// Of a job's own columns: as it is in its first run, without a deadline.
pub(super) fn first_run(columns: &mut Columns<'_>) -> Result<Job, PostgresError> {
    Ok(Job {
        id: JobId(columns.take()?),
        workspace_id: WorkspaceId(columns.take()?),
        job_type: columns.word(|name| Some(JobType::from_name(name)))?,
        status: columns.word(JobStatus::from_name)?,
        total_items: columns.count()?,
        success_count: columns.count()?,
        error_count: columns.count()?,
        run: 1,
        deadline: None,
        created_at: columns.moment()?,
        completed_at: columns.moment_if_any()?,
    })
}

/// Of an item's columns and its order's.
pub(super) fn item_view(columns: &mut Columns<'_>) -> Result<ItemView, PostgresError> {
    Ok(ItemView { item: item(columns)?, order: order(columns)? })
}

pub(super) fn item(columns: &mut Columns<'_>) -> Result<Item, PostgresError> {
    Ok(Item {
        id: ItemId(columns.take()?),
        job_id: JobId(columns.take()?),
        order_id: columns.take::<Option<Uuid>>()?.map(OrderId),
        status: columns.word(ItemStatus::from_name)?,
        attempt: columns.count()?.saturating_add(1),
        tracking_number: columns.take()?,
        error_type: columns.take::<Option<&str>>()?.and_then(ErrorType::from_name),
        error_message: columns.take()?,
        expired: columns.take()?,
        completed_at: columns.moment_if_any()?,
    })
}

/// `None` when the row has no order. Nothing is taken after it, since little is read of what is not there.
pub(super) fn order(columns: &mut Columns<'_>) -> Result<Option<Order>, PostgresError> {
    let Some(id) = columns.take::<Option<Uuid>>()?.map(OrderId) else { return Ok(None) };
    Ok(Some(Order {
        id,
        workspace_id: WorkspaceId(columns.take()?),
        name: columns.take()?,
        description: columns.take()?,
        total_value: columns
            .read(|hundredths: Option<i64>| Amount::from_hundredths(hundredths.unwrap_or_default()))?,
        carrier: columns.take()?,
        tracking_number: columns.take()?,
        carrier_guide_number: columns.take()?,
        shipping_address: columns.take()?,
        shipping_city: columns.take()?,
        shipping_department: columns.take()?,
        contact: contact(columns)?,
    }))
}

fn contact(columns: &mut Columns<'_>) -> Result<Option<Contact>, PostgresError> {
    let Some(id) = columns.take::<Option<Uuid>>()?.map(ContactId) else { return Ok(None) };
    Ok(Some(Contact { id, name: columns.take()?, phone: columns.take()?, email: columns.take()? }))
}

/// PostgreSQL has signed numbers only; ours never are below zero.
pub(super) fn count(row: &Row, column: &'static str) -> Result<u32, PostgresError> {
    let number: i32 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| unreadable(column, format!("{number} is below zero")))
}

pub(super) fn name<T>(
    row: &Row,
    column: &'static str,
    from: fn(&str) -> Option<T>,
) -> Result<T, PostgresError> {
    let name: &str = row.try_get(column)?;
    from(name).ok_or_else(|| unreadable(column, format!("{name:?} is not known")))
}

pub(super) fn moment(row: &Row, column: &'static str) -> Result<Option<Timestamp>, PostgresError> {
    Ok(row.try_get::<_, Option<SystemTime>>(column)?.map(Timestamp::from))
}

pub(super) fn unreadable(column: &str, why: String) -> PostgresError {
    PostgresError::Unreadable { column: column.to_owned(), why }
}

/// A moment as the driver takes it.
pub(super) fn system_time(moment: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.as_millis()).unwrap_or(0))
}

/// Numbers as PostgreSQL's `integer`; ours stay far below its end.
pub(super) fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
