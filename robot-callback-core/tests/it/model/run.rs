//! Runs a sequence on a store and on the model side by side, and compares them after every step.

use std::collections::HashSet;
use std::time::Duration;

use proptest::sample::Index;
use robot_callback_core::conformance::World;
use robot_callback_core::{
    Allowance, Amount, Claim, Clock, Creation, Deadline, EntryId, Item, ItemId, KeptQuery, Lease, LeaseToken,
    NewJob, NewOrder, Operation, Order, OrderId, Outcome, PageRequest, Settlement, WorkspaceId,
};

use super::expected::{EntryState, Expected, ExpectedItem};
use super::op::{Due, Ending, Named, Op, Said};

const LEASE: Duration = Duration::from_secs(60);
const RETRY_AFTER: Duration = Duration::from_secs(5);
const REPEAT_AFTER: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(90);

/// A store and its model, with what the relays in between know.
pub(super) struct Run {
    pub(super) world: World,
    pub(super) model: Expected,
    workspaces: [WorkspaceId; 2],
    /// The ids of the events that arrived, with repetitions.
    arrived: Vec<String>,
    /// Leases of relays that have not told yet what became of them.
    untold: Vec<Lease>,
}

/// Runs all of it, then lets everything leave that waits, and compares what arrived.
pub(super) async fn sequence(world: World, field_changes: bool, ops: Vec<Op>) {
    let model = Expected { field_changes, now: Some(world.clock.now()), ..Expected::default() };
    let workspaces = [WorkspaceId::random(), WorkspaceId::random()];
    let mut run = Run { world, model, workspaces, arrived: Vec::new(), untold: Vec::new() };
    for op in ops {
        run = run.step(op).await;
        run.compare().await;
    }
    run.drain().await;
}

impl Run {
    async fn step(mut self, op: Op) -> Self {
        match op {
            Op::Create { .. } => self.create(op).await,
            Op::Report { item, said, attempt } => self.report(&item, said, attempt).await,
            Op::ReportUnknownItem => {
                let applied = self.world.store.apply(Said::Success(0).of(ItemId::random())).await.unwrap();
                assert_eq!(applied, None, "there is no such item");
            }
            Op::Retry { job, only, run, due, key } => self.retry(&job, only, run, due, key).await,
            Op::SetDeadline { job, due } => {
                if let Some(job_id) = self.some_job(&job) {
                    let deadline = self.deadline(due);
                    self.operate(Operation::SetDeadline { job_id, deadline }, None).await;
                }
            }
            Op::Drop { entry } => self.drop_letter(&entry).await,
            Op::Acknowledge { job, run, key } => {
                if let Some(job_id) = self.some_job(&job) {
                    self.operate(Operation::Acknowledge { job_id, run }, key).await;
                }
            }
            Op::Advance { seconds } => self.advance(Duration::from_secs(seconds)),
            Op::Expire { limit } => self.expire(limit).await,
            Op::Resolve { kept, accept } => self.resolve(&kept, accept).await,
            Op::Relay { limit, ending } => self.relay(limit, ending).await,
            Op::SettleAtLast => {
                if let Some(lease) = self.untold.pop() {
                    self.settle(&lease, &Settlement::Delivered).await;
                }
            }
            Op::Redrive { only } => {
                let seen: Vec<EntryId> = self.model.entries.iter().filter_map(|entry| entry.id).collect();
                let only = only.filter(|_| !seen.is_empty());
                let entries = only.map(|only| only.iter().map(|index| *index.get(&seen)).collect());
                self.operate(Operation::Redrive { entries }, None).await;
            }
            Op::Prune { limit } => self.prune(limit).await,
            Op::Restart if self.world.is_durable() => self.world = self.world.restarted().await,
            Op::Restart => {}
        }
        self
    }

    fn advance(&mut self, span: Duration) {
        self.world.clock.advance(span);
        self.model.now = Some(self.world.clock.now());
    }

    fn deadline(&self, due: Due) -> Deadline {
        match due {
            Due::Never => Deadline::Never,
            Due::In(seconds) => Deadline::At(self.world.clock.now().after(Duration::from_secs(seconds))),
            Due::Each(seconds) => {
                let per_order = Duration::from_secs(seconds);
                Deadline::Within(Allowance { per_order, plus: Duration::from_secs(1) })
            }
        }
    }

    async fn create(&mut self, op: Op) {
        let Op::Create { orders, known_order, job_type, workspace, key, due } = op else { return };
        let workspace_id = self.workspaces[workspace];
        let fresh: Vec<Order> = (0..orders).map(|_| order(workspace_id)).collect();
        let known = known_order.filter(|_| !self.model.order_ids.is_empty());
        let known = known.map(|index| *index.get(&self.model.order_ids));
        let details = fresh.iter().map(|order| NewOrder::Details(Box::new(order.clone())));
        let job = NewJob {
            job_type,
            idempotency_key: key.map(|key| key.to_string()),
            deadline: self.deadline(due),
            ..NewJob::of_orders(workspace_id, known.map(NewOrder::Existing).into_iter().chain(details))
        };
        let creation = self.world.store.create_job(job.clone()).await.unwrap();
        let made_before = key.and_then(|key| self.model.keys.get(&(workspace, key)).copied());
        let foreign = known.is_some_and(|known| self.model.orders[&known].workspace_id != workspace_id);
        match (made_before, foreign) {
            (Some(before), _) => assert_eq!(creation, Creation::Existing(before), "a key makes one job"),
            (None, true) => assert!(matches!(creation, Creation::Refused(_)), "a foreign order is refused"),
            (None, false) => {
                assert_eq!(creation, Creation::Created(job.id), "a job of good orders is made");
                self.model.keys.extend(key.map(|key| ((workspace, key), job.id)));
                self.model.create(job, fresh);
            }
        }
    }

