//! The relay: claims what is due in the outbox, sends it, settles what became of it, until told to stop.
//!
//! Where it runs, nothing else sends an event again. A transient failure is retried for as long as it takes; a permanent one
//! becomes a dead letter. Whatever dies in between, the lease runs out and the entry is due again: delivered at
//! least once, under an id that never changes.

mod flights;
mod silence;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use self::flights::Flights;
use self::silence::Silence;
use crate::backoff::Backoff;
use crate::delivery::{self, Step};
use crate::emitter::{EmitError, Emitter};
use crate::error::{StoreError, chain};
use crate::event::Event;
use crate::metrics;
use crate::outbox::{Claim, Lease};
use crate::repeats::Repeats;
use crate::store::Store;

const TIDY_EVERY: Duration = Duration::from_secs(60);
/// In small pieces, since callbacks wait for the database meanwhile, but more of them than ever come: 10,000 a second.
const TIDY_LIMIT: usize = 1_000;
const TIDY_ON: Duration = Duration::from_millis(100);

/// How a relay works. The defaults suit a server on its own.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// The most events sent together. Default: 200.
    pub batch: usize,
    /// The most batches on their way at once: a second one leaves while the first is not answered yet when there is
    /// enough to fill it. Default: 8.
    pub in_flight: usize,
    /// How long claimed entries are out of others' reach. Default: 60 seconds.
    pub lease: Duration,
    /// When a send is given up and tried again later; kept below `lease`, so that nobody else has begun by then.
    /// Default: 40 seconds.
    pub send_timeout: Duration,
    /// How long to sleep when nothing is due and nobody wakes the relay. Default: 1 second.
    pub poll: Duration,
    /// The waits between tries, on top of what the receiver asks for. Default: up to 1 second after the first failure,
    /// doubling up to 5 minutes.
    pub backoff: Backoff,
    /// When a completion is sent again, for receivers that began to wait too late. Default: never.
    pub repeats: Repeats,
    /// How long delivered entries are kept to look at. Default: 7 days.
    pub retention: Duration,
    /// The seed of the jitter; the same seed gives the same waits. Default: random.
    pub seed: u64,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            batch: 200,
            in_flight: 8,
            lease: Duration::from_secs(60),
            send_timeout: Duration::from_secs(40),
            poll: Duration::from_secs(1),
            backoff: Backoff::default(),
            repeats: Repeats::NONE,
            retention: Duration::from_secs(7 * 24 * 3600),
            seed: fastrand::u64(..),
        }
    }
}

/// Carries a store's outbox to an emitter.
///
/// ```
/// # use std::sync::Arc;
/// # use robot_callback_core::{LogEmitter, MemoryStore, Relay};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let relay = Relay::new(Arc::new(MemoryStore::new()), Arc::new(LogEmitter));
/// let emitter = relay.emitter(); // for `handle_callback`: it wakes the relay
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let running = tokio::spawn(relay.run(async { _ = stopped.await }));
/// // … handle callbacks …
/// drop(stop);
/// running.await.unwrap(); // what was claimed is settled by now
/// # });
/// ```
pub struct Relay {
    store: Arc<dyn Store>,
    emitter: Arc<dyn Emitter>,
    options: RelayOptions,
    announced: Arc<Announced>,
    silence: Silence,
    rng: Mutex<fastrand::Rng>,
}

