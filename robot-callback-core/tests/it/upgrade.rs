//! A SQLite file whose tables were made by another version of the program.

use std::path::Path;

use robot_callback_core::{
    Claim, Creation, NewJob, OperatorStore, Report, SqliteOptions, SqliteStore, Store, StoreError, Verdict,
};
use rusqlite::Connection;

const LEASE: Claim = Claim { limit: 10, lease: std::time::Duration::from_secs(60) };

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, SqliteOptions::default())
}

async fn make(store: &SqliteStore) -> NewJob {
    let body = br#"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"one"}]}"#;
    let job = NewJob::from_json(body, None).unwrap();
    assert_eq!(store.create_job(job.clone()).await.unwrap(), Creation::Created(job.id));
    job
}

async fn verdict(store: &SqliteStore, job: &NewJob) -> Verdict {
    let report = Report::success(job.items[0].id, "73150001234");
    store.apply(report).await.unwrap().expect("the item is there").verdict
}

/// What a program of the next version does to the file while others have it open.
fn migrate_further(path: &Path, compatible_from: i64) {
    let db = Connection::open(path).unwrap();
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    db.execute_batch("ALTER TABLE outbox ADD COLUMN colour TEXT; CREATE TABLE tomorrow (id INTEGER)")
        .unwrap();
    db.execute(
        "INSERT INTO migrations (version, compatible_from) VALUES (?1, ?2)",
        [version + 1, compatible_from],
    )
    .unwrap();
    db.pragma_update(None, "user_version", version + 1).unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("../../migrations/sqlite/0001_init.sql")).unwrap();
    db.execute_batch(
        "INSERT INTO outbox (event_id, name, data, due_at, recorded_at) VALUES ('e', 'n', '{}', 0, 0);
         PRAGMA user_version = 1",
    )
    .unwrap();
    drop(db);
    let store = open(&path).unwrap();
    let entries = store.claim(LEASE).await.unwrap().entries;
    assert_eq!(entries.iter().map(|entry| &entry.event.id).collect::<Vec<_>>(), ["e"], "nothing is lost");
    assert_eq!(entries[0].event.traceparent, None, "it was part of no trace");
    let job = make(&store).await;
    assert_eq!(verdict(&store, &job).await, Verdict::Applied, "and all goes on");
}

#[tokio::test]
async fn an_older_program_goes_on_while_a_newer_one_migrates_and_starts_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let store = open(&path).unwrap();
    let job = make(&store).await;
    migrate_further(&path, 2);
    store.ping().await.expect("it is still ready");
    assert_eq!(verdict(&store, &job).await, Verdict::Applied, "and still works");
    drop(store);
    let store = open(&path).expect("the newer tables say that it can");
    assert_eq!(verdict(&store, &job).await, Verdict::Duplicate);
}

#[tokio::test]
async fn tables_that_an_older_program_can_not_work_with_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    drop(open(&path).unwrap());
    migrate_further(&path, 3);
    let refused = open(&path).err().expect("the newer tables say that it can't");
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(matches!(refused, StoreError::Fault(_)) && cause.ends_with("run a newer program"), "{cause}");
}

#[tokio::test]
async fn the_trace_of_an_event_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traced.db");
    let store = open(&path).unwrap();
    let job = make(&store).await;
    verdict(&store, &job).await;
    let db = Connection::open(&path).unwrap();
    db.execute_batch("UPDATE outbox SET traceparent = '00-ab-cd-01'").unwrap();
    let entries = store.claim(LEASE).await.unwrap().entries;
    assert!(entries.iter().all(|entry| entry.event.traceparent.as_deref() == Some("00-ab-cd-01")));
}
