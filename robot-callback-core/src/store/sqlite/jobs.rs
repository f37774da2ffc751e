//! Jobs: made, shown. Closing them is in [`expire`](super::expire).

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::columns::Columns;
use super::{actions, rows};
use crate::action::Action;
use crate::clock::Timestamp;
use crate::field::FieldError;
use crate::id::{JobId, OrderId, WorkspaceId};
use crate::job::{Contact, Item, Job, Order};
use crate::new_job::{Creation, NewJob, NewOrder};
use crate::view::{ItemView, JobView};

pub(super) fn create(db: &Connection, new: &NewJob, now: Timestamp) -> rusqlite::Result<Creation> {
    if let Some((job, fingerprint)) = made_before(db, new)? {
        return Ok(new.made_before(job, fingerprint.as_deref()));
    }
    if let Err(error) = new.check() {
        return Ok(Creation::Refused(error));
    }
    for (n, item) in new.items.iter().enumerate() {
        if !is_acceptable(db, &item.order, new.workspace_id)? {
            return Ok(Creation::Refused(FieldError::new(
                format!("orders[{n}].orderId"),
                NewJob::FOREIGN_ORDER,
            )));
        }
    }
    for item in &new.items {
        if let NewOrder::Details(order) = &item.order {
            put_order(db, order)?;
        }
    }
    let (job, items) = new.rows(now);
    insert_job(db, &job, new)?;
    for (position, item) in items.iter().enumerate() {
        insert_item(db, position, item)?;
    }
    actions::record(db, &Action::of_creation(new, now))?;
    Ok(Creation::Created(job.id))
}

fn made_before(db: &Connection, new: &NewJob) -> rusqlite::Result<Option<(JobId, Option<String>)>> {
    let sql =
        "SELECT id, request_fingerprint FROM robot_jobs WHERE workspace_id = ?1 AND idempotency_key = ?2";
    let mut query = db.prepare_cached(sql)?;
    let made = query.query_row(params![new.workspace_id.0, new.idempotency_key], |row| {
        Ok((JobId(row.get(0)?), row.get(1)?))
    });
    made.optional()
}

/// Whether the order is, or will be, one of the workspace.
fn is_acceptable(db: &Connection, order: &NewOrder, workspace: WorkspaceId) -> rusqlite::Result<bool> {
    let mut query = db.prepare_cached("SELECT workspace_id FROM orders WHERE id = ?1")?;
    let owner: Option<Uuid> = query.query_row([order.id().0], |row| row.get(0)).optional()?;
    Ok(owner.map_or(matches!(order, NewOrder::Details(_)), |owner| owner == workspace.0))
}

fn put_order(db: &Connection, order: &Order) -> rusqlite::Result<()> {
    if let Some(contact) = &order.contact {
        put_contact(db, order.workspace_id, contact)?;
    }
    let sql = "INSERT INTO orders (id, workspace_id, contact_id, name, description, total_value,
            shipping_address, shipping_city, shipping_department) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET contact_id = excluded.contact_id, name = excluded.name,
            description = excluded.description, total_value = excluded.total_value,
            shipping_address = excluded.shipping_address, shipping_city = excluded.shipping_city,
            shipping_department = excluded.shipping_department";
    let mut insert = db.prepare_cached(sql)?;
    let done = insert.execute(params![
        order.id.0,
        order.workspace_id.0,
        order.contact.as_ref().map(|contact| contact.id.0),
        order.name,
        order.description,
        order.total_value.hundredths(),
        order.shipping_address,
        order.shipping_city,
        order.shipping_department,
    ]);
    done.map(drop)
}

fn put_contact(db: &Connection, workspace: WorkspaceId, contact: &Contact) -> rusqlite::Result<()> {
    let sql = "INSERT INTO contacts (workspace_id, id, name, phone, email) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (workspace_id, id) DO UPDATE
        SET name = excluded.name, phone = excluded.phone, email = excluded.email";
    let Contact { id, name, phone, email } = contact;
    db.prepare_cached(sql)?.execute(params![workspace.0, id.0, name, phone, email]).map(drop)
}

fn insert_job(db: &Connection, job: &Job, new: &NewJob) -> rusqlite::Result<()> {
    let sql =
        "INSERT INTO robot_jobs (id, workspace_id, job_type, status, total_items, deadline, idempotency_key,
            request_fingerprint, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut insert = db.prepare_cached(sql)?;
    let done = insert.execute(params![
        job.id.0,
        job.workspace_id.0,
        job.job_type.name(),
        job.status.name(),
        job.total_items,
        job.deadline.map(Timestamp::as_millis),
        new.idempotency_key,
        new.fingerprint,
        job.created_at.as_millis(),
    ]);
    done.map(drop)
}

fn insert_item(db: &Connection, position: usize, item: &Item) -> rusqlite::Result<()> {
    let sql =
        "INSERT INTO robot_job_items (id, job_id, position, order_id, status) VALUES (?1, ?2, ?3, ?4, ?5)";
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    let order = item.order_id.map(|OrderId(id)| id);
    db.prepare_cached(sql)?
        .execute(params![item.id.0, item.job_id.0, position, order, item.status.name()])
        .map(drop)
}

pub(super) fn find(db: &Connection, id: JobId) -> rusqlite::Result<Option<Job>> {
    let sql = format!("SELECT {} FROM robot_jobs j WHERE j.id = ?1", rows::JOB);
    db.prepare_cached(&sql)?.query_row([id.0], |row| rows::job(&mut Columns::of(row))).optional()
}

pub(super) fn items(db: &Connection, job: JobId) -> rusqlite::Result<Vec<ItemView>> {
    let sql = format!(
        "SELECT {}, {} FROM robot_job_items i {} WHERE i.job_id = ?1 ORDER BY i.position",
        rows::ITEM,
        rows::ORDER,
        rows::JOIN_ORDER
    );
    let mut query = db.prepare_cached(&sql)?;
    query.query_map([job.0], |row| rows::item_view(&mut Columns::of(row)))?.collect()
}

pub(super) fn view(db: &Connection, id: JobId) -> rusqlite::Result<Option<JobView>> {
    let Some(job) = find(db, id)? else { return Ok(None) };
    Ok(Some(JobView { job, items: items(db, id)? }))
}
