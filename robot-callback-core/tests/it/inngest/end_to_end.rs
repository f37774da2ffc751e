//! From the callback to Inngest: the outbox, the relay and the emitter together.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_core::{
    Backoff, Emitter, MemoryStore, NewJob, OperatorStore, Relay, RelayOptions, Secrets, Verdict,
    handle_callback,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{KEY, PATIENCE, emitter};

const ORDERS: usize = 12;
/// One for each order, and one for the batch.
const EVENTS: usize = ORDERS + 1;

fn relay(store: &Arc<MemoryStore>, inngest: &InngestLoopback) -> Relay {
    let backoff = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(20) };
    let options = RelayOptions { backoff, poll: Duration::from_millis(5), ..RelayOptions::default() };
    Relay::with_options(store.clone(), Arc::new(emitter(inngest)), options)
}

/// Makes a job and reports every item of it.
async fn ship(store: &MemoryStore, emitter: &dyn Emitter) {
    let orders: Vec<String> = (0..ORDERS).map(|n| format!(r##"{{"name":"#{n}"}}"##)).collect();
    let workspace = "b7c1d2e3-0000-4000-8000-000000000001";
    let job = format!(r#"{{"workspaceId":"{workspace}","orders":[{}]}}"#, orders.join(","));
    let job = NewJob::from_json(job.as_bytes(), None).unwrap();
    let items: Vec<_> = job.items.iter().map(|item| item.id).collect();
    store.create_job(job).await.unwrap();
    let secrets = Secrets::new(["secret"]);
    for (n, item) in items.iter().enumerate() {
        let body = format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"731500{n:05}"}}"#);
        let presented = secrets.presented(Some(b"secret"));
        let receipt = handle_callback(store, emitter, presented, body.as_bytes()).await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Applied, "a callback needs no Inngest");
    }
}

/// Runs the relay until Inngest has everything, and stops it.
async fn deliver(relay: Relay, inngest: &InngestLoopback) {
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(relay.run(async { _ = stopped.await }));
    timeout(PATIENCE, inngest.wait_for(EVENTS)).await.expect("every event arrives");
    drop(stop);
    timeout(PATIENCE, running).await.expect("the relay stops").unwrap();
}

async fn nothing_is_left(store: &MemoryStore) {
    let depth = store.outbox_depth().await.unwrap();
    assert_eq!((depth.pending, depth.dead), (0, 0), "nothing waits and nothing was given up");
}

#[tokio::test]
async fn an_endpoint_that_was_down_gets_every_event_exactly_once() {
    let inngest = InngestLoopback::start().await.unwrap();
    let store = Arc::new(MemoryStore::new());
    let relay = relay(&store, &inngest);
    inngest.stop().await;
    ship(&store, &relay.emitter()).await;
    let step = relay.step().await.unwrap();
    assert_eq!((step.claimed, step.again), (EVENTS, EVENTS), "down: all stay in the outbox");
    inngest.restart().await.unwrap();
    deliver(relay, &inngest).await;
    nothing_is_left(&store).await;
    assert_eq!(inngest.events().len(), EVENTS, "none arrived twice");
    assert_eq!(inngest.distinct_ids().len(), EVENTS, "and none is missing");
}

#[tokio::test]
async fn whatever_fails_on_the_way_each_event_arrives_once_by_its_id() {
    let inngest = InngestLoopback::start().await.unwrap();
    let store = Arc::new(MemoryStore::new());
    let relay = relay(&store, &inngest);
    inngest.script([
        Fault::status(503),
        Fault::status(500).after_landing(),
        Fault::close(),
        Fault::close().after_landing(),
        Fault::status(401),
        Fault::reply(200, "<html></html>"),
        Fault::ids_cut_to(1),
        Fault::status(429).header("retry-after", "0"),
    ]);
    ship(&store, &relay.emitter()).await;
    let delivered = async {
        while store.outbox_depth().await.unwrap().pending > 0 {
            relay.step().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, delivered).await.expect("every failure passes");
    nothing_is_left(&store).await;
    assert_eq!(inngest.distinct_ids().len(), EVENTS);
    assert!(inngest.events().len() > EVENTS, "some arrived twice, which their id tells");
}

#[tokio::test]
async fn a_wrong_key_holds_everything_back_until_it_is_put_right_and_loses_nothing() {
    let inngest = InngestLoopback::start().await.unwrap();
    let store = Arc::new(MemoryStore::new());
    let relay = relay(&store, &inngest);
    inngest.demand_key("the one after a rotation");
    ship(&store, &relay.emitter()).await;
    let step = relay.step().await.unwrap();
    assert_eq!((step.again, step.dead), (EVENTS, 0), "no dead letters");
    inngest.demand_key(KEY);
    deliver(relay, &inngest).await;
    nothing_is_left(&store).await;
    assert_eq!(inngest.events().len(), EVENTS);
}
