//! What the laws are written with: orders, jobs, and short ways to ask a store something.

use std::time::Duration;

use super::World;
use crate::amount::Amount;
use crate::clock::{Clock, Timestamp};
use crate::event::Event;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Contact, Item, Job, Order};
use crate::kept::{KeptReport, Resolution};
use crate::new_job::{Creation, NewJob, NewOrder};
use crate::operation::{Actor, Answer, Command, Done, Effect, Operation};
use crate::outbox::{Claim, DeadLetter, EntryId, Lease, LeaseToken, Settlement};
use crate::page::PageRequest;
use crate::query::{KeptQuery, LetterQuery};
use crate::report::{ErrorType, Report};
use crate::store::Applied;
use crate::verdict::Verdict;
use crate::view::JobView;

pub(super) const NUMBER: &str = "73150001234";
pub(super) const OTHER_NUMBER: &str = "73159999999";
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const COMPLETION: &str = "robot/job.batch_completed";

/// An order with everything in it.
pub(super) fn order(workspace_id: WorkspaceId) -> Order {
    Order {
        id: OrderId::random(),
        workspace_id,
        contact: Some(Contact {
            id: ContactId::random(),
            name: "Ana Restrepo".to_owned(),
            phone: "+573001234567".to_owned(),
            email: Some("ana@example.com".to_owned()),
        }),
        name: Some("#1001".to_owned()),
        description: Some("Two lamps".to_owned()),
        total_value: Amount::from_hundredths(8_990_050).expect("in range"),
        carrier: None,
        tracking_number: None,
        carrier_guide_number: None,
        shipping_address: Some("Cra 43A # 1-50".to_owned()),
        shipping_city: Some("MEDELLIN".to_owned()),
        shipping_department: Some("ANTIOQUIA".to_owned()),
    }
}

/// An order that comes along with its job.
pub(super) fn details(order: Order) -> NewOrder {
    NewOrder::Details(Box::new(order))
}

/// A job of `count` new orders of one new workspace.
pub(super) fn job_of(count: usize) -> NewJob {
    let workspace = WorkspaceId::random();
    NewJob::of_orders(workspace, (0..count).map(|_| details(order(workspace))))
}

pub(super) fn success(item: ItemId) -> Report {
    Report::success(item, NUMBER)
}

pub(super) fn success_without_number(item: ItemId) -> Report {
    Report { tracking_number: None, ..success(item) }
}

pub(super) fn failure(item: ItemId) -> Report {
    Report::error(item, ErrorType::Portal, "Ciudad no cubierta")
}

pub(super) fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

pub(super) fn completions(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| event.name == COMPLETION).collect()
}

pub(super) fn data(event: &Event) -> serde_json::Value {
    serde_json::from_str(event.data.get()).expect("an event's data is JSON")
}

/// A job that was made: its id, and those of its items and orders.
pub(super) struct Made {
    pub(super) job: JobId,
    pub(super) items: Vec<ItemId>,
    pub(super) orders: Vec<OrderId>,
}

/// All that reports can change, as it stands: for "nothing changed".
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) view: JobView,
    pub(super) kept: Vec<KeptReport>,
    pub(super) waiting: u64,
    pub(super) dead: u64,
}

impl World {
    pub(super) async fn create(&self, job: NewJob) -> Creation {
        self.store.create_job(job).await.expect("the store makes jobs")
    }

    pub(super) async fn make(&self, new: NewJob) -> Made {
        let (job, items) = (new.id, new.items.iter().map(|item| item.id).collect());
        let orders = new.items.iter().map(|item| item.order.id()).collect();
        let creation = self.create(new).await;
        assert_eq!(
            creation,
            Creation::Created(job),
            "a job of good orders is made, under the id it came with"
        );
        Made { job, items, orders }
    }

    pub(super) async fn try_apply(&self, report: Report) -> Option<Applied> {
        self.store.apply(report).await.expect("the store applies reports")
    }

    pub(super) async fn apply(&self, report: Report) -> Applied {
        self.try_apply(report).await.expect("the item is there")
    }

    pub(super) async fn verdict(&self, report: Report) -> Verdict {
        self.apply(report).await.verdict
    }

    pub(super) async fn view(&self, job: JobId) -> JobView {
        self.store.job(job).await.expect("the store answers").expect("the job is there")
    }

