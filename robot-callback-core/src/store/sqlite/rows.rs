//! Rows of the tables, as values of the domain.

use std::sync::LazyLock;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use crate::amount::Amount;
use crate::change::Scene;
use crate::clock::Timestamp;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Contact, Item, ItemStatus, Job, JobStatus, JobType, Order};
use crate::report::ErrorType;

pub(super) const JOB: &str = "j.id AS j_id, j.workspace_id AS j_workspace_id, j.job_type, j.status AS j_status,
    j.total_items, j.success_count, j.error_count, j.run, j.deadline, j.created_at, j.completed_at AS j_completed_at";

pub(super) const ITEM: &str = "i.id AS i_id, i.job_id, i.order_id, i.status AS i_status, i.retry_count,
    i.tracking_number AS i_tracking_number, i.error_type, i.error_message, i.expired,
    i.completed_at AS i_completed_at";

pub(super) const ORDER: &str = "o.id AS o_id, o.workspace_id AS o_workspace_id, o.name AS o_name, o.description,
    o.total_value, o.carrier, o.tracking_number AS o_tracking_number, o.carrier_guide_number, o.shipping_address,
    o.shipping_city, o.shipping_department, c.id AS c_id, c.name AS c_name, c.phone, c.email";

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
    query
        .query_row([item.0], |row| Ok(Scene { job: job(row)?, item: self::item(row)?, order: order(row)? }))
        .optional()
}

pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(row.get("j_id")?),
        workspace_id: WorkspaceId(row.get("j_workspace_id")?),
        job_type: JobType::from_name(row.get_ref("job_type")?.as_str()?),
        status: name(row, "j_status", JobStatus::from_name)?,
        total_items: row.get("total_items")?,
        success_count: row.get("success_count")?,
        error_count: row.get("error_count")?,
        run: row.get("run")?,
        deadline: moment(row, "deadline")?,
        created_at: Timestamp::from_millis(row.get("created_at")?),
        completed_at: moment(row, "j_completed_at")?,
    })
}

pub(super) fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let error_type: Option<String> = row.get("error_type")?;
    Ok(Item {
        id: ItemId(row.get("i_id")?),
        job_id: JobId(row.get("job_id")?),
        order_id: row.get::<_, Option<Uuid>>("order_id")?.map(OrderId),
        status: name(row, "i_status", ItemStatus::from_name)?,
        attempt: row.get::<_, u32>("retry_count")?.saturating_add(1),
        tracking_number: row.get("i_tracking_number")?,
        error_type: error_type.as_deref().and_then(ErrorType::from_name),
        error_message: row.get("error_message")?,
        expired: row.get("expired")?,
        completed_at: moment(row, "i_completed_at")?,
    })
}

/// `None` when the item has no order any more.
pub(super) fn order(row: &Row<'_>) -> rusqlite::Result<Option<Order>> {
    let Some(id) = row.get::<_, Option<Uuid>>("o_id")?.map(OrderId) else { return Ok(None) };
    Ok(Some(Order {
        id,
        workspace_id: WorkspaceId(row.get("o_workspace_id")?),
        contact: contact(row)?,
        name: row.get("o_name")?,
        description: row.get("description")?,
        total_value: amount(row, "total_value")?,
        carrier: row.get("carrier")?,
        tracking_number: row.get("o_tracking_number")?,
        carrier_guide_number: row.get("carrier_guide_number")?,
        shipping_address: row.get("shipping_address")?,
        shipping_city: row.get("shipping_city")?,
        shipping_department: row.get("shipping_department")?,
    }))
}

fn contact(row: &Row<'_>) -> rusqlite::Result<Option<Contact>> {
    let Some(id) = row.get::<_, Option<Uuid>>("c_id")?.map(ContactId) else { return Ok(None) };
    Ok(Some(Contact { id, name: row.get("c_name")?, phone: row.get("phone")?, email: row.get("email")? }))
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

fn amount(row: &Row<'_>, column: &str) -> rusqlite::Result<Amount> {
    Amount::from_hundredths(row.get(column)?).map_err(|error| unreadable(row, column, error.to_string()))
}

/// A word that stands for one of our states.
pub(super) fn name<T>(row: &Row<'_>, column: &str, from_name: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let name = row.get_ref(column)?.as_str()?;
    from_name(name).ok_or_else(|| unreadable(row, column, format!("{name:?} is not known")))
}

pub(super) fn unreadable(row: &Row<'_>, column: &str, why: String) -> rusqlite::Error {
    let place = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(place, Type::Text, format!("{column}: {why}").into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::StatementStatus;

    use super::super::file::DatabaseFile;
    use super::*;

    #[test]
    fn a_reports_rows_are_looked_for_without_being_planned_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::new(&folder.path().join("file.db"), Duration::from_secs(5));
        let db = file.open_for_writing().unwrap();
        for _ in 0..3 {
            assert_eq!(scene(&db, ItemId::random()).unwrap().map(|scene| scene.item), None);
        }
        let planned_anew = db.prepare_cached(&SCENE).unwrap().get_status(StatementStatus::RePrepare);
        assert_eq!(planned_anew, 0, "the plan is the same for every item");
    }
}
