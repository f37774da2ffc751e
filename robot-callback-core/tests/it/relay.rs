//! What the relay promises, in tokio's paused time: hours pass in a moment, and nothing depends on the machine.

use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Actor, Backoff, Claim, Command, EmitError, Emitter, Event, Failure, LetterQuery, Operation,
    OperatorStore, RecordingEmitter, Relay, RelayEmitter, RelayOptions, Repeats, Report, Store,
};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::watched::Watched;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const PATIENT: RelayOptions = RelayOptions {
    batch: 200,
    in_flight: 8,
    lease: Duration::from_secs(60),
    send_timeout: Duration::from_secs(40),
    poll: Duration::from_secs(1),
    backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(300) },
    repeats: Repeats::NONE,
    retention: HOUR,
    seed: 7,
};

/// A relay at work.
pub(crate) struct Running {
    pub(crate) emitter: RelayEmitter,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

pub(crate) fn start(store: &Arc<Watched>, emitter: Arc<dyn Emitter>, options: RelayOptions) -> Running {
    let relay = Relay::with_options(store.clone(), emitter, options);
    let emitter = relay.emitter();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(relay.run(async { _ = stopped.await }));
    Running { emitter, stop, task }
}

impl Running {
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("a relay ends by itself");
    }
}

/// Waits until it is so, a day of the test's time at most; says how long that took.
async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < 24 * HOUR, "it never becomes so");
        let fine = begun.elapsed() < Duration::from_secs(10);
        sleep(Duration::from_millis(if fine { 5 } else { 500 })).await;
    }
    begun.elapsed()
}

async fn waiting(store: &Watched) -> u64 {
    store.store.outbox_depth().await.unwrap().pending
}

pub(crate) async fn until_nothing_waits(store: &Watched) -> Duration {
    until(|| async { waiting(store).await == 0 }).await
}

/// An emitter of one trick, until it has been done `left` times; then it takes everything.
pub(crate) struct Tricky<T> {
    trick: T,
    left: AtomicUsize,
    taken: RecordingEmitter,
}

pub(crate) fn tricky<T>(times: usize, trick: T) -> Arc<Tricky<T>> {
    Arc::new(Tricky { trick, left: AtomicUsize::new(times), taken: RecordingEmitter::new() })
}