    async fn report(&mut self, item: &Index, said: Said, attempt: Named) {
        if self.model.items.is_empty() {
            return;
        }
        let item = item.get(&self.model.items);
        let report = said.of(item.id);
        let report = match attempt {
            Named::None => report,
            Named::TheOpenOne => report.for_attempt(item.attempt),
            Named::AnEarlierOne => report.for_attempt((item.attempt - 1).max(1)),
            Named::ALaterOne => report.for_attempt(item.attempt + 1),
        };
        let expected = self.model.report(&report);
        let applied = self.world.store.apply(report).await.unwrap();
        assert_eq!(applied, Some(expected), "the verdict and its effects are the model's");
    }

    async fn retry(
        &mut self,
        job: &Index,
        only: Option<Vec<Index>>,
        run: Option<u32>,
        due: Due,
        key: Option<u8>,
    ) {
        let Some(job_id) = self.some_job(job) else { return };
        let named = |index: Index| index.get(&self.model.items).id;
        let items: Option<Vec<ItemId>> = only.map(|only| only.into_iter().map(named).collect());
        let deadline = self.deadline(due);
        self.operate(Operation::Retry { job_id, items, run, deadline }, key).await;
    }

    async fn expire(&mut self, limit: usize) {
        let overdue = self.model.overdue();
        let expired = self.world.store.expire(limit).await.unwrap();
        assert_eq!(expired.len(), overdue.len().min(limit), "as many jobs expire as are overdue");
        assert_eq!(HashSet::<_>::from_iter(&expired).len(), expired.len(), "each once");
        for job in expired {
            assert!(overdue.contains(&job), "no job expires that is not overdue");
            self.model.expire(job);
        }
    }

    /// One step of a relay that ends like that.
    async fn relay(&mut self, limit: usize, ending: Ending) {
        let lease = self.claim(limit).await;
        let lands =
            !matches!(ending, Ending::FailsBeforeLanding | Ending::Refused | Ending::DiesBeforeLanding);
        if lands {
            self.arrived.extend(lease.entries.iter().map(|entry| entry.event.id.clone()));
        }
        let reason = "told so by the test".to_owned();
        match ending {
            Ending::Delivered => self.settle(&lease, &Settlement::Delivered).await,
            Ending::Repeated => self.settle(&lease, &Settlement::Repeat { after: REPEAT_AFTER }).await,
            Ending::Refused => self.settle(&lease, &Settlement::Dead { reason }).await,
            Ending::FailsBeforeLanding | Ending::FailsAfterLanding => {
                self.settle(&lease, &Settlement::Again { after: RETRY_AFTER, reason }).await;
            }
            Ending::DiesBeforeLanding | Ending::DiesAfterLanding => {}
            Ending::SettlesLate => self.untold.push(lease),
        }
    }

    async fn claim(&mut self, limit: usize) -> Lease {
        let now = self.world.clock.now();
        let lease = self.world.store.claim(Claim { limit, lease: LEASE }).await.unwrap();
        assert_eq!(lease.entries.len(), self.model.due().min(limit), "a claim gives what is due");
        let mut last: EntryId = EntryId::MIN;
        for entry in &lease.entries {
            assert!(entry.id > last, "a claim gives entries in the order they were recorded, each once");
            last = entry.id;
            let known = self.model.entry(&entry.event.id);
            assert!(known.turn().is_some_and(|(at, _)| at <= now), "only what is due is given");
            assert!(known.id.is_none_or(|id| id == entry.id), "under the number it has");
            known.id = Some(entry.id);
            assert_eq!(entry.failures, known.failures, "failures are counted");
            assert_eq!(entry.deliveries, known.deliveries, "and so are deliveries");
            let data: serde_json::Value = serde_json::from_str(entry.event.data.get()).unwrap();
            for (key, value) in known.says.as_object().unwrap() {
                assert_eq!(data.get(key), Some(value), "{}: {key}", entry.event.id);
            }
            known.hold(now.after(LEASE), lease.token);
        }
        lease
    }

    async fn settle(&mut self, lease: &Lease, settlement: &Settlement) {
        let told: Vec<(EntryId, Settlement)> =
            lease.entries.iter().map(|entry| (entry.id, settlement.clone())).collect();
        let token: LeaseToken = lease.token;
        self.world.store.settle(token, told).await.unwrap();
        for entry in &lease.entries {
            self.model.settle(token, &entry.event.id, settlement);
        }
    }

