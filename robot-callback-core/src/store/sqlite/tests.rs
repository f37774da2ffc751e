//! What is in the file, seen by others than the store itself.

use rusqlite::Connection;

use super::*;
use crate::clock::ManualClock;
use crate::deadline::Deadline;
use crate::error::chain;
use crate::operation::{Actor, Operation};
use crate::report::ErrorType;

struct Stage {
    store: SqliteStore,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

fn stage() -> Stage {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::default()));
    let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::default() };
    let store = SqliteStore::open(folder.path().join("file.db"), options).unwrap();
    Stage { store, clock, _folder: folder }
}

impl Stage {
    /// Runs it on the connection that writes.
    async fn on_the_writer<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.store.writer.run(work).await.unwrap()
    }

    /// A job of two orders.
    async fn job(&self, deadline: Deadline) -> JobId {
        let body =
            br#"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"1"},{"name":"2"}]}"#;
        let job = NewJob { deadline, ..NewJob::from_json(body, None).unwrap() };
        let id = job.id;
        assert_eq!(self.store.create_job(job).await.unwrap(), Creation::Created(id));
        id
    }

    /// Makes jobs until one does not fit.
    async fn fill(&self) {
        for _ in 0..1_000 {
            let body = br#"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"1"}]}"#;
            if self.store.create_job(NewJob::from_json(body, None).unwrap()).await.is_err() {
                return;
            }
        }
        panic!("a thousand jobs fit into no room");
    }

    async fn fail_once(&self) {
        self.store.writer.run(|_| Err::<(), _>(full())).await.expect_err("the disk is full");
    }

    async fn fail_items(&self, job: JobId) {
        for view in self.store.job(job).await.unwrap().unwrap().items {
            self.store.apply(Report::error(view.item.id, ErrorType::Portal, "no")).await.unwrap();
        }
    }

    async fn batch_completed_emitted(&self, JobId(job): JobId) -> bool {
        let sql = "SELECT batch_completed_emitted FROM robot_jobs WHERE id = ?1";
        self.on_the_writer(move |db| db.query_row(sql, [job], |row| row.get(0))).await
    }
}

/// No test can cut the power, so it asks for what SQLite promises to survive that with.
#[tokio::test]
async fn a_commit_survives_the_loss_of_power() {
    let stage = stage();
    let (journal, synchronous): (String, i64) = stage
        .on_the_writer(|db| {
            let journal = db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            Ok((journal, db.pragma_query_value(None, "synchronous", |row| row.get(0))?))
        })
        .await;
    const FULL: i64 = 2;
    assert_eq!((journal.as_str(), synchronous), ("wal", FULL), "each commit syncs the log");
}

/// Older programs look at the column.
#[tokio::test]
async fn a_job_says_whether_its_completion_was_recorded() {
    let stage = stage();
    let job = stage.job(Deadline::Never).await;
    assert!(!stage.batch_completed_emitted(job).await, "not while an item is open");
    stage.fail_items(job).await;
    assert!(stage.batch_completed_emitted(job).await, "it was, with the last item");
    let retry = Operation::Retry { job_id: job, items: None, run: None, deadline: Deadline::Never };
    stage.store.operate(Command::new(retry, Actor::new("ana"))).await.unwrap().unwrap();
    assert!(!stage.batch_completed_emitted(job).await, "the next run's was not yet");
    stage.fail_items(job).await;
    assert!(stage.batch_completed_emitted(job).await, "and then it was");
}

/// Its turn comes first each time.
#[tokio::test]
async fn a_job_that_can_not_be_closed_leaves_no_other_open() {
    let stage = stage();
    let mut over = Vec::new();
    for millis in 1..=3 {
        over.push(stage.job(Deadline::At(stage.clock.now().after(Duration::from_millis(millis)))).await);
    }
    stage.clock.advance(Duration::from_secs(1));
    let refused = over[0].0.simple().to_string();
    let trigger = format!(
        "CREATE TRIGGER refuse BEFORE UPDATE ON robot_jobs WHEN OLD.id = x'{refused}'
         BEGIN SELECT RAISE(ABORT, 'no'); END"
    );
    stage.on_the_writer(move |db| db.execute_batch(&trigger)).await;
    assert_eq!(stage.store.expire(1).await.unwrap(), [over[1]], "at most so many are closed");
    assert_eq!(stage.store.expire(10).await.unwrap(), [over[2]], "the next one waits for nobody");
    stage.store.expire(10).await.expect_err("when only that one is left, it is said");
    stage.on_the_writer(|db| db.execute_batch("DROP TRIGGER refuse")).await;
    assert_eq!(stage.store.expire(10).await.unwrap(), [over[0]]);
    assert_eq!(stage.store.verify().await.unwrap(), []);
}

/// A limit on the file stands in for the disk.
#[tokio::test]
async fn a_full_disk_shows_in_a_ping_for_as_long_as_results_are_lost_to_it() {
    let stage = stage();
    let limit = |pages: i64| move |db: &Connection| db.pragma_update(None, "max_page_count", pages);
    let pages = stage.on_the_writer(|db| db.pragma_query_value(None, "page_count", |row| row.get(0))).await;
    stage.on_the_writer(limit(pages)).await;
    stage.store.ping().await.expect("nothing was to be written yet");
    for _ in 0..2 {
        stage.fill().await;
        let unwell = stage.store.ping().await.expect_err("what could not be written shows");
        let why = chain(&unwell);
        assert!(unwell.is_transient() && why.contains("full"), "with the reason: {why}");
    }
    stage.on_the_writer(limit(i64::from(u32::MAX) - 1)).await;
    stage.store.ping().await.expect("there is room again");
    stage.job(Deadline::Never).await;
}

#[tokio::test]
async fn after_a_failure_a_ping_writes_and_is_unwell_until_that_succeeds() {
    let stage = stage();
    stage.fail_once().await;
    let refusing = |_: &Connection| Err(full());
    for _ in 0..2 {
        stage.store.writer.ping(refusing).await.expect_err("it can't be written to");
    }
    stage.store.writer.ping(file::touch).await.expect_err("a moment ago it could not be");
    stage.store.writer.ping(refusing).await.expect("all is well, so nothing is written");
}

/// What SQLite says of a full disk.
fn full() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None)
}
