//! Rows of the tables, as values of the domain.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_postgres::Row;
use uuid::Uuid;

use super::error::PostgresError;
use crate::amount::Amount;
use crate::clock::Timestamp;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Contact, Item, ItemStatus, Job, JobStatus, JobType, Order};
use crate::report::ErrorType;

/// A job's columns: `robot_jobs j LEFT JOIN robot_callback.job_state s`.
macro_rules! job_columns {
    () => {
        "j.id AS j_id, j.workspace_id AS j_workspace_id, j.job_type, j.status AS j_status, j.total_items,
        j.success_count, j.error_count, coalesce(s.run, 1) AS run, s.deadline, j.created_at AS j_created_at,
        j.completed_at AS j_completed_at"
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

pub(super) use {item_columns, items_and_orders, job_columns, order_columns};

pub(super) fn job(row: &Row) -> Result<Job, PostgresError> {
    Ok(Job {
        id: JobId(row.try_get("j_id")?),
        workspace_id: WorkspaceId(row.try_get("j_workspace_id")?),
        job_type: JobType::from_name(row.try_get("job_type")?),
        status: name(row, "j_status", JobStatus::from_name)?,
        total_items: count(row, "total_items")?,
        success_count: count(row, "success_count")?,
        error_count: count(row, "error_count")?,
        run: count(row, "run")?,
        deadline: moment(row, "deadline")?,
        created_at: row.try_get::<_, SystemTime>("j_created_at")?.into(),
        completed_at: moment(row, "j_completed_at")?,
    })
}

pub(super) fn item(row: &Row) -> Result<Item, PostgresError> {
    let error_type: Option<&str> = row.try_get("error_type")?;
    Ok(Item {
        id: ItemId(row.try_get("i_id")?),
        job_id: JobId(row.try_get("job_id")?),
        order_id: row.try_get::<_, Option<Uuid>>("order_id")?.map(OrderId),
        status: name(row, "i_status", ItemStatus::from_name)?,
        attempt: count(row, "retry_count")?.saturating_add(1),
        tracking_number: row.try_get("i_tracking_number")?,
        error_type: error_type.and_then(ErrorType::from_name),
        error_message: row.try_get("error_message")?,
        expired: row.try_get("expired")?,
        completed_at: moment(row, "i_completed_at")?,
    })
}

/// `None` when the row has no order.
pub(super) fn order(row: &Row) -> Result<Option<Order>, PostgresError> {
    let Some(id) = row.try_get::<_, Option<Uuid>>("o_id")?.map(OrderId) else { return Ok(None) };
    Ok(Some(Order {
        id,
        workspace_id: WorkspaceId(row.try_get("o_workspace_id")?),
        contact: contact(row)?,
        name: row.try_get("o_name")?,
        description: row.try_get("description")?,
        total_value: amount(row, "total_value")?,
        carrier: row.try_get("carrier")?,
        tracking_number: row.try_get("o_tracking_number")?,
        carrier_guide_number: row.try_get("carrier_guide_number")?,
        shipping_address: row.try_get("shipping_address")?,
        shipping_city: row.try_get("shipping_city")?,
        shipping_department: row.try_get("shipping_department")?,
    }))
}

fn contact(row: &Row) -> Result<Option<Contact>, PostgresError> {
    let Some(id) = row.try_get::<_, Option<Uuid>>("c_id")?.map(ContactId) else { return Ok(None) };
    let (name, phone, email) = (row.try_get("c_name")?, row.try_get("phone")?, row.try_get("email")?);
    Ok(Some(Contact { id, name, phone, email }))
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

fn amount(row: &Row, column: &'static str) -> Result<Amount, PostgresError> {
    let hundredths: Option<i64> = row.try_get(column)?;
    Amount::from_hundredths(hundredths.unwrap_or_default())
        .map_err(|error| unreadable(column, error.to_string()))
}

pub(super) fn unreadable(column: &'static str, why: String) -> PostgresError {
    PostgresError::Unreadable { column, why }
}

/// A moment as the driver takes it.
pub(super) fn system_time(moment: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.as_millis()).unwrap_or(0))
}

/// Numbers as PostgreSQL's `integer`; ours stay far below its end.
pub(super) fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
