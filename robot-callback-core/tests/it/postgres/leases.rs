//! The outbox, shared by several servers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    Actor, Claim, Command, Effect, EmitError, Emitter, Event, KeptQuery, Lease, LetterQuery, ManualClock,
    Operation, OperatorStore, PostgresOptions, PostgresStore, Relay, Report, Resolution, Settlement, Store,
};

use super::crm::Crm;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const NUMBER: &str = "73150001234";

/// Two servers on one database, with one clock.
pub(crate) async fn two_servers(crm: &Crm) -> (PostgresStore, PostgresStore, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let options = PostgresOptions { clock: clock.clone(), ..PostgresOptions::default() };
    let connect = async || PostgresStore::connect(&crm.database.url(), options.clone()).await.unwrap();
    (connect().await, connect().await, clock)
}

pub(crate) async fn claim(store: &PostgresStore, limit: usize) -> Lease {
    store.claim(Claim { limit, lease: MINUTE }).await.unwrap()
}

pub(crate) fn ids(lease: &Lease) -> Vec<i64> {
    lease.entries.iter().map(|entry| entry.id).collect()
}

pub(crate) async fn delivered(store: &PostgresStore, lease: &Lease) {
    let settled = lease.entries.iter().map(|entry| (entry.id, Settlement::Delivered)).collect();
    store.settle(lease.token, settled).await.unwrap();
}

#[tokio::test]
async fn a_dead_servers_lease_runs_out_and_another_takes_over() {
    let crm = Crm::new().await;
    let (dying, other, clock) = two_servers(&crm).await;
    let batch = crm.batch(1).await;
    dying.apply(Report::success(batch.items[0], NUMBER)).await.unwrap();
    let held = claim(&dying, 10).await;
    assert_eq!(held.entries.len(), 2);
    drop(dying);
    assert_eq!(ids(&claim(&other, 10).await), [0_i64; 0], "nobody else gets them while the lease lasts");
    clock.advance(MINUTE + Duration::from_millis(1));
    let taken = claim(&other, 10).await;
    assert_eq!(ids(&taken), ids(&held), "and somebody does when it has run out");
    delivered(&other, &held).await;
    assert_eq!(
        other.outbox_depth().await.unwrap().pending,
        2,
        "the dead one's lease is worth nothing any more"
    );
    delivered(&other, &taken).await;
    assert_eq!(other.outbox_depth().await.unwrap().pending, 0);
}

/// Ids are given when rows are written, not when they are committed: whoever went by the greatest id it has seen would
/// never see a row that was committed late.
#[tokio::test]
async fn claims_go_by_unsent_and_due_and_never_by_a_growing_id() {
    let crm = Crm::new().await;
    let (store, other, _) = two_servers(&crm).await;
    let batch = crm.batch(1).await;
    let mut client = crm.database.client().await;
    let slow = client.transaction().await.unwrap();
    let early = "INSERT INTO robot_callback.outbox (event_id, name, data, due_at, recorded_at)
        VALUES ('early', 'early', '{}', to_timestamp(0), to_timestamp(0)) RETURNING id";
    let early: i64 = slow.query_one(early, &[]).await.unwrap().get(0);
    store.apply(Report::success(batch.items[0], NUMBER)).await.unwrap();
    let later = claim(&store, 10).await;
    assert!(later.entries.len() == 2 && ids(&later).iter().all(|id| *id > early), "{later:?}");
    delivered(&store, &later).await;
    slow.commit().await.unwrap();
    assert_eq!(
        ids(&claim(&other, 10).await),
        [early],
        "what was committed late under a lower id leaves all the same"
    );
}

/// One that another server is just taking is nobody else's to wait for.
#[tokio::test]
async fn a_claim_takes_what_is_free_and_waits_for_nothing() {
    let crm = Crm::new().await;
    let (store, _, _) = two_servers(&crm).await;
    let batch = crm.batch(3).await;
    for item in &batch.items {
        store.apply(Report::success(*item, NUMBER)).await.unwrap();
    }
    let mut client = crm.database.client().await;
    let taking = client.transaction().await.unwrap();
    let first = "SELECT id FROM robot_callback.outbox ORDER BY id LIMIT 2 FOR UPDATE";
    taking.query(first, &[]).await.unwrap();
    let lease = tokio::time::timeout(MINUTE, claim(&store, 10)).await.expect("it does not wait");
    assert_eq!(lease.entries.len(), 2, "four entries, of which two are being taken");
    taking.rollback().await.unwrap();
}

#[tokio::test]
async fn delivered_entries_are_pruned_in_bounded_steps_and_the_others_never() {
    let crm = Crm::new().await;
    let (store, _, clock) = two_servers(&crm).await;
    let batch = crm.batch(9).await;
    for item in &batch.items {
        store.apply(Report::success(*item, NUMBER)).await.unwrap();
    }
    let lease = claim(&store, 8).await;
    delivered(&store, &lease).await;
    assert_eq!(store.prune(MINUTE, 100).await.unwrap(), 0, "none was delivered that long ago");
    clock.advance(2 * MINUTE);
    let mut steps = Vec::new();
    for _ in 0..4 {
        steps.push(store.prune(MINUTE, 3).await.unwrap());
    }
    assert_eq!(steps, [3, 3, 2, 0]);
    assert_eq!(
        crm.number("SELECT count(*) FROM robot_callback.outbox").await,
        2,
        "what still has to leave is there"
    );
}

/// An emitter that refuses everything, in those words.
struct Refusing(&'static str);

#[async_trait]
impl Emitter for Refusing {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        events.iter().map(|_| Err(EmitError::permanent(self.0))).collect()
    }
}

/// PostgreSQL has no text with U+0000.
#[tokio::test]
async fn a_batch_is_settled_whatever_words_the_emitter_has_for_it() {
    let crm = Crm::new().await;
    let (store, _, _) = two_servers(&crm).await;
    let store = Arc::new(store);
    store.apply(Report::success(crm.batch(1).await.items[0], NUMBER)).await.unwrap();
    let relay = Relay::new(store.clone(), Arc::new(Refusing("no\0 way")));
    assert_eq!(relay.step().await.expect("it is settled").dead, 2);
    let letters = store.dead_letters(LetterQuery::default()).await.unwrap().rows;
    assert!(letters.iter().all(|letter| letter.reason == "refused for good: no way"), "{letters:?}");
}

#[tokio::test]
async fn a_number_accepted_after_pruning_is_not_announced_again() {
    let crm = Crm::new().await;
    let (store, _, clock) = two_servers(&crm).await;
    let batch = crm.batch(1).await;
    for number in [NUMBER, "73159999999"] {
        store.apply(Report::success(batch.items[0], number)).await.unwrap();
    }
    delivered(&store, &claim(&store, 10).await).await;
    clock.advance(2 * MINUTE);
    assert_eq!(store.prune(MINUTE, 10).await.unwrap(), 2);
    let kept_id = store.kept_reports(KeptQuery::default()).await.unwrap().rows[0].id;
    let accepting = Operation::Resolve { kept_id, resolution: Resolution::Accepted };
    let done = store.operate(Command::new(accepting, Actor::default())).await.unwrap().unwrap();
    let Effect::Resolved(accepted) = done.effect else { panic!("{done:?}") };
    assert_eq!(accepted.events, 0, "the shipment was announced under that id");
    assert_eq!(crm.number("SELECT count(*) FROM robot_callback.outbox").await, 0);
    let order = "SELECT count(*) FROM orders WHERE tracking_number = '73159999999'";
    assert_eq!(crm.number(order).await, 1, "the order has the accepted number");
}
