//! Rows of the tables, as values of the domain.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::columns::Columns;
use crate::amount::Amount;
use crate::change::Scene;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Contact, Item, ItemStatus, Job, JobStatus, JobType, Order};
use crate::report::ErrorType;
use crate::view::ItemView;

// Each list, and its reader further down, have one order.

pub(super) const JOB: &str = "j.id, j.workspace_id, j.job_type, j.status, j.total_items, j.success_count,
    j.error_count, j.run, j.deadline, j.created_at, j.completed_at";

pub(super) const ITEM: &str =
    "i.id, i.job_id, i.order_id, i.status, i.retry_count, i.tracking_number, i.error_type,
    i.error_message, i.expired, i.completed_at";

/// Stands last where it stands, since little is read of an order that is not there.
pub(super) const ORDER: &str = "o.id, o.workspace_id, c.id, c.name, c.phone, c.email, o.name, o.description,
    o.total_value, o.carrier, o.tracking_number, o.carrier_guide_number, o.shipping_address, o.shipping_city,
    o.shipping_department";

/// Brings an item's order, and the order's contact, into a query over `robot_job_items i`.
pub(super) const JOIN_ORDER: &str = "LEFT JOIN orders o ON o.id = i.order_id
    LEFT JOIN contacts c ON c.workspace_id = o.workspace_id AND c.id = o.contact_id";

static SCENE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {JOB}, {ITEM}, {ORDER}
         FROM robot_job_items i JOIN robot_jobs j ON j.id = i.job_id {JOIN_ORDER} WHERE i.id = ?1"
    )
});

/// The rows that a report on that item touches.
pub(super) fn scene(db: &Connection, item: ItemId) -> rusqlite::Result<Option<Scene>> {
    let mut query = db.prepare_cached(&SCENE)?;
    let scene = |row: &Row<'_>| {
        let columns = &mut Columns::of(row);
        Ok(Scene { job: job(columns)?, item: self::item(columns)?, order: order(columns)? })
    };
    query.query_row([item.0], scene).optional()
}

pub(super) fn job(columns: &mut Columns<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(columns.take()?),
        workspace_id: WorkspaceId(columns.take()?),
        job_type: columns.word(|name| Some(JobType::from_name(name)))?,
        status: columns.word(JobStatus::from_name)?,
        total_items: columns.take()?,
        success_count: columns.take()?,
        error_count: columns.take()?,
        run: columns.take()?,
        deadline: columns.moment_if_any()?,
        created_at: columns.moment()?,
        completed_at: columns.moment_if_any()?,
    })
}

/// Of an item's columns and its order's.
pub(super) fn item_view(columns: &mut Columns<'_>) -> rusqlite::Result<ItemView> {
    Ok(ItemView { item: item(columns)?, order: order(columns)? })
}

fn item(columns: &mut Columns<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: ItemId(columns.take()?),
        job_id: JobId(columns.take()?),
        order_id: columns.take::<Option<Uuid>>()?.map(OrderId),
        status: columns.word(ItemStatus::from_name)?,
        attempt: columns.take::<u32>()?.saturating_add(1),
        tracking_number: columns.take()?,
        error_type: columns.take::<Option<String>>()?.as_deref().and_then(ErrorType::from_name),
        error_message: columns.take()?,
        expired: columns.take()?,
        completed_at: columns.moment_if_any()?,
    })
}

/// `None` when the item has no order any more.
fn order(columns: &mut Columns<'_>) -> rusqlite::Result<Option<Order>> {
    let Some(id) = columns.take::<Option<Uuid>>()?.map(OrderId) else { return Ok(None) };
    Ok(Some(Order {
        id,
        workspace_id: WorkspaceId(columns.take()?),
        contact: contact(columns)?,
        name: columns.take()?,
        description: columns.take()?,
        total_value: columns.read(Amount::from_hundredths)?,
        carrier: columns.take()?,
        tracking_number: columns.take()?,
        carrier_guide_number: columns.take()?,
        shipping_address: columns.take()?,
        shipping_city: columns.take()?,
        shipping_department: columns.take()?,
    }))
}

fn contact(columns: &mut Columns<'_>) -> rusqlite::Result<Option<Contact>> {
    let (id, name, phone, email): (Option<Uuid>, Option<String>, Option<String>, _) =
        (columns.take()?, columns.take()?, columns.take()?, columns.take()?);
    let (Some(id), Some(name), Some(phone)) = (id.map(ContactId), name, phone) else { return Ok(None) };
    Ok(Some(Contact { id, name, phone, email }))
}

#[cfg(test)]
mod tests;
