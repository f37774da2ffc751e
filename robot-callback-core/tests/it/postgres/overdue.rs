//! Deadlines of jobs that other programs had their hands in.

use std::time::Duration;

use robot_callback_core::{
    Actor, Command, Deadline, ErrorType, JobId, JobStatus, Operation, OperatorStore, PostgresOptions,
    PostgresStore, Report, Store, Timestamp,
};

use super::crm::{Batch, Crm};
use super::owner::claim_all;

/// From now on its deadline has passed by so much.
async fn overdue(store: &PostgresStore, batch: &Batch, by: i64) -> JobId {
    let deadline = Deadline::At(Timestamp::from_millis(1000 - by));
    let command = Operation::SetDeadline { job_id: batch.job, deadline };
    store.operate(Command::new(command, Actor::default())).await.unwrap().expect("the job has open items");
    batch.job
}

/// The names of the completions that are due to leave, with their data.
async fn completions(store: &PostgresStore) -> Vec<(String, serde_json::Value)> {
    let entries = store.claim(claim_all()).await.unwrap().entries;
    let told = entries.into_iter().filter(|entry| entry.event.name == "robot/job.batch_completed");
    told.map(|entry| (entry.event.id, serde_json::from_str(entry.event.data.get()).unwrap())).collect()
}

/// Its turn comes first each time, and with it that of one that can be closed.
#[tokio::test]
async fn a_job_that_can_not_be_closed_leaves_no_other_open() {
    let crm = Crm::new().await;
    let store = crm.store().await;
    let [refused, first, second] = [crm.batch(1).await, crm.batch(2).await, crm.batch(1).await];
    for (batch, by) in [(&refused, 3), (&first, 2), (&second, 1)] {
        overdue(&store, batch, by).await;
    }
    let trigger = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON robot_jobs FOR EACH ROW WHEN (OLD.id = '{}') EXECUTE FUNCTION refuse();",
        refused.job
    );
    crm.client.batch_execute(&trigger).await.unwrap();
    assert_eq!(store.expire(1).await.unwrap(), [first.job], "at most so many are closed");
    assert_eq!(store.expire(10).await.unwrap(), [second.job]);
    store.expire(10).await.expect_err("when only that one is left, it is said");
    crm.client.batch_execute("DROP TRIGGER refuse ON robot_jobs").await.unwrap();
    assert_eq!(store.expire(10).await.unwrap(), [refused.job]);
    assert_eq!(store.verify().await.unwrap(), []);
}

#[tokio::test]
async fn a_job_that_is_locked_for_long_keeps_no_other_deadline_waiting() {
    let crm = Crm::new().await;
    let options = PostgresOptions { lock_timeout: Duration::from_millis(100), ..PostgresOptions::default() };
    let store = PostgresStore::connect(&crm.database.url(), options).await.unwrap();
    let (locked, free) = (crm.batch(1).await, crm.batch(1).await);
    overdue(&store, &locked, 2).await;
    overdue(&store, &free, 1).await;
    let mut other = crm.database.client().await;
    let other = other.transaction().await.unwrap();
    let lock = format!("SELECT FROM robot_jobs WHERE id = '{}' FOR UPDATE", locked.job);
    other.batch_execute(&lock).await.unwrap();
    assert_eq!(store.expire(10).await.unwrap(), [free.job]);
    let busy = store.expire(10).await.expect_err("only the locked one is left");
    assert!(busy.is_transient(), "{busy:?}");
    other.rollback().await.unwrap();
    assert_eq!(store.expire(10).await.unwrap(), [locked.job]);
}

/// With an order its item is gone there, and nobody will report on it.
#[tokio::test]
async fn a_job_whose_order_was_deleted_completes_at_its_deadline() {
    let crm = Crm::new().await;
    let store = crm.store().await;
    let (reported, open) = (crm.batch(3).await, crm.batch(2).await);
    for batch in [&reported, &open] {
        let deleted = format!("DELETE FROM orders WHERE id = '{}'", batch.orders[0]);
        crm.client.batch_execute(&deleted).await.unwrap();
    }
    store.apply(Report::success(reported.items[1], "73150001234")).await.unwrap();
    store.apply(Report::error(reported.items[2], ErrorType::Portal, "no")).await.unwrap();
    assert_eq!(completions(&store).await, [], "one item of three is missing");
    overdue(&store, &reported, 2).await;
    overdue(&store, &open, 1).await;
    assert_eq!(store.expire(10).await.unwrap(), [reported.job, open.job]);
    assert_eq!(store.expire(10).await.unwrap(), [], "once");
    let counts = |id: JobId, successes: u32, errors: u32| {
        let data = serde_json::json!({
            "jobId": id, "workspaceId": crm.shop.workspace, "successCount": successes, "errorCount": errors,
        });
        (format!("robot/job.batch_completed:{id}:1"), data)
    };
    assert_eq!(completions(&store).await, [counts(reported.job, 1, 1), counts(open.job, 0, 1)]);
    for batch in [reported, open] {
        assert_eq!(store.job(batch.job).await.unwrap().unwrap().job.status, JobStatus::Completed);
    }
    let amiss = store.verify().await.unwrap();
    assert!(amiss.iter().all(|found| found.what == "total_items"), "{amiss:?}");
    assert_eq!(amiss.len(), 2, "that items are missing is said");
}

/// What its owner gave up needs no completion.
#[tokio::test]
async fn a_failed_job_that_misses_items_is_left_alone() {
    let crm = Crm::new().await;
    let store = crm.store().await;
    let batch = crm.batch(1).await;
    overdue(&store, &batch, 1).await;
    let failed = "UPDATE robot_jobs SET status = 'failed'; DELETE FROM orders;";
    crm.client.batch_execute(failed).await.unwrap();
    assert_eq!(store.expire(10).await.unwrap(), []);
    assert_eq!(completions(&store).await, []);
}
