//! What a law is tried on: an empty store, and the clock it goes by.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::clock::ManualClock;
use crate::id::OrderId;
use crate::store::OperatorStore;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Reopen = Box<dyn Fn() -> Boxed<Arc<dyn OperatorStore>> + Send + Sync>;
type LoseOrder = Box<dyn Fn(OrderId) -> Boxed<()> + Send + Sync>;

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
    reopen: Option<Reopen>,
    lose_order: Option<LoseOrder>,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

impl World {
    /// A world of that store, which goes by that clock.
    #[must_use]
    pub fn new(store: Arc<dyn OperatorStore>, clock: Arc<ManualClock>) -> Self {
        Self { store, clock, reopen: None, lose_order: None, guards: Vec::new() }
    }

    /// A world that can be restarted: `reopen` opens what the store before it left behind. Needed for the laws of
    /// durable stores.
    #[must_use]
    pub fn reopened_by<F>(mut self, reopen: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Arc<dyn OperatorStore>> + Send + 'static,
    {
        self.reopen = Some(Box::new(move || Box::pin(reopen())));
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

    /// Drops the store and opens what it left behind.
    ///
    /// # Panics
    /// When the world was made without [`reopened_by`](Self::reopened_by).
    #[must_use]
    pub async fn restarted(self) -> Self {
        let Self { store, clock, reopen, lose_order, guards } = self;
        let reopen = reopen.expect("the laws of durable stores need a world made with `reopened_by`");
        drop(store);
        let store = reopen().await;
        Self { store, clock, reopen: Some(reopen), lose_order, guards }
    }

    /// Deletes an order behind the store's back; says whether this world can.
    pub(super) async fn lose_order(&self, order: OrderId) -> bool {
        let Some(lose) = &self.lose_order else { return false };
        lose(order).await;
        true
    }
}

/// Runs one law to its end, on a runtime of its own with several threads.
///
/// # Panics
/// When the law is broken, or the machine can't start a runtime.
pub fn run(law: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a machine that runs tests can start a runtime").block_on(law);
}