#[async_trait]
impl<T, F> Emitter for Tricky<T>
where
    T: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<Result<(), EmitError>>> + Send,
{
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        let again = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if again.is_ok() { (self.trick)(events.len()).await } else { self.taken.emit(events).await }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_delivers_without_waiting_for_the_poll() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let relay = start(&store, emitter.clone(), RelayOptions { poll: HOUR, ..PATIENT });
    sleep(Duration::from_secs(1)).await; // it has looked once by now, and sleeps
    let ids = store.events(2).await;
    assert!(emitter.events().is_empty(), "nobody told it yet");
    relay.emitter.announce(&*store).await;
    let took = until_nothing_waits(&store).await;
    assert!(took < Duration::from_secs(1), "a wake-up delivers at once, not after {took:?}");
    assert_eq!(emitter.distinct_ids(), ids, "all of it");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_while_the_relay_is_busy_is_not_missed() {
    let gate = Arc::new(Semaphore::new(0));
    let store = Watched::new();
    store.events(1).await;
    let closed = gate.clone();
    let emitter = tricky(1, move |count| {
        let closed = closed.clone();
        async move {
            closed.acquire().await.expect("it stays open").forget();
            (0..count).map(|_| Ok(())).collect()
        }
    });
    let relay = start(&store, emitter.clone(), RelayOptions { poll: HOUR, ..PATIENT });
    until(|| async { emitter.left.load(Ordering::SeqCst) == 0 }).await;
    let ids = store.events(1).await;
    relay.emitter.wake();
    gate.add_permits(1);
    let took = until_nothing_waits(&store).await;
    assert!(took < Duration::from_secs(1), "what came meanwhile leaves next, not after {took:?}");
    assert_eq!(emitter.taken.distinct_ids(), ids);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_poll_finds_what_nobody_announced() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let poll = Duration::from_secs(5);
    let relay = start(&store, emitter.clone(), RelayOptions { poll, ..PATIENT });
    sleep(Duration::from_secs(1)).await;
    let ids = store.events(3).await;
    let took = until_nothing_waits(&store).await;
    assert!(took <= poll, "the poll finds it within {poll:?}, not {took:?}");
    assert_eq!(emitter.distinct_ids(), ids);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_for_as_long_as_it_takes() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let ids = store.events(1).await;
    emitter.fail_next(100);
    let relay = start(&store, emitter.clone(), PATIENT);
    let took = until_nothing_waits(&store).await;
    assert!(took > HOUR, "a hundred failures take their time: {took:?}");
    assert_eq!(emitter.distinct_ids(), ids, "it arrives in the end");
    assert_eq!(store.store.outbox_depth().await.unwrap().dead, 0, "patience makes no dead letter");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_answer_was_lost_is_sent_again_under_the_same_id() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let ids = store.events(2).await;
    emitter.script([Failure::AfterLanding]);
    let relay = start(&store, emitter.clone(), PATIENT);
    until_nothing_waits(&store).await;
    assert_eq!(emitter.events().len(), 4, "it arrives twice");
    assert_eq!(emitter.distinct_ids(), ids, "and is known by its id");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_becomes_a_dead_letter_and_leaves_when_redriven() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let (job, items) = store.job(1).await;
    emitter.refuse("automation/robot.coord.completed");
    let relay = start(&store, emitter.clone(), PATIENT);
    store.store.apply(Report::success(items[0], "73150001234")).await.unwrap();
    until_nothing_waits(&store).await;
    let completion = format!("robot/job.batch_completed:{job}:1");
    assert_eq!(emitter.distinct_ids(), [completion], "the event beside it leaves all the same");
    let letters = store.store.dead_letters(LetterQuery::default()).await.unwrap().rows;
    assert_eq!(letters.len(), 1, "the refused one is a dead letter");
    assert!(letters[0].reason.contains("scripted refusal"), "with the reason: {}", letters[0].reason);
    sleep(24 * HOUR).await;
    assert_eq!(emitter.events().len(), 1, "it leaves no more by itself");
    emitter.refuse_nothing();
    let redrive = Operation::Redrive { entries: Some(vec![letters[0].id]) };
    store.store.operate(Command::new(redrive, Actor::default())).await.unwrap().unwrap();
    until_nothing_waits(&store).await;
    assert_eq!(emitter.events()[1], letters[0].event, "redriven, it is delivered");
    relay.stop().await;
}

/// What a receiver answers that wants to be left alone for an hour.
pub(crate) fn busy(count: usize) -> std::future::Ready<Vec<Result<(), EmitError>>> {
    let busy = || EmitError::Transient { retry_after: Some(HOUR), cause: "busy".into() };
    std::future::ready((0..count).map(|_| Err(busy())).collect())
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_for_time_gets_it() {
    let store = Watched::new();
    store.events(1).await;
    let relay = start(&store, tricky(1, busy), PATIENT);
    let took = until_nothing_waits(&store).await;
    assert!(took >= HOUR, "it is left alone for as long as it asked, not {took:?}");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_a_receiver_wants_to_be_left_alone_nothing_else_is_claimed_or_sent() {
    let store = Watched::new();
    store.events(20).await;
    let emitter = tricky(1, busy);
    let relay = start(&store, emitter.clone(), RelayOptions { batch: 2, in_flight: 1, ..PATIENT });
    sleep(Duration::from_secs(1)).await;
    assert_eq!(emitter.left.load(Ordering::SeqCst), 0, "the first batch has met its answer");
    let claims = store.claims.load(Ordering::SeqCst);
    for _ in 0..50 {
        store.events(1).await;
        relay.emitter.wake();
        sleep(Duration::from_secs(60)).await;
    }
    assert!(emitter.taken.events().is_empty(), "no other batch is sent, whatever becomes due");
    assert_eq!(store.claims.load(Ordering::SeqCst), claims, "nor is it kept from anybody else");
    let took = until_nothing_waits(&store).await;
    assert!(
        took < Duration::from_secs(660),
        "and everything leaves when the time is over, not after {took:?}"
    );
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_some_of_a_batch_is_sent_the_next_one() {
    let store = Watched::new();
    store.events(4).await;
    let emitter = tricky(1, |count| async move {
        let mut outcomes = busy(count).await;
        outcomes[0] = Ok(());
        outcomes
    });
    let relay = start(&store, emitter.clone(), RelayOptions { batch: 2, in_flight: 1, ..PATIENT });
    sleep(Duration::from_secs(1)).await;
    assert_eq!(emitter.taken.events().len(), 2, "the other batch leaves");
    assert_eq!(waiting(&store).await, 1, "what was not taken waits");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_stops_though_its_receiver_wants_to_be_left_alone() {
    let store = Watched::new();
    store.events(1).await;
    let relay = start(&store, tricky(1, busy), PATIENT);
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    relay.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "it waits for nothing");
}

#[tokio::test(start_paused = true)]
async fn an_emitter_that_hangs_fails_a_batch_and_not_the_relay() {
    let store = Watched::new();
    let ids = store.events(2).await;
    let emitter = tricky(1, |_| std::future::pending());
    let relay = start(&store, emitter.clone(), PATIENT);
    let took = until_nothing_waits(&store).await;
    assert!(took >= PATIENT.send_timeout, "a send is given up after its time");
    assert!(took < PATIENT.lease, "and tried again before anybody else could");
    assert_eq!(emitter.taken.distinct_ids(), ids, "the relay goes on");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_emitter_that_panics_fails_a_batch_and_not_the_relay() {
    let store = Watched::new();
    let ids = store.events(2).await;
    let emitter = tricky(3, |_| async { panic!("an emitter panics, as it was told to") });
    let relay = start(&store, emitter.clone(), PATIENT);
    until_nothing_waits(&store).await;
    assert_eq!(emitter.taken.distinct_ids(), ids, "the relay goes on");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_emitter_that_answers_for_too_few_or_too_many_is_not_believed() {
    for answers in [0, 1, 3] {
        let store = Watched::new();
        let ids = store.events(2).await;
        let emitter = tricky(1, move |_| async move { (0..answers).map(|_| Ok(())).collect() });
        let relay = start(&store, emitter.clone(), PATIENT);
        until_nothing_waits(&store).await;
        assert_eq!(emitter.taken.distinct_ids(), ids, "all of them are sent again, after {answers} answers");
        relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_settles_what_was_claimed() {
    let store = Watched::new();
    store.events(2).await;
    let gate = Arc::new(Semaphore::new(0));
    let closed = gate.clone();
    let emitter = tricky(1, move |count| {
        let closed = closed.clone();
        async move {
            closed.acquire().await.expect("it stays open").forget();
            (0..count).map(|_| Ok(())).collect()
        }
    });
    let relay = start(&store, emitter.clone(), PATIENT);
    until(|| async { emitter.left.load(Ordering::SeqCst) == 0 }).await;
    let stopping = tokio::spawn(relay.stop());
    sleep(Duration::from_secs(1)).await;
    assert!(!stopping.is_finished(), "the batch at hand is finished first");
    assert_eq!(waiting(&store).await, 2, "it is not settled yet");
    gate.add_permits(1);
    stopping.await.unwrap();
    assert_eq!(waiting(&store).await, 0, "a clean stop settles what was claimed");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_asked_again_until_it_recovers() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let ids = store.events(2).await;
    store.failing_claims.store(50, Ordering::SeqCst);
    let relay = start(&store, emitter.clone(), PATIENT);
    until_nothing_waits(&store).await;
    assert_eq!(emitter.distinct_ids(), ids, "once it recovers, everything leaves");
    assert_eq!(emitter.events().len(), 2, "once");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_could_not_be_settled_is_sent_again_when_its_lease_is_over() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let ids = store.events(1).await;
    store.failing_settles.store(1, Ordering::SeqCst);
    let relay = start(&store, emitter.clone(), PATIENT);
    let took = until_nothing_waits(&store).await;
    assert!(took >= PATIENT.lease, "not before its lease is over");
    assert_eq!(emitter.events().len(), 2, "it arrives twice");
    assert_eq!(emitter.distinct_ids(), ids, "under one id");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_relay_held_is_delivered_when_its_lease_is_over() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let ids = store.events(2).await;
    let held = store.claim(Claim { limit: 1, lease: HOUR }).await.unwrap();
    let relay = start(&store, emitter.clone(), PATIENT);
    let took = until_nothing_waits(&store).await;
    assert!(took >= HOUR, "not before its lease is over");
    assert_eq!(emitter.distinct_ids(), ids, "nothing is lost with {:?}", held.token);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_leave_in_batches_one_after_the_other() {
    let store = Watched::new();
    let ids = store.events(7).await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let told = sizes.clone();
    let emitter = tricky(100, move |count| {
        told.lock().unwrap().push(count);
        async move { (0..count).map(|_| Ok(())).collect() }
    });
    let relay = start(&store, emitter, RelayOptions { batch: 3, poll: HOUR, ..PATIENT });
    let took = until_nothing_waits(&store).await;
    assert_eq!(*sizes.lock().unwrap(), [3, 3, 1], "{} events leave in batches", ids.len());
    assert!(took < Duration::from_secs(1), "without a pause while there is more to send");
    relay.stop().await;
}

/// An emitter that holds each batch until it is let go, and knows how many it holds.
struct Gate {
    let_go: Semaphore,
    held: AtomicUsize,
    sizes: Mutex<Vec<usize>>,
}

impl Gate {
    fn closed() -> Arc<Self> {
        Arc::new(Self { let_go: Semaphore::new(0), held: AtomicUsize::new(0), sizes: Mutex::default() })
    }

    async fn until_held(&self, batches: usize) {
        until(|| async { self.held.load(Ordering::SeqCst) == batches }).await;
    }
}

#[async_trait]
impl Emitter for Gate {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        self.sizes.lock().unwrap().push(events.len());
        self.held.fetch_add(1, Ordering::SeqCst);
        self.let_go.acquire().await.expect("it stays open").forget();
        self.held.fetch_sub(1, Ordering::SeqCst);
        events.iter().map(|_| Ok(())).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn full_batches_leave_beside_one_another_and_no_more_of_them_than_may() {
    let (store, gate) = (Watched::new(), Gate::closed());
    store.events(10).await;
    let relay = start(&store, gate.clone(), RelayOptions { batch: 3, in_flight: 2, poll: HOUR, ..PATIENT });
    gate.until_held(2).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*gate.sizes.lock().unwrap(), [3, 3], "a third waits for its turn");
    gate.let_go.add_permits(1);
    until(|| async { gate.sizes.lock().unwrap().len() == 3 }).await;
    gate.let_go.add_permits(100);
    until_nothing_waits(&store).await;
    assert_eq!(*gate.sizes.lock().unwrap(), [3, 3, 3, 1], "each event leaves once");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_few_events_wait_for_the_batch_under_way_and_leave_together() {
    let (store, gate) = (Watched::new(), Gate::closed());
    store.events(1).await;
    let relay = start(&store, gate.clone(), RelayOptions { batch: 3, poll: HOUR, ..PATIENT });
    gate.until_held(1).await;
    for _ in 0..2 {
        store.events(1).await;
        relay.emitter.announce(&*store).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(*gate.sizes.lock().unwrap(), [1], "they are too few to leave beside it");
    gate.let_go.add_permits(2);
    let took = until_nothing_waits(&store).await;
    assert!(took < Duration::from_secs(1), "they leave as soon as it has landed, not after {took:?}");
    assert_eq!(*gate.sizes.lock().unwrap(), [1, 2]);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn enough_events_for_a_batch_do_not_wait_for_the_one_under_way() {
    let (store, gate) = (Watched::new(), Gate::closed());
    store.events(1).await;
    let relay = start(&store, gate.clone(), RelayOptions { batch: 3, poll: HOUR, ..PATIENT });
    gate.until_held(1).await;
    store.events(3).await;
    for _ in 0..3 {
        relay.emitter.announce(&*store).await;
    }
    gate.until_held(2).await;
    gate.let_go.add_permits(2);
    until_nothing_waits(&store).await;
    assert_eq!(*gate.sizes.lock().unwrap(), [1, 3]);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_relays_on_one_store_send_each_event_once() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let ids = store.events(40).await;
    let options = RelayOptions { batch: 3, ..PATIENT };
    let relays = [start(&store, emitter.clone(), options), start(&store, emitter.clone(), options)];
    until_nothing_waits(&store).await;
    assert_eq!(emitter.events().len(), 40, "each event is sent once");
    assert_eq!(emitter.distinct_ids(), ids, "and none is forgotten");
    for relay in relays {
        relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_long_ago_is_pruned_while_the_relay_works() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    store.events(3).await;
    let relay = start(&store, emitter, PATIENT);
    sleep(2 * HOUR).await;
    assert!(store.prunes.load(Ordering::SeqCst) > 100, "the relay tidies up every minute or so");
    relay.stop().await;
    let left = store.store.prune(Duration::ZERO, 100).await.unwrap();
    assert_eq!(left, 0, "nothing that was delivered before the retention is left");
}

/// A server of 5,000 callbacks a second has as many to forget, a week later.
#[tokio::test(start_paused = true)]
async fn what_was_delivered_is_forgotten_as_fast_as_it_comes() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let relay = start(&store, emitter, PATIENT);
    store.old.store(60 * 5_000, Ordering::SeqCst);
    let took = until(|| async { store.old.load(Ordering::SeqCst) == 0 }).await;
    assert!(took < Duration::from_secs(120), "what comes in a minute is gone in less, not in {took:?}");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn events_leave_though_there_is_no_end_of_what_is_to_be_forgotten() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    store.old.store(usize::MAX, Ordering::SeqCst);
    let relay = start(&store, emitter.clone(), RelayOptions { batch: 2, in_flight: 1, ..PATIENT });
    let ids = store.events(20).await;
    let took = until_nothing_waits(&store).await;
    assert!(took < Duration::from_secs(1), "pruning stands in nobody's way, for {took:?}");
    assert_eq!(emitter.distinct_ids(), ids);
    relay.stop().await;
}
