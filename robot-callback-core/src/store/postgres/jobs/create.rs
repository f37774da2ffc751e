//! Jobs: made, with the orders that come along.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::actions;
use super::super::error::PostgresError;
use super::super::rows::{integer, system_time};
use super::super::session::{Param, Session, Sessions, Statement};
use crate::action::Action;
use crate::clock::Timestamp;
use crate::field::FieldError;
use crate::id::{JobId, WorkspaceId};
use crate::job::{Contact, Item, Job, Order};
use crate::new_job::{Creation, NewItem, NewJob, NewOrder};

static MADE_BEFORE: Statement = Statement {
    sql: "SELECT j.id, s.request_fingerprint FROM public.robot_jobs j
        LEFT JOIN robot_callback.job_state s ON s.job_id = j.id
        WHERE j.workspace_id = $1 AND j.idempotency_key = $2",
    types: &[Type::UUID, Type::TEXT],
};

/// The unique key decides who made the job, however many try at once.
static INSERT_JOB: Statement = Statement {
    sql: "INSERT INTO public.robot_jobs
            (id, workspace_id, job_type, status, total_items, idempotency_key, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (workspace_id, idempotency_key) DO NOTHING",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::TEXT, Type::INT4, Type::TEXT, Type::TIMESTAMPTZ],
};

static INSERT_STATE: Statement = Statement {
    sql: "INSERT INTO robot_callback.job_state (job_id, deadline, request_fingerprint) VALUES ($1, $2, $3)",
    types: &[Type::UUID, Type::TIMESTAMPTZ, Type::TEXT],
};

static INSERT_ITEMS: Statement = Statement {
    sql: "INSERT INTO public.robot_job_items (id, job_id, order_id, status, created_at, updated_at)
        SELECT u.id, $1, u.order_id, 'pending', $4, $4 FROM unnest($2, $3) AS u (id, order_id)",
    types: &[Type::UUID, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::TIMESTAMPTZ],
};

static INSERT_PLACES: Statement = Statement {
    sql: "INSERT INTO robot_callback.item_state (item_id, position)
        SELECT u.id, (u.place - 1)::integer FROM unnest($1) WITH ORDINALITY AS u (id, place)",
    types: &[Type::UUID_ARRAY],
};

static OWNERS_OF_ORDERS: Statement = Statement {
    sql: "SELECT id, workspace_id FROM public.orders WHERE id = ANY($1)",
    types: &[Type::UUID_ARRAY],
};

static OWNERS_OF_CONTACTS: Statement = Statement {
    sql: "SELECT id, workspace_id FROM public.contacts WHERE id = ANY($1)",
    types: &[Type::UUID_ARRAY],
};

static PUT_CONTACT: Statement = Statement {
    sql: "INSERT INTO public.contacts (id, workspace_id, name, phone, email) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, phone = excluded.phone, email = excluded.email
        WHERE contacts.workspace_id = excluded.workspace_id",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT],
};

static PUT_ORDER: Statement = Statement {
    sql: "INSERT INTO public.orders (id, workspace_id, contact_id, name, description, total_value,
            shipping_address, shipping_city, shipping_department)
        VALUES ($1, $2, $3, $4, $5, $6::bigint / 100.0, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET contact_id = excluded.contact_id, name = excluded.name,
            description = excluded.description, total_value = excluded.total_value,
            shipping_address = excluded.shipping_address, shipping_city = excluded.shipping_city,
            shipping_department = excluded.shipping_department
        WHERE orders.workspace_id = excluded.workspace_id",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
    ],
};

/// An owner's own tables may ask for more than we know of an order.
const MORE_NEEDED: &str =
    "must name orders that exist, by orderId alone: this database asks for more columns";

/// A contact's id is its own in all of the database.
const FOREIGN_CONTACT: &str = "must be the id of a contact of this workspace, or of none yet";

pub(in super::super) async fn create(
    sessions: &Sessions,
    new: &NewJob,
    now: Timestamp,
) -> Result<Creation, PostgresError> {
    match sessions.transact(async |db| try_create(db, new, now).await).await {
        Err(error) if error.is_missing_value() => {
            Ok(Creation::Refused(FieldError::new("orders", MORE_NEEDED)))
        }
        done => done,
    }
}

async fn try_create(db: &Session, new: &NewJob, now: Timestamp) -> Result<Creation, PostgresError> {
    if let Some(made) = made_before(db, new).await? {
        return Ok(made);
    }
    if let Err(error) = new.check() {
        return Ok(Creation::Refused(error));
    }
    if let Some(foreign) = foreign(db, new).await? {
        return Ok(Creation::Refused(foreign));
    }
    let (job, items) = new.rows(now);
    if !insert_job(db, &job, new).await? {
        let made = made_before(db, new).await?;
        return made.ok_or_else(|| PostgresError::Rows { statement: "job", expected: 1, found: 0 });
    }
    put_orders(db, new).await?;
    insert_items(db, job.id, &items, now).await?;
    actions::record(db, &Action::of_creation(new, now)).await?;
    Ok(Creation::Created(job.id))
}

