//! What a memory store remembers, and its verbs on it. Runs under the store's lock.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::Applied;
use super::outbox::Outbox;
use crate::action::Action;
use crate::change::{self, Change, Rules, Scene};
use crate::clock::Timestamp;
use crate::field::FieldError;
use crate::id::{ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Item, Job, Order};
use crate::kept::KeptReport;
use crate::new_job::{Creation, NewJob, NewOrder};
use crate::report::Report;
use crate::scope::Scope;
use crate::view::{Discrepancy, ItemView, JobView, Recount};

#[derive(Default)]
pub(super) struct State {
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// Each job's items, in the order they were given.
    job_items: HashMap<JobId, Vec<ItemId>>,
    pub(super) items: HashMap<ItemId, Item>,
    pub(super) orders: HashMap<OrderId, Order>,
    keys: HashMap<(WorkspaceId, String), (JobId, Option<String>)>,
    /// Every run that was announced, for good: what refuses a second announcement.
    announced: HashSet<(JobId, u32)>,
    pub(super) kept: Vec<KeptReport>,
    pub(super) outbox: Outbox,
    /// What operators did, oldest first.
    pub(super) actions: Vec<Action>,
}

impl State {
    pub(super) fn apply(&mut self, report: &Report, rules: Rules, now: Timestamp) -> Option<Applied> {
        let scene = self.scene(report.item_id)?;
        let (job_id, attempt) = (scene.job.id, scene.item.attempt);
        let change = change::apply(scene, report, rules, now)?;
        if change.keep {
            self.keep(job_id, attempt, report, &change, now);
        }
        Some(self.write(job_id, attempt, change, now))
    }

    pub(super) fn scene(&self, item: ItemId) -> Option<Scene> {
        let item = self.items.get(&item)?.clone();
        let job = self.jobs.get(&item.job_id)?.clone();
        let order = item.order_id.and_then(|order| self.orders.get(&order)).cloned();
        Some(Scene { job, item, order })
    }

    pub(super) fn write(&mut self, job_id: JobId, attempt: u32, change: Change, now: Timestamp) -> Applied {
        let Change { verdict, item, job, order, completes, events, order_missing, .. } = change;
        if let Some(job) = job {
            assert!(!completes || self.announced.insert((job.id, job.run)), "a run completes once");
            self.jobs.insert(job.id, job);
        }
        self.items.extend(item.map(|item| (item.id, item)));
        self.orders.extend(order.map(|order| (order.id, order)));
        let events = events.into_iter().map(|event| usize::from(self.outbox.record(event, now))).sum();
        Applied { verdict, job_id, attempt, completed: completes, events, order_missing }
    }

    fn keep(
        &mut self,
        job_id: JobId,
        current_attempt: u32,
        report: &Report,
        change: &Change,
        now: Timestamp,
    ) {
        let verdict = change.verdict;
        // Whoever may report says the same thing, in whichever trace.
        let report = report.clone().within(Scope::All).traced(None);
        let same = |kept: &&mut KeptReport| {
            kept.verdict == verdict && kept.current_attempt == current_attempt && kept.report == report
        };
        if let Some(kept) = self.kept.iter_mut().find(same) {
            kept.times += 1;
            return;
        }
        let id = i64::try_from(self.kept.len() + 1).unwrap_or(i64::MAX);
        let (received_at, times, resolution) = (now, 1, None);
        self.kept.push(KeptReport {
            id,
            job_id,
            verdict,
            current_attempt,
            report,
            received_at,
            times,
            resolution,
        });
    }

    pub(super) fn create_job(&mut self, new: NewJob, now: Timestamp) -> Creation {
        let key = new.idempotency_key.clone().map(|key| (new.workspace_id, key));
        if let Some((job, fingerprint)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return new.made_before(*job, fingerprint.as_deref());
        }
        if let Err(error) = new.check().and_then(|()| self.check_orders(&new)) {
            return Creation::Refused(error);
        }
        let (job, items) = new.rows(now);
        let id = job.id;
        self.record(Action::of_creation(&new, now));
        self.keys.extend(key.map(|key| (key, (id, new.fingerprint.clone()))));
        self.job_items.insert(id, items.iter().map(|item| item.id).collect());
        self.items.extend(items.into_iter().map(|item| (item.id, item)));
        self.jobs.insert(id, job);
        for item in new.items {
            if let NewOrder::Details(order) = item.order {
                self.put_order(*order);
            }
        }
        Creation::Created(id)
    }

    fn check_orders(&self, new: &NewJob) -> Result<(), FieldError> {
        for (n, item) in new.items.iter().enumerate() {
            let (known, needed) =
                (self.orders.get(&item.order.id()), matches!(item.order, NewOrder::Existing(_)));
            if known.map_or(needed, |order| order.workspace_id != new.workspace_id) {
                return Err(FieldError::new(format!("orders[{n}].orderId"), NewJob::FOREIGN_ORDER));
            }
        }
        Ok(())
    }

    fn put_order(&mut self, mut order: Order) {
        if let Some(known) = self.orders.remove(&order.id) {
            order.carrier = known.carrier;
            order.tracking_number = known.tracking_number;
            order.carrier_guide_number = known.carrier_guide_number;
        }
        self.orders.insert(order.id, order);
    }

    pub(super) fn view(&self, id: JobId) -> Option<JobView> {
        let job = self.jobs.get(&id)?.clone();
        let items = self.items_of(id).into_iter().map(|item| self.item_view(item));
        Some(JobView { job, items: items.collect() })
    }

    pub(super) fn item_view(&self, item: Item) -> ItemView {
        ItemView { order: item.order_id.and_then(|order| self.orders.get(&order)).cloned(), item }
    }

    pub(super) fn items_of(&self, job: JobId) -> Vec<Item> {
        let ids = self.job_items.get(&job).into_iter().flatten();
        ids.filter_map(|id| self.items.get(id)).cloned().collect()
    }

    pub(super) fn expire(&mut self, limit: usize, rules: Rules, now: Timestamp) -> Vec<JobId> {
        let over = self.jobs.values().filter(|job| job.is_overdue(now)).take(limit);
        let over: Vec<JobId> = over.map(|job| job.id).collect();
        for job in &over {
            for item in self.items_of(*job) {
                let change = self.scene(item.id).and_then(|scene| change::expire(scene, rules, now));
                if let Some(change) = change {
                    self.write(*job, item.attempt, change, now);
                }
            }
        }
        over
    }

    pub(super) fn verify(&self) -> Vec<Discrepancy> {
        let recount = |job: &Job| {
            let announced = self.announced.contains(&(job.id, job.run));
            Recount::of(job.clone(), &self.items_of(job.id), announced).discrepancies()
        };
        self.jobs.values().flat_map(recount).collect()
    }
}
