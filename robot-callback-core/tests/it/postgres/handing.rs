//! Events recorded under a lease for the relay of the same server, among several servers and when things fail.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{Claim, EntryId, Lease, OperatorStore, PostgresStore, Report, Store, Verdict};
use tokio::task::JoinSet;

use super::crm::Crm;
use super::leases::{MINUTE, claim, delivered, ids, two_servers};

const NUMBER: &str = "73150001234";

/// As a relay asks for what its own server recorded.
fn handed_over(store: &PostgresStore, limit: usize) -> Option<Lease> {
    store.handed_over(Claim { limit, lease: MINUTE })
}

/// A relay of that server has begun to ask.
fn ask(store: &PostgresStore) {
    assert!(handed_over(store, 10).is_none(), "nothing was recorded yet");
}

async fn ship(store: &Arc<PostgresStore>, items: &[robot_callback_core::ItemId]) -> usize {
    let mut reporting = JoinSet::new();
    for item in items {
        let (store, report) = (store.clone(), Report::success(*item, NUMBER));
        reporting.spawn(async move { store.apply(report).await });
    }
    let answers = reporting.join_all().await;
    answers
        .into_iter()
        .filter(|answer| matches!(answer, Ok(Some(done)) if done.verdict == Verdict::Applied))
        .count()
}

#[tokio::test]
async fn a_relay_is_handed_what_its_own_server_recorded_and_nobody_else_gets_it() {
    let crm = Crm::new().await;
    let (own, other, _) = two_servers(&crm).await;
    ask(&own);
    let batch = crm.batch(1).await;
    own.apply(Report::success(batch.items[0], NUMBER)).await.unwrap();
    assert_eq!(ids(&claim(&other, 10).await), [0_i64; 0], "it is held for the own relay");
    assert_eq!(ids(&claim(&own, 10).await), [0_i64; 0], "which need not claim it");
    let lease = handed_over(&own, 10).expect("it is handed over");
    let recorded = "SELECT id, event_id, name, data FROM robot_callback.outbox ORDER BY id";
    let recorded = crm.client.query(recorded, &[]).await.unwrap();
    let recorded = recorded.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)));
    let handed = lease.entries.iter().map(|entry| {
        let event = &entry.event;
        (entry.id, event.id.as_str(), event.name.as_str(), event.data.get())
    });
    assert_eq!(
        handed.collect::<Vec<(EntryId, &str, &str, &str)>>(),
        recorded.collect::<Vec<_>>(),
        "as recorded"
    );
    delivered(&own, &lease).await;
    assert_eq!(own.outbox_depth().await.unwrap().pending, 0, "and settled under its lease");
    other.apply(Report::success(crm.batch(1).await.items[0], NUMBER)).await.unwrap();
    assert_eq!(
        claim(&own, 10).await.entries.len(),
        2,
        "what another server records, asked by nobody, is due"
    );
}

#[tokio::test]
async fn what_a_dead_server_held_for_its_relay_is_due_when_the_lease_ends() {
    let crm = Crm::new().await;
    let (dying, other, clock) = two_servers(&crm).await;
    ask(&dying);
    dying.apply(Report::success(crm.batch(1).await.items[0], NUMBER)).await.unwrap();
    drop(dying);
    clock.advance(MINUTE + MINUTE / 4 - Duration::from_millis(1));
    assert_eq!(ids(&claim(&other, 10).await), [0_i64; 0], "a quarter more than the relay asked for");
    clock.advance(Duration::from_millis(1));
    assert_eq!(claim(&other, 10).await.entries.len(), 2);
}

#[tokio::test]
async fn no_more_is_held_for_a_relay_than_it_may_soon_take() {
    const ITEMS: usize = 1_200;
    let crm = Crm::new().await;
    let (own, other, _) = two_servers(&crm).await;
    let own = Arc::new(own);
    ask(&own);
    assert_eq!(ship(&own, &crm.batch(ITEMS).await.items).await, ITEMS);
    let rest = claim(&other, 10_000).await;
    let handed = handed_over(&own, 10_000).expect("most of it is handed over");
    assert!((500..=1_000).contains(&handed.entries.len()), "{}", handed.entries.len());
    let all: BTreeSet<EntryId> = ids(&rest).into_iter().chain(ids(&handed)).collect();
    assert_eq!((all.len(), rest.entries.len() + handed.entries.len()), (ITEMS + 1, ITEMS + 1), "each once");
}

/// An owner has put it there by hand, say.
#[tokio::test]
async fn an_event_that_was_recorded_before_is_not_handed_over() {
    let crm = Crm::new().await;
    let (own, _, _) = two_servers(&crm).await;
    ask(&own);
    let batch = crm.batch(2).await;
    let before = format!(
        "INSERT INTO robot_callback.outbox (event_id, name, data, state, due_at, recorded_at)
         VALUES ('robot.coord.completed:{}:1', 'before', '{{}}', 'delivered', now(), now())",
        batch.items[0]
    );
    crm.client.batch_execute(&before).await.unwrap();
    for item in &batch.items {
        own.apply(Report::success(*item, NUMBER)).await.unwrap();
    }
    let handed = handed_over(&own, 10).expect("the others are handed over");
    let events: Vec<&str> = handed.entries.iter().map(|entry| entry.event.id.as_str()).collect();
    let (second, job) = (batch.items[1], batch.job);
    assert_eq!(
        events,
        [format!("robot.coord.completed:{second}:1"), format!("robot/job.batch_completed:{job}:1")]
    );
    for entry in &handed.entries {
        let recorded = format!("SELECT id FROM robot_callback.outbox WHERE event_id = '{}'", entry.event.id);
        assert_eq!(crm.number(&recorded).await, entry.id, "each under its own place");
    }
}

#[tokio::test]
async fn a_set_that_the_database_refuses_hands_nothing_over_and_loses_nothing() {
    const ITEMS: usize = 8;
    let crm = Crm::new().await;
    let (own, _, clock) = two_servers(&crm).await;
    let own = Arc::new(own);
    let batch = crm.batch(ITEMS).await;
    crm.before_changing(batch.orders[3], "RAISE EXCEPTION 'this order is closed';").await;
    ask(&own);
    assert_eq!(ship(&own, &batch.items).await, ITEMS - 1, "all but the one that is refused");
    let mut events = handed_over(&own, 100).map_or(0, |lease| lease.entries.len());
    events += claim(&own, 100).await.entries.len();
    assert_eq!(events, ITEMS - 1, "an event for each, to be had at once");
    clock.advance(2 * MINUTE);
    assert_eq!(claim(&own, 100).await.entries.len(), ITEMS - 1, "and none for the other");
}
