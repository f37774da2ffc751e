//! `handle_callback` on each store: the first report of an item, and the same report again.

#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

#[path = "../src/sample.rs"]
mod sample;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use robot_callback_core::{
    MemoryStore, OperatorStore, Secrets, SqliteOptions, SqliteStore, Store, Verdict, handle_callback,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::sample::{NoRelay, sample_body, sample_job};

const SECRET: &[u8] = b"a callback secret of some length";
const JOB: usize = 1_000;

/// The bodies of a fresh job's reports.
async fn fresh_job(store: &dyn OperatorStore) -> Vec<Vec<u8>> {
    let job = sample_job(JOB).expect("a good request");
    let bodies = job.items.iter().map(|item| sample_body(item.id)).collect();
    store.create_job(job).await.expect("a working store");
    bodies
}

async fn report(store: &dyn Store, secrets: &Secrets, body: &[u8], expected: Verdict) {
    let receipt = handle_callback(store, &NoRelay, secrets.presented(Some(SECRET)), body).await;
    assert_eq!(receipt.expect("a working store").verdict, expected);
}

/// The time that `callers` take for `count` callbacks, each item's first or all of them repeated.
async fn timed(store: Arc<dyn OperatorStore>, callers: usize, count: u64, expected: Verdict) -> Duration {
    let secrets = Arc::new(Secrets::new([SECRET]));
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    let mut spent = Duration::ZERO;
    while left > 0 {
        let mut bodies = fresh_job(&*store).await;
        if expected == Verdict::Duplicate {
            bodies.truncate(callers);
            for body in &bodies {
                report(&*store, &secrets, body, Verdict::Applied).await;
            }
            bodies = bodies.iter().cycle().take(JOB).cloned().collect();
        }
        bodies.truncate(left);
        left -= bodies.len();
        spent += together(&store, &secrets, callers, bodies, expected).await;
    }
    spent
}

async fn together(
    store: &Arc<dyn OperatorStore>,
    secrets: &Arc<Secrets>,
    callers: usize,
    bodies: Vec<Vec<u8>>,
    expected: Verdict,
) -> Duration {
    let shares: Vec<Vec<Vec<u8>>> =
        bodies.chunks(bodies.len().div_ceil(callers)).map(<[_]>::to_vec).collect();
    let start = Instant::now();
    let mut calling = JoinSet::new();
    for share in shares {
        let (store, secrets) = (store.clone(), secrets.clone());
        calling.spawn(async move {
            for body in share {
                report(&*store, &secrets, &body, expected).await;
            }
        });
    }
    while let Some(caller) = calling.join_next().await {
        caller.expect("a caller that ends well");
    }
    start.elapsed()
}

fn handle(c: &mut Criterion) {
    let runtime = Runtime::new().expect("threads to run on");
    let folder = tempfile::tempdir().expect("a folder for the file");
    let stores: [(&str, Arc<dyn OperatorStore>, usize); 4] = [
        ("memory, 1 caller", Arc::new(MemoryStore::new()), 1),
        ("sqlite, 1 caller", open(&folder, "1.db"), 1),
        ("sqlite, 32 callers", open(&folder, "32.db"), 32),
        ("sqlite, 128 callers", open(&folder, "128.db"), 128),
    ];
    for (kind, verdict) in [("first report", Verdict::Applied), ("duplicate", Verdict::Duplicate)] {
        let mut group = c.benchmark_group(kind);
        group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(3));
        for (name, store, callers) in &stores {
            group.bench_function(*name, |b| {
                b.iter_custom(|count| runtime.block_on(timed(store.clone(), *callers, count, verdict)));
            });
        }
        group.finish();
    }
}

fn open(folder: &tempfile::TempDir, name: &str) -> Arc<dyn OperatorStore> {
    Arc::new(SqliteStore::open(folder.path().join(name), SqliteOptions::default()).expect("a new file"))
}

criterion_group!(benches, handle);
criterion_main!(benches);
