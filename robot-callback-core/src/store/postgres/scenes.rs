//! The rows that reports touch, loaded under locks that are taken in one order: jobs, items, orders, each by id.
//!
//! A statement sees what others committed before it began, and a locked row as it is now. So the jobs are locked
//! first, and what hangs on a job's lock (its run, its deadline, an item's `expired`) is read by a later statement. Where
//! something else has moved while a lock was waited for (an item to another job, an order to another contact), all of it
//! is read once more.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns::Columns;
use super::error::PostgresError;
use super::rows::{self, item_columns, order_columns, own_job_columns, run_columns};
use super::session::{Param, Session, Statement};
use super::table::Table;
use crate::change::Scene;
use crate::clock::Timestamp;
use crate::id::{ItemId, JobId, OrderId};
use crate::job::{Item, Job, Order};
use crate::report::{Outcome, Report};

/// Of a job only its own columns: what hangs on its lock is read with the items.
static JOBS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        own_job_columns!(),
        " FROM public.robot_jobs j
        WHERE j.id IN (SELECT job_id FROM public.robot_job_items WHERE id = ANY($1))
        ORDER BY j.id FOR NO KEY UPDATE OF j"
    ),
    types: &[Type::UUID_ARRAY],
};

/// Of an item's state only what there is an index of its own for is read: that it expired.
static ITEMS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        run_columns!(),
        ", ",
        item_columns!(),
        " FROM public.robot_job_items i
        LEFT JOIN robot_callback.job_state s ON s.job_id = i.job_id
        LEFT JOIN robot_callback.item_state x ON x.item_id = i.id AND x.expired
        WHERE i.id = ANY($1) ORDER BY i.id FOR NO KEY UPDATE OF i"
    ),
    types: &[Type::UUID_ARRAY],
};

/// A contact is looked for by its id: as a plain equation, the workspace would lead through all of a shop's contacts
/// where the statistics are of a time when it had one.
static ORDERS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        order_columns!(),
        ", o.contact_id FROM public.robot_job_items i
        JOIN public.orders o ON o.id = i.order_id
        LEFT JOIN public.contacts c ON c.id = o.contact_id AND (c.workspace_id = o.workspace_id) IS TRUE
        WHERE i.id = ANY($1) ORDER BY o.id FOR NO KEY UPDATE OF o"
    ),
    types: &[Type::UUID_ARRAY],
};

/// Rows under lock, kept up to date as changes are planned.
pub(super) struct Scenes {
    pub(super) jobs: Table<JobId, Job>,
    pub(super) items: Table<ItemId, Item>,
    pub(super) orders: Table<OrderId, Order>,
}

impl Scenes {
    /// Has the statements ready.
    pub(super) async fn prepare(db: &Session) -> Result<(), PostgresError> {
        db.prepare(&[&JOBS, &ITEMS, &ORDERS]).await
    }

    /// Loads the scenes of those items, and the orders of `shipped`, those among them that may change theirs.
    pub(super) async fn lock(db: &Session, items: &[Uuid], shipped: &[Uuid]) -> Result<Self, PostgresError> {
        Self::prepare(db).await?;
        let (scenes, moved) = Self::read(db, items, shipped).await?;
        if moved { Ok(Self::read(db, items, shipped).await?.0) } else { Ok(scenes) }
    }

    /// The scenes, and whether something of them moved while they were locked. The first rows are read while the database
    /// looks for the next.
    async fn read(db: &Session, items: &[Uuid], shipped: &[Uuid]) -> Result<(Self, bool), PostgresError> {
        let (of_items, of_shipped): ([Param<'_>; 1], [Param<'_>; 1]) = ([&items], [&shipped]);
        let (jobs, items, orders) = tokio::join!(
            biased;
            async { read_jobs(&db.query(&JOBS, &of_items).await?) },
            async { read_items(&db.query(&ITEMS, &of_items).await?) },
            async { read_orders(&db.query(&ORDERS, &of_shipped).await?) },
        );
        let (mut jobs, (items, runs), (orders, mut moved)) = (jobs?, items?, orders?);
        for (job, run) in runs {
            match jobs.get_mut(job) {
                Some(job) => (job.run, job.deadline) = run,
                None => moved = true,
            }
        }
        Ok((Self { jobs, items, orders }, moved))
    }

    /// Loads the scenes of those reports.
    pub(super) async fn of_reports(db: &Session, reports: &[Report]) -> Result<Self, PostgresError> {
        let ids = |reports: &mut dyn Iterator<Item = &Report>| -> Vec<Uuid> {
            reports.map(|report| report.item_id.0).collect()
        };
        let items = ids(&mut reports.iter());
        let shipped = ids(&mut reports.iter().filter(|report| report.outcome == Outcome::Success));
        Self::lock(db, &items, &shipped).await
    }

    pub(super) fn of(&self, item: ItemId) -> Option<Scene> {
        let item = self.items.get(item)?.clone();
        let job = self.jobs.get(item.job_id)?.clone();
        let order = item.order_id.and_then(|order| self.orders.get(order)).cloned();
        Some(Scene { job, item, order })
    }

    /// The rows as they are after a change.
    pub(super) fn take_in(&mut self, item: Option<Item>, job: Option<Job>, order: Option<Order>) {
        if let Some(item) = item {
            self.items.put(item.id, item);
        }
        if let Some(job) = job {
            self.jobs.put(job.id, job);
        }
        if let Some(order) = order {
            self.orders.put(order.id, order);
        }
    }

    /// Whether no row is to be written.
    pub(super) fn unchanged(&self) -> bool {
        let Self { jobs, items, orders } = self;
        jobs.changed().next().is_none()
            && items.changed().next().is_none()
            && orders.changed().next().is_none()
    }
}

fn read_jobs(rows: &[Row]) -> Result<Table<JobId, Job>, PostgresError> {
    let mut jobs = Vec::with_capacity(rows.len());
    for row in rows {
        let job = rows::first_run(&mut Columns::of(row))?;
        jobs.push((job.id, job));
    }
    Ok(Table::read(jobs))
}

/// Items, and of each item's job the run and the deadline.
type ItemsAndRuns = (Table<ItemId, Item>, Vec<(JobId, (u32, Option<Timestamp>))>);

fn read_items(rows: &[Row]) -> Result<ItemsAndRuns, PostgresError> {
    let (mut items, mut runs) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in rows {
        let columns = &mut Columns::of(row);
        let (run, item) = (rows::run(columns)?, rows::item(columns)?);
        runs.push((item.job_id, run));
        items.push((item.id, item));
    }
    Ok((Table::read(items), runs))
}

/// Orders, and whether one of them has a contact that was not read with it.
fn read_orders(rows: &[Row]) -> Result<(Table<OrderId, Order>, bool), PostgresError> {
    let (mut orders, mut moved) = (Vec::with_capacity(rows.len()), false);
    for row in rows {
        let columns = &mut Columns::of(row);
        if let Some(order) = rows::order(columns)? {
            moved |= order.contact.is_none() && row.try_get::<_, Option<Uuid>>("contact_id")?.is_some();
            orders.push((order.id, order));
        }
    }
    Ok((Table::read(orders), moved))
}
