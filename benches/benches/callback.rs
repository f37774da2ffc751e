//! `handle_callback` on each store: the first report of an item, and the same report again. An iteration is a job of
//! reports; the throughput is callbacks a second.

#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

#[path = "../src/sample.rs"]
mod sample;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use robot_callback_benches::{Database, Plan};
use robot_callback_core::{
    Creation, MemoryStore, OperatorStore, PostgresOptions, PostgresStore, Secrets, SqliteOptions,
    SqliteStore, Store, Verdict, handle_callback,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::sample::{NoRelay, sample_body, sample_job};

const SECRET: &[u8] = b"a callback secret of some length";

/// The bodies of the reports on a fresh job of so many items.
async fn fresh_job(store: &dyn OperatorStore, items: usize) -> Vec<Vec<u8>> {
    let job = sample_job(items).expect("a good request");
    let bodies = job.items.iter().map(|item| sample_body(item.id)).collect();
    let made = store.create_job(job).await.expect("a working store");
    assert!(matches!(made, Creation::Created(_)), "{made:?}");
    bodies
}

async fn report(store: &dyn Store, secrets: &Secrets, body: &[u8], expected: Verdict) {
    let receipt = handle_callback(store, &NoRelay, secrets.presented(Some(SECRET)), body).await;
    assert_eq!(receipt.expect("a working store").verdict, expected);
}

/// How many reports an iteration has: enough for each caller to meet all others.
fn reports(callers: usize) -> usize {
    (callers * 8).clamp(128, 1024)
}

/// The time that `callers` take for all reports of a fresh job, or to repeat as many; and that so many times.
async fn timed(store: Arc<dyn OperatorStore>, callers: usize, count: u64, expected: Verdict) -> Duration {
    let secrets = Arc::new(Secrets::new([SECRET]));
    let mut spent = Duration::ZERO;
    for _ in 0..count {
        let items = if expected == Verdict::Duplicate { callers } else { reports(callers) };
        let mut bodies = fresh_job(&*store, items).await;
        if expected == Verdict::Duplicate {
            for body in &bodies {
                report(&*store, &secrets, body, Verdict::Applied).await;
            }
            bodies = bodies.iter().cycle().take(reports(callers)).cloned().collect();
        }
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
    let (_server, postgres) = runtime.block_on(postgres(folder.path()));
    let stores: [(&str, Arc<dyn OperatorStore>, usize); 7] = [
        ("memory, 1 caller", Arc::new(MemoryStore::new()), 1),
        ("sqlite, 1 caller", open(&folder, "1.db"), 1),
        ("sqlite, 32 callers", open(&folder, "32.db"), 32),
        ("sqlite, 128 callers", open(&folder, "128.db"), 128),
        ("postgres, 1 caller", postgres.clone(), 1),
        ("postgres, 32 callers", postgres.clone(), 32),
        ("postgres, 128 callers", postgres, 128),
    ];
    for (kind, verdict) in [("first report", Verdict::Applied), ("duplicate", Verdict::Duplicate)] {
        let mut group = c.benchmark_group(kind);
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        for (name, store, callers) in &stores {
            group.throughput(Throughput::Elements(u64::try_from(reports(*callers)).unwrap_or_default()));
            group.bench_function(*name, |b| {
                b.iter_custom(|count| runtime.block_on(timed(store.clone(), *callers, count, verdict)));
            });
        }
        group.finish();
    }
}

/// So that a job can be made of orders with no more to them than ours have.
const NO_MORE_NEEDED: &str = "DO $$ BEGIN EXECUTE (SELECT format(
    'ALTER TABLE orders ALTER pipeline_id SET DEFAULT %L, ALTER stage_id SET DEFAULT %L', pipeline_id, id)
    FROM pipeline_stages); END $$";

/// A store on a PostgreSQL server of our own, which runs for as long as the first of the two is kept.
async fn postgres(folder: &Path) -> (Database, Arc<dyn OperatorStore>) {
    let mut server = Database::make("postgres", folder).await.expect("PostgreSQL is installed");
    server.fill(&Plan::of(40, 2_000)).await.expect("the CRM, with orders in it");
    let Database::Postgres(postgres) = &server else { unreachable!("it was made as that") };
    let client = postgres.connect().await.expect("a database");
    client.batch_execute(NO_MORE_NEEDED).await.expect("a stage to default to");
    let store = PostgresStore::connect(&server.url(), PostgresOptions::default()).await;
    (server, Arc::new(store.expect("a working database")))
}

fn open(folder: &tempfile::TempDir, name: &str) -> Arc<dyn OperatorStore> {
    Arc::new(SqliteStore::open(folder.path().join(name), SqliteOptions::default()).expect("a new file"))
}

criterion_group!(benches, handle);
criterion_main!(benches);
