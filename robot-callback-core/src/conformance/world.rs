//! What a law is tried on: an empty store, and the clock it goes by.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::clock::ManualClock;
use crate::id::{JobId, OrderId, WorkspaceId};
use crate::store::OperatorStore;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Reopen = Box<dyn Fn() -> Boxed<Arc<dyn OperatorStore>> + Send + Sync>;
/// What somebody else does behind the store's back.
type Deed<T> = Box<dyn Fn(T) -> Boxed<()> + Send + Sync>;

/// An empty store of one's own for one law, and the clock it goes by.
///
/// ```
/// # use std::sync::Arc;
/// # use robot_callback_core::conformance::World;
/// # use robot_callback_core::{ManualClock, MemoryStore, Rules};
/// async fn world(rules: Rules) -> World {
///     let clock = Arc::new(ManualClock::default());
///     World::new(Arc::new(MemoryStore::with(clock.clone(), rules)), clock)
/// }
/// # _ = world(Rules::default());
/// ```
pub struct World {
    /// The store. Nothing was recorded in it yet.
    pub store: Arc<dyn OperatorStore>,
    /// The clock the store goes by. It stands still unless a law moves it.
    pub clock: Arc<ManualClock>,
    /// Stores that were left as a killed process leaves them: they are closed when the law is over.
    left: Vec<Arc<dyn OperatorStore>>,
    closes_first: bool,
    reopen: Option<Reopen>,
    lose_order: Option<Deed<OrderId>>,
    move_order: Option<Deed<(OrderId, WorkspaceId)>>,
    miscount: Option<Deed<JobId>>,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

impl World {
    /// A world of that store, which goes by that clock.
    #[must_use]
    pub fn new(store: Arc<dyn OperatorStore>, clock: Arc<ManualClock>) -> Self {
        let (left, closes_first, guards) = (Vec::new(), false, Vec::new());
        let (reopen, lose_order, move_order, miscount) = (None, None, None, None);
        Self { store, clock, left, closes_first, reopen, lose_order, move_order, miscount, guards }
    }

    /// A world that can be restarted: `reopen` opens what the store before it left behind. Needed for the laws of
    /// durable stores. The store before it is still there, as if its process had been killed: what it would write when
    /// it is closed comes too late.
    #[must_use]
    pub fn reopened_by<F>(mut self, reopen: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<dyn OperatorStore>> + Send + 'static,
    {
        self.reopen = Some(Box::new(move || Box::pin(reopen())));
        self
    }

    /// A world whose store has its place for itself, so that a restart closes it before it opens the next. Then no law
    /// can tell whether the store writes before it is closed.
    #[must_use]
    pub fn closing_first(mut self) -> Self {
        self.closes_first = true;
        self
    }

    /// A world in which somebody else can delete an order behind the store's back. Without it, no law asks what
    /// the store does when an order is gone.
    #[must_use]
    pub fn losing_orders_by<F>(mut self, lose: impl Fn(OrderId) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.lose_order = Some(Box::new(move |order| Box::pin(lose(order))));
        self
    }

    /// A world in which somebody else can give an order to another workspace behind the store's back. Without it, no
    /// law asks what the store does with another workspace's order.
    #[must_use]
    pub fn moving_orders_by<F>(
        mut self,
        move_order: impl Fn(OrderId, WorkspaceId) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.move_order = Some(Box::new(move |(order, to)| Box::pin(move_order(order, to))));
        self
    }

    /// A world in which somebody else can add 1 to a job's `success_count` behind the store's back. Without it, no law
    /// asks whether verification finds anything.
    #[must_use]
    pub fn miscounting_by<F>(mut self, miscount: impl Fn(JobId) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.miscount = Some(Box::new(move |job| Box::pin(miscount(job))));
        self
    }

    /// The same world, which keeps `guard` (a temporary folder, say) for as long as it is there.
    #[must_use]
    pub fn holding(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Whether this world can be restarted.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.reopen.is_some()
    }

    /// Opens what the store has left behind so far. The store itself is not closed before the world is gone, unless the
    /// world is one that is [closing first](Self::closing_first).
    ///
    /// # Panics
    /// When the world was made without [`reopened_by`](Self::reopened_by).
    #[must_use]
    pub async fn restarted(self) -> Self {
        let Self { store, mut left, closes_first, reopen, .. } = self;
        let reopen = reopen.expect("the laws of durable stores need a world made with `reopened_by`");
        if closes_first {
            drop(store);
        } else {
            left.push(store);
        }
        let store = reopen().await;
        Self { store, left, reopen: Some(reopen), ..self }
    }

    /// Deletes an order behind the store's back; says whether this world can.
    pub(super) async fn lose_order(&self, order: OrderId) -> bool {
        done(self.lose_order.as_ref(), order).await
    }

    /// Gives an order to that workspace behind the store's back; says whether this world can.
    pub(super) async fn move_order(&self, order: OrderId, to: WorkspaceId) -> bool {
        done(self.move_order.as_ref(), (order, to)).await
    }

    /// Adds 1 to a job's `success_count` behind the store's back; says whether this world can.
    pub(super) async fn miscount(&self, job: JobId) -> bool {
        done(self.miscount.as_ref(), job).await
    }
}

async fn done<T>(deed: Option<&Deed<T>>, to: T) -> bool {
    let Some(deed) = deed else { return false };
    deed(to).await;
    true
}

/// Runs one law to its end, on a runtime of its own with several threads.
///
/// # Panics
/// When the law is broken, or the machine can't start a runtime.
pub fn run(law: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a machine that runs tests can start a runtime").block_on(law);
}
