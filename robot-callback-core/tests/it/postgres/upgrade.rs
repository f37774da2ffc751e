//! Tables that were made by another version of the program, and servers that go on meanwhile.

use robot_callback_core::{PostgresOptions, PostgresStore, Report, Store, StoreError, Verdict};

use super::crm::{Crm, store};
use super::database::{CRM, Content};
use super::server::{Database, shared};

/// What a program of the next version does to the tables while others use them.
async fn migrate_further(database: &Database, compatible_from: &str) {
    let further = format!(
        "ALTER TABLE robot_callback.outbox ADD COLUMN colour text NOT NULL DEFAULT 'red';
         CREATE TABLE robot_callback.tomorrow (id bigint);
         INSERT INTO robot_callback.migrations (version, name, compatible_from)
         SELECT max(version) + 1, 'tomorrow', {compatible_from} FROM robot_callback.migrations"
    );
    database.client().await.batch_execute(&further).await.expect("a newer program can migrate");
}

#[tokio::test]
async fn an_older_server_stays_ready_while_a_newer_one_migrates_and_starts_again_afterwards() {
    let crm = Crm::new().await;
    let older = crm.store().await;
    let batch = crm.batch(2).await;
    migrate_further(&crm.database, "max(version)").await;
    older.ping().await.expect("it is still ready");
    let applied = older.apply(Report::success(batch.items[0], "73150001234")).await.unwrap();
    assert_eq!(applied.unwrap().verdict, Verdict::Applied, "and still works");
    let again = crm.store().await;
    let applied = again.apply(Report::success(batch.items[1], "73150001234")).await.unwrap();
    assert!(applied.unwrap().completed, "and so does one that starts on the newer tables");
}

#[tokio::test]
async fn tables_that_an_older_server_can_not_work_with_make_it_unready() {
    let crm = Crm::new().await;
    let older = crm.store().await;
    migrate_further(&crm.database, "max(version) + 1").await;
    let unready = older.ping().await.unwrap_err();
    let cause = std::error::Error::source(&unready).unwrap().to_string();
    assert!(matches!(unready, StoreError::Fault(_)) && cause.ends_with("run a newer program"), "{cause}");
    let connected = PostgresStore::connect(&crm.database.url(), PostgresOptions::default()).await;
    assert!(matches!(connected, Err(StoreError::Fault(_))), "nor does it start");
}

/// The history of the second version had no word about compatibility.
#[tokio::test]
async fn tables_of_the_second_version_are_brought_up_to_date_with_all_that_is_in_them() {
    let database = shared().database(Content::Nothing).await;
    let client = database.client().await;
    client.batch_execute(CRM).await.unwrap();
    let second = format!(
        "CREATE SCHEMA robot_callback;
         CREATE TABLE robot_callback.migrations (
           version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
         INSERT INTO robot_callback.migrations (version, name) VALUES (1, '0001_crm_tables'), (2, '0002_robot_callback');
         {}
         INSERT INTO robot_callback.outbox (event_id, name, data, due_at, recorded_at)
         VALUES ('e', 'n', '{{}}', '2026-01-01', '2026-01-01');",
        include_str!("../../../migrations/postgres/0002_robot_callback.sql")
    );
    client.batch_execute(&second).await.unwrap();
    let waiting = PostgresOptions { migrate: false, ..PostgresOptions::default() };
    let refused = PostgresStore::connect(&database.url(), waiting).await.err().expect("the tables are older");
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.ends_with("run its migrations"), "{cause}");
    let store = store(&database.url()).await;
    store.ping().await.unwrap();
    let lease = store.claim(super::owner::claim_all()).await.unwrap();
    assert_eq!(lease.entries.len(), 1, "nothing is lost");
    assert_eq!(lease.entries[0].event.traceparent, None, "it was part of no trace");
}

#[tokio::test]
async fn the_trace_of_an_event_is_read_back() {
    let crm = Crm::new().await;
    let (store, batch) = (crm.store().await, crm.batch(1).await);
    store.apply(Report::success(batch.items[0], "73150001234")).await.unwrap();
    crm.client.batch_execute("UPDATE robot_callback.outbox SET traceparent = '00-ab-cd-01'").await.unwrap();
    let lease = store.claim(super::owner::claim_all()).await.unwrap();
    assert_eq!(lease.entries.len(), 2);
    assert!(lease.entries.iter().all(|entry| entry.event.traceparent.as_deref() == Some("00-ab-cd-01")));
}