    /// Which of those that could be forgotten are is the store's choice when the limit is lower; so the model
    /// forgets all or nothing.
    async fn prune(&mut self, limit: usize) {
        let old = self.model.prunable(RETENTION);
        let first = self.world.store.prune(RETENTION, limit).await.unwrap();
        assert_eq!(first, old.len().min(limit), "pruning honours its limit");
        let rest = self.world.store.prune(RETENTION, 1_000).await.unwrap();
        assert_eq!(first + rest, old.len(), "what was delivered long ago is forgotten, and no more");
        for place in old {
            self.model.entries[place].state = EntryState::Pruned;
        }
    }

    /// The store's rows are the model's.
    async fn compare(&self) {
        let store = &self.world.store;
        for id in self.model.jobs.keys() {
            let view = store.job(*id).await.unwrap().expect("a job that was made stays");
            assert_eq!(view.job, self.model.job_row(*id), "the job's row is the model's");
            assert_eq!(view.items.len(), self.model.items_of(*id).count(), "no item is lost or added");
            for (view, expected) in view.items.iter().zip(self.model.items_of(*id)) {
                same_item(&view.item, expected);
                assert_eq!(view.order.as_ref(), self.model.orders.get(&expected.order), "the order's row");
            }
            let query = KeptQuery { job: Some(*id), page: PageRequest::first(1_000), open: false };
            let mut kept = store.kept_reports(query).await.unwrap().rows;
            kept.iter_mut().for_each(|kept| kept.id = 0);
            let expected: Vec<_> =
                self.model.kept.iter().filter(|kept| kept.job_id == *id).cloned().collect();
            assert_eq!(kept, expected, "the kept reports are the model's");
        }
        self.compare_outbox().await;
        self.compare_lists().await;
        let amiss = store.verify().await.unwrap();
        assert!(amiss.is_empty(), "verification finds nothing amiss, but: {amiss:?}");
    }

    async fn compare_outbox(&self) {
        let depth = self.world.store.outbox_depth().await.unwrap();
        let waiting = |state: &EntryState| matches!(state, EntryState::Due(..));
        let count = |of: fn(&EntryState) -> bool| {
            u64::try_from(self.model.entries.iter().filter(|entry| of(&entry.state)).count()).unwrap()
        };
        assert_eq!(depth.pending, count(|state| matches!(state, EntryState::Due(..))), "as much waits");
        assert_eq!(depth.dead, count(|state| *state == EntryState::Dead), "as much is dead");
        let oldest = self.model.entries.iter().find(|entry| waiting(&entry.state));
        assert_eq!(depth.oldest, oldest.map(|entry| entry.recorded_at), "it waits since then");
    }

    /// In the end everything arrives, and nothing else.
    async fn drain(mut self) {
        self.operate(Operation::Redrive { entries: None }, None).await;
        self.walk_jobs().await;
        self.advance(LEASE);
        while self.model.due() > 0 {
            self.relay(50, Ending::Delivered).await;
        }
        self.compare().await;
        let depth = self.world.store.outbox_depth().await.unwrap();
        assert_eq!((depth.pending, depth.dead), (0, 0), "in the end nothing waits");
        let arrived: HashSet<String> = self.arrived.into_iter().collect();
        let dropped = self.model.entries.iter().filter(|entry| entry.state == EntryState::Dropped);
        let dropped: HashSet<String> = dropped.map(|entry| entry.event_id.clone()).collect();
        assert!(arrived.is_subset(&self.model.recorded), "no event arrives that was not recorded");
        let missing: HashSet<String> = self.model.recorded.difference(&arrived).cloned().collect();
        assert!(missing.is_subset(&dropped), "every event recorded arrives, but for those that were dropped");
    }
}

fn same_item(item: &Item, expected: &ExpectedItem) {
    let end = expected.end.as_ref().map(|(report, _)| report);
    assert_eq!((item.id, item.job_id), (expected.id, expected.job), "the item is the model's");
    assert_eq!(item.order_id, Some(expected.order), "its order is the model's");
    assert_eq!((item.status, item.attempt), (expected.status(), expected.attempt), "{}", item.id);
    assert_eq!(item.tracking_number, end.and_then(|report| report.tracking_number.clone()), "its number");
    assert_eq!(item.error_type, end.and_then(|report| report.error_type), "its error");
    assert_eq!(item.error_message, end.and_then(|report| report.error_message.clone()), "its message");
    assert_eq!(item.completed_at, expected.end.as_ref().map(|(_, at)| *at), "when it ended");
    assert_eq!(item.expired, expected.expired, "whether the deadline closed it");
    assert!(end.is_none_or(|end| end.outcome == Outcome::Success || item.error_type.is_some()));
}

fn order(workspace_id: WorkspaceId) -> Order {
    Order {
        id: OrderId::random(),
        workspace_id,
        contact: None,
        name: Some("#1001".into()),
        description: None,
        total_value: Amount::from_hundredths(8_990_000).unwrap(),
        carrier: None,
        tracking_number: None,
        carrier_guide_number: None,
        shipping_address: None,
        shipping_city: Some("CALI".into()),
        shipping_department: None,
    }
}
