//! What is in the file, seen by others than the store itself.

use rusqlite::Connection;

use super::*;
use crate::clock::ManualClock;
use crate::deadline::Deadline;
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