async fn made_before(db: &Session, new: &NewJob) -> Result<Option<Creation>, PostgresError> {
    let rows = db.query(&MADE_BEFORE, &[&new.workspace_id.0, &new.idempotency_key]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (job, fingerprint): (_, Option<String>) = (JobId(row.try_get(0)?), row.try_get(1)?);
    Ok(Some(new.made_before(job, fingerprint.as_deref())))
}

/// What is wrong with the first order that is not, and will not be, one of the workspace, or whose contact is not.
async fn foreign(db: &Session, new: &NewJob) -> Result<Option<FieldError>, PostgresError> {
    let orders = owners(db, &OWNERS_OF_ORDERS, new.items.iter().map(|item| item.order.id().0)).await?;
    let contacts = new.items.iter().filter_map(|item| Some(contact(&item.order)?.id.0));
    let contacts = owners(db, &OWNERS_OF_CONTACTS, contacts).await?;
    let is_foreign = |owner: &Uuid| *owner != new.workspace_id.0;
    let foreign = |(n, item): (usize, &NewItem)| {
        let may_be_new = matches!(item.order, NewOrder::Details(_));
        if orders.get(&item.order.id().0).map_or(!may_be_new, is_foreign) {
            return Some(FieldError::new(format!("orders[{n}].orderId"), NewJob::FOREIGN_ORDER));
        }
        let owner = contact(&item.order).and_then(|contact| contacts.get(&contact.id.0));
        owner
            .is_some_and(is_foreign)
            .then(|| FieldError::new(format!("orders[{n}].contact.contactId"), FOREIGN_CONTACT))
    };
    Ok(new.items.iter().enumerate().find_map(foreign))
}

fn details(order: &NewOrder) -> Option<&Order> {
    match order {
        NewOrder::Existing(_) => None,
        NewOrder::Details(order) => Some(order),
    }
}

fn contact(order: &NewOrder) -> Option<&Contact> {
    details(order)?.contact.as_ref()
}

/// The workspaces of those that are there.
async fn owners(
    db: &Session,
    statement: &'static Statement,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Uuid>, PostgresError> {
    let ids: Vec<Uuid> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = db.query(statement, &[&ids]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Says whether the job is new.
async fn insert_job(db: &Session, job: &Job, new: &NewJob) -> Result<bool, PostgresError> {
    let (id, workspace, kind, status) =
        (job.id.0, job.workspace_id.0, job.job_type.name(), job.status.name());
    let (total, created) = (integer(job.total_items), system_time(job.created_at));
    let key = &new.idempotency_key;
    let params: [Param<'_>; 7] = [&id, &workspace, &kind, &status, &total, key, &created];
    if db.execute(&INSERT_JOB, &params).await? == 0 {
        return Ok(false);
    }
    db.execute(&INSERT_STATE, &[&job.id.0, &job.deadline.map(system_time), &new.fingerprint]).await?;
    Ok(true)
}

async fn insert_items(db: &Session, job: JobId, items: &[Item], now: Timestamp) -> Result<(), PostgresError> {
    let ids: Vec<Uuid> = items.iter().map(|item| item.id.0).collect();
    let orders: Vec<Option<Uuid>> = items.iter().map(|item| item.order_id.map(|order| order.0)).collect();
    db.execute(&INSERT_ITEMS, &[&job.0, &ids, &orders, &system_time(now)]).await?;
    db.execute(&INSERT_PLACES, &[&ids]).await?;
    Ok(())
}

/// Contacts and then orders, each by id, so that two who make jobs of the same never wait for each other in a circle.
async fn put_orders(db: &Session, new: &NewJob) -> Result<(), PostgresError> {
    let mut orders: Vec<&Order> = new.items.iter().filter_map(|item| details(&item.order)).collect();
    orders.sort_by_key(|order| order.contact.as_ref().map(|contact| contact.id));
    for order in &orders {
        if let Some(contact) = &order.contact {
            put_contact(db, order.workspace_id, contact).await?;
        }
    }
    orders.sort_by_key(|order| order.id);
    for order in orders {
        put_order(db, order).await?;
    }
    Ok(())
}

async fn put_contact(
    db: &Session,
    WorkspaceId(workspace): WorkspaceId,
    Contact { id, name, phone, email }: &Contact,
) -> Result<(), PostgresError> {
    made(db.execute(&PUT_CONTACT, &[&id.0, &workspace, name, phone, email]).await?)
}

async fn put_order(db: &Session, order: &Order) -> Result<(), PostgresError> {
    let params: [Param<'_>; 9] = [
        &order.id.0,
        &order.workspace_id.0,
        &order.contact.as_ref().map(|contact| contact.id.0),
        &order.name,
        &order.description,
        &order.total_value.hundredths(),
        &order.shipping_address,
        &order.shipping_city,
        &order.shipping_department,
    ];
    made(db.execute(&PUT_ORDER, &params).await?)
}

/// Another workspace may have made a row of that id since it was looked for.
fn made(rows: u64) -> Result<(), PostgresError> {
    if rows == 1 { Ok(()) } else { Err(PostgresError::Raced) }
}
