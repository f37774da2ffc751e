//! A store that counts what it is asked, and is out of reach when told so; and a clock that goes by tokio's time.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Applied, Claim, Clock, Creation, EntryId, ItemId, JobId, Lease, LeaseToken, MemoryStore, NewJob,
    NewOrder, OperatorStore, Order, OrderId, Report, Rules, Settlement, Store, StoreError, Timestamp,
    WorkspaceId,
};
use tokio::time::Instant;

/// Where a paused runtime's time stands: leases and waits run out when the test's time does.
pub(crate) struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000).after(self.0.elapsed())
    }
}

pub(crate) struct Watched {
    pub(crate) store: MemoryStore,
    /// How many calls of any kind it got.
    pub(crate) calls: AtomicUsize,
    pub(crate) claims: AtomicUsize,
    pub(crate) prunes: AtomicUsize,
    /// So many entries that were delivered long ago it has beside those that it knows.
    pub(crate) old: AtomicUsize,
    pub(crate) given_back: AtomicUsize,
    /// Whether it hands over what is due, to whoever asks for that.
    pub(crate) hands_over: AtomicBool,
    /// So many of the next calls of that kind fail, and nothing happens.
    pub(crate) failing_applies: AtomicUsize,
    pub(crate) failing_claims: AtomicUsize,
    pub(crate) failing_settles: AtomicUsize,
}

impl Watched {
    pub(crate) fn new() -> Arc<Self> {
        let store = MemoryStore::with(Arc::new(TokioClock(Instant::now())), Rules::default());
        let zero = AtomicUsize::default;
        Arc::new(Self {
            store,
            calls: zero(),
            claims: zero(),
            prunes: zero(),
            old: zero(),
            given_back: zero(),
            hands_over: AtomicBool::default(),
            failing_applies: zero(),
            failing_claims: zero(),
            failing_settles: zero(),
        })
    }

    /// A job of so many orders; its items.
    pub(crate) async fn job(&self, orders: usize) -> (JobId, Vec<ItemId>) {
        let workspace_id = WorkspaceId::random();
        let details = || NewOrder::Details(Box::new(order(workspace_id)));
        let job = NewJob::of_orders(workspace_id, (0..orders).map(|_| details()));
        let items = job.items.iter().map(|item| item.id).collect();
        let Creation::Created(id) = self.store.create_job(job).await.unwrap() else { panic!("it is made") };
        (id, items)
    }

    /// So many events in the outbox, none of them announced to anybody; their ids, sorted.
    pub(crate) async fn events(&self, count: usize) -> Vec<String> {
        let (_, items) = self.job(count + 1).await;
        for item in &items[..count] {
            self.store.apply(Report::success(*item, "73150001234")).await.unwrap();
        }
        let mut ids: Vec<String> =
            items[..count].iter().map(|item| format!("robot.coord.completed:{item}:1")).collect();
        ids.sort();
        ids
    }

    fn called(&self, failing: &AtomicUsize) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let fails = failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_ok() { Err(StoreError::unavailable("told to fail")) } else { Ok(()) }
    }
}

/// What a store in memory answers without waiting for anything.
pub(crate) fn at_once<T>(answer: impl Future<Output = T>) -> T {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits for something"),
    }
}

fn order(workspace_id: WorkspaceId) -> Order {
    Order {
        id: OrderId::random(),
        workspace_id,
        contact: None,
        name: None,
        description: None,
        total_value: robot_callback_core::Amount::default(),
        carrier: None,
        tracking_number: None,
        carrier_guide_number: None,
        shipping_address: None,
        shipping_city: None,
        shipping_department: None,
    }
}

#[async_trait]
impl Store for Watched {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        self.called(&self.failing_applies)?;
        self.store.apply(report).await
    }

    async fn claim(&self, claim: Claim) -> Result<Lease, StoreError> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        self.called(&self.failing_claims)?;
        self.store.claim(claim).await
    }

    fn handed_over(&self, claim: Claim) -> Option<Lease> {
        if !self.hands_over.load(Ordering::SeqCst) {
            return None;
        }
        let lease = at_once(self.store.claim(claim)).unwrap();
        Some(lease).filter(|lease| !lease.entries.is_empty())
    }

    async fn give_back(&self) -> Result<(), StoreError> {
        self.given_back.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError> {
        self.called(&self.failing_settles)?;
        self.store.settle(lease, settlements).await
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        self.prunes.fetch_add(1, Ordering::SeqCst);
        let old = self.old.load(Ordering::SeqCst).min(limit);
        self.old.fetch_sub(old, Ordering::SeqCst);
        Ok(old + self.store.prune(older_than, limit - old).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
