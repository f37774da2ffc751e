//! The rows that reports touch, loaded under locks that are taken in one order: jobs, items, orders, each by id.
//!
//! A statement sees what others committed before it began, and a locked row as it is now. So the jobs are locked
//! first, and what hangs on a job's lock (its run, its deadline, an item's `expired`) is read by a later statement.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::columns::Columns;
use super::error::PostgresError;
use super::rows::{self, item_columns, job_columns, order_columns};
use super::session::{Param, Session, Statement};
use crate::change::Scene;
use crate::id::{ItemId, JobId, OrderId};
use crate::job::{Item, Job, Order};
use crate::report::{Outcome, Report};

static LOCK_JOBS: Statement = Statement {
    sql: "SELECT id FROM public.robot_jobs
        WHERE id IN (SELECT job_id FROM public.robot_job_items WHERE id = ANY($1))
        ORDER BY id FOR NO KEY UPDATE",
    types: &[Type::UUID_ARRAY],
};

static ITEMS: Statement = Statement {
    sql: concat!(
        "SELECT ",
        item_columns!(),
        ", ",
        job_columns!(),
        " FROM public.robot_job_items i
        JOIN public.robot_jobs j ON j.id = i.job_id
        LEFT JOIN robot_callback.job_state s ON s.job_id = j.id
        LEFT JOIN robot_callback.item_state x ON x.item_id = i.id
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
        " FROM public.orders o
        LEFT JOIN public.contacts c ON c.id = o.contact_id AND (c.workspace_id = o.workspace_id) IS TRUE
        WHERE o.id IN (SELECT order_id FROM public.robot_job_items WHERE id = ANY($1))
        ORDER BY o.id FOR NO KEY UPDATE OF o"
    ),
    types: &[Type::UUID_ARRAY],
};

/// Rows under lock, kept up to date as changes are planned.
#[derive(Default)]
pub(super) struct Scenes {
    pub(super) jobs: BTreeMap<JobId, Job>,
    pub(super) items: BTreeMap<ItemId, Item>,
    pub(super) orders: BTreeMap<OrderId, Order>,
}

impl Scenes {
    /// Has the statements ready.
    pub(super) async fn prepare(db: &Session) -> Result<(), PostgresError> {
        db.prepare(&[&LOCK_JOBS, &ITEMS, &ORDERS]).await
    }

    /// Loads the scenes of those items, and the orders of `shipped`, those among them that may change theirs.
    pub(super) async fn lock(db: &Session, items: &[Uuid], shipped: &[Uuid]) -> Result<Self, PostgresError> {
        Self::prepare(db).await?;
        let (of_items, of_shipped): ([Param<'_>; 1], [Param<'_>; 1]) = ([&items], [&shipped]);
        let (jobs, items, orders) = tokio::join!(
            biased;
            db.query(&LOCK_JOBS, &of_items),
            db.query(&ITEMS, &of_items),
            db.query(&ORDERS, &of_shipped),
        );
        jobs?;
        let mut scenes = Self::default();
        for row in items? {
            let columns = &mut Columns::of(&row);
            let (item, job) = (rows::item(columns)?, rows::job(columns)?);
            scenes.items.insert(item.id, item);
            scenes.jobs.insert(job.id, job);
        }
        for row in orders? {
            scenes.orders.extend(rows::order(&mut Columns::of(&row))?.map(|order| (order.id, order)));
        }
        Ok(scenes)
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
        let item = self.items.get(&item)?.clone();
        let job = self.jobs.get(&item.job_id)?.clone();
        let order = item.order_id.and_then(|order| self.orders.get(&order)).cloned();
        Some(Scene { job, item, order })
    }

    /// The rows as they are after a change.
    pub(super) fn take_in(&mut self, item: Option<Item>, job: Option<Job>, order: Option<Order>) {
        self.items.extend(item.map(|item| (item.id, item)));
        self.jobs.extend(job.map(|job| (job.id, job)));
        self.orders.extend(order.map(|order| (order.id, order)));
    }
}