    pub(super) async fn job(&self, job: JobId) -> Job {
        self.view(job).await.job
    }

    /// The item of that place in its job.
    pub(super) async fn item(&self, made: &Made, place: usize) -> Item {
        self.view(made.job).await.items.remove(place).item
    }

    /// The order of the item of that place.
    pub(super) async fn order(&self, made: &Made, place: usize) -> Order {
        self.view(made.job).await.items.remove(place).order.expect("the order is there")
    }

    pub(super) async fn kept(&self, job: JobId) -> Vec<KeptReport> {
        let (job, page) = (Some(job), PageRequest::first(1_000));
        let query = KeptQuery { job, page, ..KeptQuery::default() };
        self.store.kept_reports(query).await.expect("the store answers").rows
    }

    pub(super) async fn letters(&self) -> Vec<DeadLetter> {
        self.store.dead_letters(LetterQuery::default()).await.expect("the store answers").rows
    }

    pub(super) async fn command(&self, command: Command) -> Answer {
        self.store.operate(command).await.expect("the store does what operators ask")
    }

    pub(super) async fn operate(&self, operation: Operation) -> Answer {
        self.command(Command::new(operation, Actor::new("ana"))).await
    }

    /// What that did, when nothing stands against it.
    pub(super) async fn effect(&self, operation: Operation) -> Effect {
        self.operate(operation).await.expect("nothing stands against it").effect
    }

    pub(super) async fn resolve(&self, kept_id: i64, resolution: Resolution) -> Option<Applied> {
        match self.operate(Operation::Resolve { kept_id, resolution }).await {
            Ok(Done { effect: Effect::Resolved(applied), .. }) => Some(applied),
            _ => None,
        }
    }

    pub(super) async fn retry(&self, job: JobId) -> Vec<ItemId> {
        self.retry_items(job, None, None).await.expect("the job is there")
    }

    /// Which items were re-opened; `None` when there is no such job.
    pub(super) async fn retry_items(
        &self,
        job_id: JobId,
        items: Option<Vec<ItemId>>,
        deadline: Option<Timestamp>,
    ) -> Option<Vec<ItemId>> {
        let deadline = deadline.into();
        match self.operate(Operation::Retry { job_id, items, run: None, deadline }).await.ok()?.effect {
            Effect::Reopened { items, .. } => Some(items),
            _ => Some(Vec::new()),
        }
    }

    pub(super) async fn redrive(&self, entries: Vec<EntryId>) -> Vec<EntryId> {
        match self.effect(Operation::Redrive { entries: Some(entries) }).await {
            Effect::Redriven { entries } => entries,
            _ => Vec::new(),
        }
    }

    pub(super) async fn expire(&self) -> Vec<JobId> {
        self.store.expire(100).await.expect("the store expires jobs")
    }

    pub(super) async fn claim(&self, limit: usize) -> Lease {
        self.store.claim(Claim { limit, lease: MINUTE }).await.expect("the store gives leases")
    }

    pub(super) async fn settle(&self, lease: LeaseToken, settlements: Vec<(i64, Settlement)>) {
        self.store.settle(lease, settlements).await.expect("the store settles");
    }

    /// Takes what is due out of the outbox, as delivered.
    pub(super) async fn drain(&self) -> Vec<Event> {
        let lease = self.claim(1_000).await;
        let delivered = lease.entries.iter().map(|entry| (entry.id, Settlement::Delivered)).collect();
        self.settle(lease.token, delivered).await;
        lease.entries.into_iter().map(|entry| entry.event).collect()
    }

    pub(super) async fn picture(&self, job: JobId) -> Picture {
        let depth = self.store.outbox_depth().await.expect("the store answers");
        let (view, kept) = (self.view(job).await, self.kept(job).await);
        Picture { view, kept, waiting: depth.pending, dead: depth.dead }
    }

    /// Asks the store whether its own books are right.
    pub(super) async fn finds_nothing_amiss(&self) {
        let found = self.store.verify().await.expect("the store verifies itself");
        assert!(found.is_empty(), "verification finds nothing amiss, but: {found:?}");
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn in_a_minute(&self) -> Option<Timestamp> {
        Some(self.now().after(MINUTE))
    }
}
