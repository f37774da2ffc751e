//! Two processes' stores on one SQLite file keep deadlines: each once.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Allowance, Deadline, ManualClock, NewJob, OperatorStore, SqliteOptions, SqliteStore, Store,
};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_file_keep_each_deadline_once() {
    const JOBS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::default() };
    let open = || Arc::new(SqliteStore::open(folder.path().join("shared.db"), options.clone()).unwrap());
    let stores = [open(), open()];
    let mut made = Vec::new();
    for _ in 0..JOBS {
        let body =
            br#"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"1"},{"name":"2"}]}"#;
        let allowance = Allowance { per_order: Duration::from_secs(10), plus: Duration::ZERO };
        let job = NewJob { deadline: Deadline::Within(allowance), ..NewJob::from_json(body, None).unwrap() };
        made.push(job.id);
        stores[0].create_job(job).await.unwrap();
    }
    clock.advance(Duration::from_secs(20));
    let mut keeping = JoinSet::new();
    for n in 0..6 {
        let store = stores[n % 2].clone();
        keeping.spawn(async move { store.expire(JOBS).await.unwrap() });
    }
    let mut closed = keeping.join_all().await.concat();
    closed.sort();
    made.sort();
    assert_eq!(closed, made, "each deadline is kept by one of them");
    assert_eq!(stores[1].verify().await.unwrap(), []);
    let claim = robot_callback_core::Claim { limit: 100, lease: Duration::from_secs(60) };
    assert_eq!(
        stores[1].claim(claim).await.unwrap().entries.len(),
        JOBS,
        "and each completion announced once"
    );
}
