//! What the store remembers, and the verbs of callbacks and deadlines on it. Runs under the file's lock; asks `change` for every decision.

use std::collections::{BTreeMap, BTreeSet};

use robot_callback_core::change::{self, Change, Scene};
use robot_callback_core::{
    Action, Applied, Creation, Discrepancy, FieldError, Item, ItemId, ItemView, JobId, JobView, NewItem,
    NewJob, NewOrder, Order, OrderId, Recount, Report, Rules, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};

use super::outbox::Outbox;
use super::rows::{ActionRow, ItemRow, JobRow, KeptRow};

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) jobs: BTreeMap<JobId, JobRow>,
    orders: BTreeMap<OrderId, Order>,
    /// Every run that was announced, for good: what refuses a second announcement.
    announced: BTreeSet<(JobId, u32)>,
    pub(crate) kept: Vec<KeptRow>,
    pub(crate) outbox: Outbox,
    /// What operators did, oldest first.
    pub(crate) actions: Vec<ActionRow>,
}

impl State {
    pub(crate) fn apply(&mut self, report: &Report, rules: Rules, now: Timestamp) -> Option<Applied> {
        let scene = self.scene(report.item_id)?;
        let (job, attempt) = (scene.job.id, scene.item.attempt);
        let change = change::apply(scene, report, rules, now)?;
        if change.keep {
            self.keep(job, attempt, change.verdict, report, now);
        }
        Some(self.write(job, attempt, change, now))
    }

    pub(crate) fn scene(&self, id: ItemId) -> Option<Scene> {
        let found = self.jobs.values().find_map(|row| {
            let item = row.items.iter().find(|row| row.item.id == id)?;
            Some((row.job.clone(), item.item.clone()))
        });
        let (job, item) = found?;
        let order = item.order_id.and_then(|order| self.orders.get(&order)).cloned();
        Some(Scene { job, item, order })
    }

    pub(crate) fn write(&mut self, job_id: JobId, attempt: u32, change: Change, now: Timestamp) -> Applied {
        let Change { verdict, item, job, order, completes, events, order_missing, .. } = change;
        if let (true, Some(job)) = (completes, &job) {
            assert!(self.announced.insert((job.id, job.run)), "a run completes once");
        }
        if let Some(row) = self.jobs.get_mut(&job_id) {
            row.job = job.unwrap_or_else(|| row.job.clone());
            item.into_iter().for_each(|item| row.put(item));
        }
        self.orders.extend(order.map(|order| (order.id, order)));
        let events = events.into_iter().filter(|event| self.outbox.record(event.clone(), now)).count();
        Applied { verdict, job_id, attempt, completed: completes, events, order_missing }
    }

    /// The same report heard again is the same kept report.
    fn keep(&mut self, job_id: JobId, attempt: u32, verdict: Verdict, report: &Report, now: Timestamp) {
        let report = serde_json::to_value(report).unwrap_or_default();
        let same = |kept: &&mut KeptRow| {
            (kept.verdict, kept.current_attempt) == (verdict, attempt) && kept.report == report
        };
        if let Some(kept) = self.kept.iter_mut().find(same) {
            kept.times += 1;
            return;
        }
        let (received_at, times, resolution) = (now, 1, None);
        let kept =
            KeptRow { job_id, verdict, current_attempt: attempt, report, received_at, times, resolution };
        self.kept.push(kept);
    }

    pub(crate) fn create_job(&mut self, new: NewJob, now: Timestamp) -> Creation {
        if let Some(known) = self.known(&new) {
            return known;
        }
        if let Err(error) = new.check().and_then(|()| self.check_orders(&new)) {
            return Creation::Refused(error);
        }
        let (job, items) = new.rows(now);
        self.record(&Action::of_creation(&new, now));
        let NewJob { id, idempotency_key, fingerprint, items: given, .. } = new;
        let items = items.into_iter().map(ItemRow::from).collect();
        self.jobs.insert(id, JobRow { job, idempotency_key, fingerprint, items });
        given.into_iter().for_each(|item| self.put_order(item));
        Creation::Created(id)
    }

    /// The job that was made before under the same key.
    fn known(&self, new: &NewJob) -> Option<Creation> {
        let key = new.idempotency_key.as_ref()?;
        let same = |row: &&JobRow| {
            row.job.workspace_id == new.workspace_id && row.idempotency_key.as_ref() == Some(key)
        };
        let row = self.jobs.values().find(same)?;
        Some(new.made_before(row.job.id, row.fingerprint.as_deref()))
    }

    /// An order that is only named must be there, and one that is there must be of the job's workspace.
    fn check_orders(&self, new: &NewJob) -> Result<(), FieldError> {
        let foreign = new.items.iter().position(|item| match self.orders.get(&item.order.id()) {
            Some(order) => order.workspace_id != new.workspace_id,
            None => matches!(item.order, NewOrder::Existing(_)),
        });
        foreign
            .map_or(Ok(()), |n| Err(FieldError::new(format!("orders[{n}].orderId"), NewJob::FOREIGN_ORDER)))
    }

    /// Carrier and numbers of an order that is there stay.
    fn put_order(&mut self, item: NewItem) {
        let NewOrder::Details(mut order) = item.order else { return };
        if let Some(known) = self.orders.remove(&order.id) {
            order.carrier = known.carrier;
            order.tracking_number = known.tracking_number;
            order.carrier_guide_number = known.carrier_guide_number;
        }
        self.orders.insert(order.id, *order);
    }

    pub(crate) fn view(&self, id: JobId) -> Option<JobView> {
        let row = self.jobs.get(&id)?;
        let items = row.items().map(|item| self.item_view(item));
        Some(JobView { job: row.job.clone(), items: items.collect() })
    }

    pub(crate) fn item_view(&self, item: Item) -> ItemView {
        ItemView { order: item.order_id.and_then(|order| self.orders.get(&order)).cloned(), item }
    }

    pub(crate) fn expire(&mut self, limit: usize, rules: Rules, now: Timestamp) -> Vec<JobId> {
        let over = self.jobs.values().filter(|row| row.job.is_overdue(now)).take(limit);
        let over: Vec<(JobId, Vec<Item>)> = over.map(|row| (row.job.id, row.items().collect())).collect();
        for (job, items) in &over {
            for item in items {
                let change = self.scene(item.id).and_then(|scene| change::expire(scene, rules, now));
                if let Some(change) = change {
                    self.write(*job, item.attempt, change, now);
                }
            }
        }
        over.into_iter().map(|(job, _)| job).collect()
    }

    pub(crate) fn verify(&self) -> Vec<Discrepancy> {
        let recount = |row: &JobRow| {
            let announced = self.announced.contains(&(row.job.id, row.job.run));
            let items: Vec<Item> = row.items().collect();
            Recount::of(row.job.clone(), &items, announced).discrepancies()
        };
        self.jobs.values().flat_map(recount).collect()
    }
}
