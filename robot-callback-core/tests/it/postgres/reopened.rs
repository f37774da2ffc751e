//! Jobs that their owner re-opens by means of their own, which know nothing of runs.

use robot_callback_core::{
    Actor, Command, Deadline, ErrorType, JobQuery, Operation, OperatorStore, PostgresStore, Report, Store,
    Timestamp, Verdict,
};

use super::crm::{Batch, Crm};
use super::owner::claim_all;

const NUMBER: &str = "73150001234";

/// As an owner's program does it.
async fn reopen(crm: &Crm, batch: &Batch) {
    let sql = format!(
        "UPDATE robot_job_items SET status = 'pending', retry_count = retry_count + 1, completed_at = NULL
            WHERE job_id = '{job}' AND status = 'error';
         UPDATE robot_jobs SET status = 'pending', error_count = 0, batch_completed_emitted = false,
            completed_at = NULL WHERE id = '{job}';",
        job = batch.job
    );
    crm.client.batch_execute(&sql).await.unwrap();
}

async fn completions(store: &PostgresStore) -> Vec<String> {
    let entries = store.claim(claim_all()).await.unwrap().entries;
    let told = entries.into_iter().filter(|entry| entry.event.name == "robot/job.batch_completed");
    told.map(|entry| entry.event.id).collect()
}

async fn complete(store: &PostgresStore, report: Report) {
    let applied = store.apply(report).await.unwrap().expect("the item is there");
    assert_eq!((applied.verdict, applied.completed), (Verdict::Applied, true));
}

#[tokio::test]
async fn a_job_that_its_owner_reopened_is_completed_and_announced_in_its_next_run() {
    let crm = Crm::new().await;
    let (store, batch) = (crm.store().await, crm.batch(2).await);
    store.apply(Report::success(batch.items[0], NUMBER)).await.unwrap();
    for run in 1..=3 {
        complete(&store, Report::error(batch.items[1], ErrorType::Portal, "no")).await;
        assert_eq!(completions(&store).await, [format!("robot/job.batch_completed:{}:{run}", batch.job)]);
        assert_eq!(store.verify().await.unwrap(), []);
        reopen(&crm, &batch).await;
    }
    complete(&store, Report::success(batch.items[1], NUMBER)).await;
    assert_eq!(completions(&store).await, [format!("robot/job.batch_completed:{}:4", batch.job)]);
    assert_eq!(store.verify().await.unwrap(), []);
}

/// It was the deadline of a run that is complete; another one that an operator sets is kept.
#[tokio::test]
async fn a_job_that_its_owner_reopened_has_no_deadline_until_it_is_given_one() {
    let crm = Crm::new().await;
    let (store, batch) = (crm.store().await, crm.batch(2).await);
    let overdue = async || {
        let (job_id, deadline) = (batch.job, Deadline::At(Timestamp::EPOCH));
        let command = Command::new(Operation::SetDeadline { job_id, deadline }, Actor::default());
        store.operate(command).await.unwrap().expect("the job has open items");
    };
    let listed = async || {
        let overdue = JobQuery { overdue: true, ..JobQuery::default() };
        store.jobs(overdue).await.unwrap().rows.len()
    };
    for run in 1..=2 {
        overdue().await;
        assert_eq!(listed().await, 1);
        assert_eq!(store.expire(10).await.unwrap(), [batch.job]);
        assert_eq!(completions(&store).await, [format!("robot/job.batch_completed:{}:{run}", batch.job)]);
        reopen(&crm, &batch).await;
        assert_eq!(store.expire(10).await.unwrap(), []);
        assert_eq!(listed().await, 0);
    }
    for (item, is_last) in batch.items.iter().zip([false, true]) {
        let applied = store.apply(Report::success(*item, NUMBER)).await.unwrap().unwrap();
        assert_eq!((applied.verdict, applied.completed), (Verdict::Applied, is_last));
    }
    assert_eq!(completions(&store).await.len(), 1);
    assert_eq!(store.verify().await.unwrap(), []);
}
