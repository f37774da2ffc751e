//! Several servers on one database: first starts at once, the last items of a job at once, a database that dies.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Claim, Creation, ItemId, JobId, JobStatus, NewJob, OperatorStore, PostgresOptions, PostgresStore, Report,
    Store, Verdict,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::crm::number;
use super::database::{Content, own};
use super::server::{Database, shared};
use super::world::through_the_pooler;

async fn connect(url: &str) -> Arc<PostgresStore> {
    let connected = PostgresStore::connect(url, PostgresOptions::default()).await;
    Arc::new(connected.expect("the database can be reached"))
}

async fn make(store: &PostgresStore, size: usize) -> (JobId, Vec<ItemId>) {
    let orders =
        vec![r##"{"name":"#1001","contact":{"name":"Ana","phone":"+573001234567"}}"##; size].join(",");
    let body = format!(r#"{{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{orders}]}}"#);
    let job = NewJob::from_json(body.as_bytes(), None).unwrap();
    let made = (job.id, job.items.iter().map(|item| item.id).collect());
    assert_eq!(store.create_job(job).await.unwrap(), Creation::Created(made.0));
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_simultaneous_first_starts_all_succeed() {
    let database = shared().database(Content::Nothing).await;
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let url = database.url();
        starting.spawn(async move { connect(&url).await.ping().await });
    }
    for started in starting.join_all().await {
        started.expect("each finds the tables as they should be");
    }
    let rows = database.client().await.query("SELECT version FROM robot_callback.migrations", &[]).await;
    assert_eq!(rows.unwrap().len(), 4, "each migration was done once");
}

/// 1,000 jobs of 32 items; 32 callers, spread over four servers, report the items of a job at once, a quarter of them
/// twice. Every job must complete exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_items_of_a_job_reported_at_once_complete_it_once() {
    let database = shared().database(Content::Ours).await;
    let url = database.url();
    complete_once(&database, async || connect(&url).await, 1000).await;
}

/// Each transaction may get another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_items_of_a_job_reported_at_once_behind_a_pooler_complete_it_once() {
    let database = own().database(Content::Ours).await;
    let (url, options) = through_the_pooler(&database);
    let connect = async || Arc::new(PostgresStore::connect(&url, options.clone()).await.unwrap());
    complete_once(&database, connect, 200).await;
}

async fn complete_once(database: &Database, connect: impl AsyncFn() -> Arc<PostgresStore>, rounds: usize) {
    const CALLERS: usize = 32;
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(connect().await);
    }
    let mut verdicts = Vec::new();
    for _ in 0..rounds / 10 {
        verdicts.extend(race(&servers, CALLERS, 10).await);
    }
    let count = |verdict| verdicts.iter().filter(|said| **said == verdict).count();
    let client = database.client().await;
    let completions = number(&client, "SELECT count(*) FROM robot_callback.batch_completions").await;
    let of_completions =
        "SELECT count(*) FROM robot_callback.outbox WHERE name = 'robot/job.batch_completed'";
    println!(
        "{rounds} jobs, {CALLERS} callers on {} servers: {} applied, {} duplicates, {completions} completions",
        servers.len(),
        count(Verdict::Applied),
        count(Verdict::Duplicate)
    );
    assert_eq!(usize::try_from(completions), Ok(rounds), "each job completed exactly once");
    assert_eq!(number(&client, of_completions).await, completions, "and each completion has its event");
    assert_eq!(count(Verdict::Applied), rounds * 32, "each item was applied exactly once");
    assert_eq!(servers[0].verify().await.unwrap(), [], "and the counters equal the rows");
}

/// All items of `jobs` jobs, each of as many items as there are callers, reported at once.
async fn race(servers: &[Arc<PostgresStore>], callers: usize, jobs: usize) -> Vec<Verdict> {
    let mut made = Vec::new();
    for _ in 0..jobs {
        made.push(make(&servers[0], callers).await.1);
    }
    let barrier = Arc::new(Barrier::new(callers));
    let mut calling = JoinSet::new();
    for caller in 0..callers {
        let store = servers[caller % servers.len()].clone();
        let items: Vec<ItemId> = made.iter().map(|items| items[caller]).collect();
        let barrier = barrier.clone();
        calling.spawn(async move {
            barrier.wait().await;
            let mut verdicts = Vec::new();
            for item in items {
                let times = if caller % 4 == 0 { 2 } else { 1 };
                for _ in 0..times {
                    let applied = store.apply(Report::success(item, "73150001234")).await.unwrap();
                    verdicts.push(applied.expect("the item exists").verdict);
                }
            }
            verdicts
        });
    }
    calling.join_all().await.concat()
}

/// The same store goes on, without being made anew, when its database was stopped at once and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_dies_under_load_loses_nothing_that_was_acknowledged() {
    const DEATHS: usize = 3;
    let cluster = tokio::task::spawn_blocking(|| Arc::new(Cluster::start())).await.unwrap();
    let store = connect(&cluster.url("postgres")).await;
    let (job, items) = make(&store, 600).await;
    let mut acknowledged = 0;
    let mut refused = 0;
    for (n, share) in items.chunks(items.len() / DEATHS).enumerate() {
        let dying = cluster.clone();
        let stopping = tokio::task::spawn_blocking(move || {
            dying.stop_immediately();
            dying.start_again();
        });
        for outcome in report_until_taken(&store, share).await {
            acknowledged += 1;
            refused += outcome;
        }
        stopping.await.unwrap();
        println!("death {}: {acknowledged} acknowledged, {refused} refused on the way", n + 1);
    }
    let view = store.job(job).await.unwrap().unwrap();
    let applied = view.items.iter().filter(|view| view.item.status.outcome().is_some()).count();
    assert_eq!((applied, acknowledged), (items.len(), items.len()), "every acknowledged result is there");
    assert_eq!(view.job.status, JobStatus::Completed);
    assert_eq!(store.verify().await.unwrap(), []);
    let lease = store.claim(Claim { limit: 10_000, lease: Duration::from_secs(60) }).await.unwrap();
    assert_eq!(lease.entries.len(), items.len() + 1, "one event for each item, and one completion");
}

/// Reports each item until that is acknowledged; says how often each was refused before.
async fn report_until_taken(store: &Arc<PostgresStore>, items: &[ItemId]) -> Vec<usize> {
    let mut reporting = JoinSet::new();
    for item in items.iter().copied() {
        let store = store.clone();
        reporting.spawn(async move {
            let mut refused = 0;
            loop {
                match store.apply(Report::success(item, "73150001234")).await {
                    Ok(applied) => {
                        assert!(applied.is_some(), "the item is durable");
                        return refused;
                    }
                    Err(error) => assert!(error.is_transient(), "it is safe to send again: {error:?}"),
                }
                refused += 1;
                tokio::task::yield_now().await;
            }
        });
    }
    reporting.join_all().await
}
