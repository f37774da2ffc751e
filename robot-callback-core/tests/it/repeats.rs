//! The late waiter, in tokio's paused time: a completion leaves again on a short schedule until it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Actor, Command, JobId, Operation, OperatorStore, RecordingEmitter, Relay, RelayOptions, Repeats, Report,
    Store,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::watched::Watched;

const HOUR: Duration = Duration::from_secs(3600);

struct Running(oneshot::Sender<()>, JoinHandle<()>);

impl Running {
    fn start(store: &Arc<Watched>, emitter: &Arc<RecordingEmitter>) -> Self {
        let options = RelayOptions { repeats: Repeats::short(), seed: 7, ..RelayOptions::default() };
        let relay = Relay::with_options(store.clone(), emitter.clone(), options);
        let (stop, stopped) = oneshot::channel::<()>();
        Self(stop, tokio::spawn(relay.run(async { _ = stopped.await })))
    }

    async fn stop(self) {
        drop(self.0);
        self.1.await.expect("a relay ends by itself");
    }
}

/// A complete job of one shipped item: one event of its item, one of its completion.
async fn complete(store: &Watched) -> JobId {
    let (job, items) = store.job(1).await;
    store.store.apply(Report::success(items[0], "73150001234")).await.unwrap();
    job
}

async fn acknowledge(store: &Watched, job_id: JobId) {
    let command = Command::new(Operation::Acknowledge { job_id, run: None }, Actor::default());
    store.store.operate(command).await.unwrap().expect("the run is complete");
}

/// How often the completion and the other events have arrived.
fn arrived(emitter: &RecordingEmitter) -> (usize, usize) {
    let events = emitter.events();
    let completions: Vec<_> = events.iter().filter(|event| event.is_completion()).collect();
    assert!(completions.windows(2).all(|two| two[0] == two[1]), "each time the same event under the same id");
    (completions.len(), events.len() - completions.len())
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_nobody_acknowledges_leaves_five_times_and_other_events_once() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let relay = Running::start(&store, &emitter);
    complete(&store).await;
    sleep(HOUR).await;
    assert_eq!(arrived(&emitter), (5, 1), "once, and again after 1 s, 5 s, 30 s and 2 minutes");
    assert_eq!(store.store.outbox_depth().await.unwrap().pending, 0);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_step_says_how_many_were_sent_again_though_they_had_been_taken() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let options = RelayOptions { repeats: Repeats::short(), seed: 7, ..RelayOptions::default() };
    let relay = Relay::with_options(store.clone(), emitter, options);
    complete(&store).await;
    let first = relay.step().await.unwrap();
    assert_eq!((first.delivered, first.repeated), (2, 0), "what leaves for the first time is no repeat");
    sleep(Duration::from_secs(1)).await;
    let second = relay.step().await.unwrap();
    assert_eq!((second.claimed, second.delivered, second.repeated), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_ends_the_schedule() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let relay = Running::start(&store, &emitter);
    let job = complete(&store).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(arrived(&emitter).0, 3, "by then it left at once, after a second and after five more");
    acknowledge(&store, job).await;
    sleep(HOUR).await;
    assert_eq!(arrived(&emitter).0, 3, "acknowledged, it leaves no more");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn many_relays_repeat_no_more_often_than_one_and_a_restart_goes_on_where_it_was() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let relays: Vec<Running> = (0..4).map(|_| Running::start(&store, &emitter)).collect();
    complete(&store).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(arrived(&emitter), (3, 1), "each repeat is one relay's");
    for relay in relays {
        relay.stop().await;
    }
    sleep(HOUR).await;
    let relay = Running::start(&store, &emitter);
    sleep(HOUR).await;
    assert_eq!(arrived(&emitter), (5, 1), "what was left of the schedule");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_repeat_that_is_refused_makes_no_dead_letter() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let relay = Running::start(&store, &emitter);
    complete(&store).await;
    sleep(Duration::from_millis(500)).await;
    emitter.refuse("robot/job.batch_completed");
    sleep(HOUR).await;
    assert_eq!(arrived(&emitter).0, 1, "the repeat was refused");
    let depth = store.store.outbox_depth().await.unwrap();
    assert_eq!((depth.pending, depth.dead), (0, 0), "the event had been delivered before");
    relay.stop().await;
}