impl Relay {
    /// A relay with the default options.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, emitter: Arc<dyn Emitter>) -> Self {
        Self::with_options(store, emitter, RelayOptions::default())
    }

    /// A relay with options of its own.
    #[must_use]
    pub fn with_options(store: Arc<dyn Store>, emitter: Arc<dyn Emitter>, options: RelayOptions) -> Self {
        let rng = Mutex::new(fastrand::Rng::with_seed(options.seed));
        Self { store, emitter, options, announced: Arc::default(), silence: Silence::default(), rng }
    }

    /// The emitter to hand to [`handle_callback`](crate::handle_callback): it wakes this relay.
    #[must_use]
    pub fn emitter(&self) -> RelayEmitter {
        RelayEmitter { inner: self.emitter.clone(), announced: self.announced.clone() }
    }

    /// Works until `shutdown` resolves; then finishes the batches at hand, so that nothing is left half told.
    ///
    /// When nothing of a batch was taken and its receiver asks for time ([`EmitError::Transient`]), no other batch is
    /// claimed or sent until then, whatever becomes due.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut tidying = tokio::time::interval(TIDY_EVERY);
        tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let relay = Arc::new(self);
        let mut flights = Flights::default();
        loop {
            // Registered before looking: a wake-up between the look and the sleep is not missed.
            let woken = relay.announced.wake.notified();
            let pause = flights.look(&relay).await;
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                _ = tidying.tick() => if relay.tidy().await { tidying.reset_after(TIDY_ON) },
                () = flights.landed(&relay) => {}
                () = woken, if flights.rest(&relay).is_none() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        flights.land().await;
        relay.give_back().await;
    }

    /// Sends what is due, one batch at most, and settles it; also when the receiver has just asked for time.
    ///
    /// # Errors
    /// The store's. Entries that were claimed by then are due again when their lease runs out.
    pub async fn step(&self) -> Result<Step, StoreError> {
        let lease = self.claim().await?;
        if lease.entries.is_empty() {
            return Ok(Step::default());
        }
        self.deliver(lease).await
    }

    async fn claim(&self) -> Result<Lease, StoreError> {
        self.store.claim(self.wanted()).await
    }

    fn handed_over(&self) -> Option<Lease> {
        self.store.handed_over(self.wanted())
    }

    fn wanted(&self) -> Claim {
        Claim { limit: self.options.batch, lease: self.options.lease }
    }

    async fn deliver(&self, lease: Lease) -> Result<Step, StoreError> {
        let (entries, events) = delivery::parted(lease.entries);
        let events = Arc::new(events);
        let outcomes = self.send(events.clone()).await;
        if self.silence.heard(&outcomes) {
            self.give_back().await;
        }
        let RelayOptions { repeats, backoff, .. } = self.options;
        let settlements =
            delivery::settlements(&entries, &events, outcomes, repeats, backoff, &mut self.rng());
        let step = Step::of(&entries, &settlements);
        metrics::relayed(step);
        self.store.settle(lease.token, settlements).await?;
        Ok(step)
    }

    /// What the store keeps for this relay, anybody may have.
    async fn give_back(&self) {
        if let Err(error) = self.store.give_back().await {
            tracing::warn!(error = chain(&error), "what was kept for this relay is due when its lease ends");
        }
    }

    /// In a task of its own, so that an emitter that hangs or panics fails a batch and not the relay.
    async fn send(&self, events: Arc<Vec<Event>>) -> Vec<Result<(), EmitError>> {
        let count = events.len();
        let emitter = self.emitter.clone();
        let mut sending = tokio::spawn(async move { emitter.emit(&events).await });
        let cause = match tokio::time::timeout(self.options.send_timeout, &mut sending).await {
            Ok(Ok(outcomes)) if outcomes.len() == count => return outcomes,
            Ok(Ok(outcomes)) => format!("the emitter answered for {} events of {count}", outcomes.len()),
            Ok(Err(panic)) => format!("the emitter failed: {panic}"),
            Err(_) => {
                sending.abort();
                format!("the emitter did not end within {:?}", self.options.send_timeout)
            }
        };
        tracing::error!(cause, "the emitter broke its contract");
        (0..count).map(|_| Err(EmitError::transient(cause.clone()))).collect()
    }

    fn wait_after_store_failure(&self, failures: u32) -> Duration {
        const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) };
        BACKOFF.wait(failures, &mut self.rng())
    }

    fn rng(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was delivered long ago, a bounded number at a time. Says whether there may be more.
    async fn tidy(&self) -> bool {
        match self.store.prune(self.options.retention, TIDY_LIMIT).await {
            Ok(forgotten) => forgotten >= TIDY_LIMIT,
            Err(error) => {
                tracing::warn!(error = chain(&error), "delivered entries could not be pruned");
                false
            }
        }
    }
}

/// A relay's emitter, for [`handle_callback`](crate::handle_callback): announcing wakes the relay.
#[derive(Clone)]
pub struct RelayEmitter {
    inner: Arc<dyn Emitter>,
    announced: Arc<Announced>,
}

/// What the relay was told since it looked last: that something may be due, and by how many.
#[derive(Default)]
struct Announced {
    wake: Notify,
    times: AtomicUsize,
}

impl RelayEmitter {
    /// Wakes the relay: something may be due.
    pub fn wake(&self) {
        self.announced.times.fetch_add(1, Ordering::Relaxed);
        self.announced.wake.notify_one();
    }
}

#[async_trait]
impl Emitter for RelayEmitter {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        self.inner.emit(events).await
    }

    async fn announce(&self, _store: &dyn Store) {
        self.wake();
    }
}
