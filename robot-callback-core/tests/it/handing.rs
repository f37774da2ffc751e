//! How the relay takes what its store hands over, in tokio's paused time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use robot_callback_core::{RecordingEmitter, RelayOptions};
use tokio::time::sleep;

use crate::relay::{HOUR, PATIENT, Running, busy, start, tricky, until_nothing_waits};
use crate::watched::Watched;

const SECOND: Duration = Duration::from_secs(1);

/// A relay on a store that hands things over; it has looked once, and sleeps.
async fn asking(poll: Duration) -> (Arc<Watched>, Arc<RecordingEmitter>, Running) {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    store.hands_over.store(true, Ordering::SeqCst);
    let relay = start(&store, emitter.clone(), RelayOptions { poll, ..PATIENT });
    sleep(SECOND / 2).await;
    (store, emitter, relay)
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_over_is_sent_without_a_claim() {
    let (store, emitter, relay) = asking(HOUR).await;
    let claims = store.claims.load(Ordering::SeqCst);
    let ids = store.events(3).await;
    relay.emitter.wake();
    until_nothing_waits(&store).await;
    assert_eq!(emitter.distinct_ids(), ids);
    assert_eq!(store.claims.load(Ordering::SeqCst), claims);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_and_not_handed_over_is_claimed() {
    let (store, emitter, relay) = asking(HOUR).await;
    store.hands_over.store(false, Ordering::SeqCst);
    let ids = store.events(3).await;
    relay.emitter.wake();
    let took = until_nothing_waits(&store).await;
    assert!(took < SECOND, "at once, not after {took:?}");
    assert_eq!(emitter.distinct_ids(), ids);
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn all_that_is_handed_over_is_taken_in_batches() {
    let (store, emitter, relay) = asking(HOUR).await;
    let ids = store.events(PATIENT.batch * 3 + 1).await;
    relay.emitter.wake();
    let took = until_nothing_waits(&store).await;
    assert!(took < SECOND, "one wake-up for all of it, {took:?}");
    assert_eq!(emitter.distinct_ids(), ids);
    relay.stop().await;
}

/// Something may be due that another server recorded, or whose turn has come again.
#[tokio::test(start_paused = true)]
async fn the_outbox_is_looked_at_however_much_is_handed_over() {
    let (store, _, relay) = asking(SECOND).await;
    let before = store.claims.load(Ordering::SeqCst);
    for _ in 0..100 {
        store.events(1).await;
        relay.emitter.wake();
        sleep(SECOND / 10).await;
    }
    let claims = store.claims.load(Ordering::SeqCst) - before;
    assert!((9..=11).contains(&claims), "about once each poll, not {claims} times in ten");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_stops_gives_back_what_it_did_not_take() {
    let (store, _, relay) = asking(HOUR).await;
    assert_eq!(store.given_back.load(Ordering::SeqCst), 0);
    relay.stop().await;
    assert_eq!(store.given_back.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_while_the_receiver_wants_to_be_left_alone_is_given_back() {
    let store = Watched::new();
    store.hands_over.store(true, Ordering::SeqCst);
    store.events(1).await;
    let relay = start(&store, tricky(1, busy), PATIENT);
    sleep(SECOND).await;
    assert_eq!(store.given_back.load(Ordering::SeqCst), 1, "another may take it, with a receiver of its own");
    let took = until_nothing_waits(&store).await;
    assert!(took > HOUR - 2 * SECOND, "{took:?}");
    relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_announced_while_the_store_failed_is_not_forgotten() {
    let (store, emitter, relay) = asking(HOUR).await;
    store.hands_over.store(false, Ordering::SeqCst);
    store.failing_claims.store(3, Ordering::SeqCst);
    let ids = store.events(1).await;
    relay.emitter.wake();
    let took = until_nothing_waits(&store).await;
    assert!(took < 60 * SECOND, "as soon as the store answers, not after {took:?}");
    assert_eq!(emitter.distinct_ids(), ids);
    relay.stop().await;
}
