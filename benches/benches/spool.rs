//! A result handed to the spool until it is durable, by one caller or by many, beside a sync of the same disk.

#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use robot_callback_core::{ItemId, Report};
use robot_coordinadora_client::{
    Client, ClientOptions, Handed, MemoryKeyring, NamedDestination, Spool, SpoolOptions,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// The time that `callers` take to hand over `count` reports to a fresh spool. It has no secret for them, so that
/// nothing is sent meanwhile.
async fn handed_over(callers: u64, count: u64) -> Duration {
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let client = Client::new(ClientOptions::default()).expect("certificates to trust");
    let keyring = Arc::new(MemoryKeyring::new());
    let options = SpoolOptions { max_bytes: u64::MAX, ..SpoolOptions::default() };
    let spool = Arc::new(Spool::open(folder.path(), client, keyring, options).expect("an empty folder"));
    let start = Instant::now();
    let mut calling = JoinSet::new();
    for caller in 0..callers {
        let share = count / callers + u64::from(caller < count % callers);
        calling.spawn(call(spool.clone(), share));
    }
    while let Some(caller) = calling.join_next().await {
        caller.expect("a caller that ends well");
    }
    start.elapsed()
}

async fn call(spool: Arc<Spool>, share: u64) {
    let to =
        NamedDestination { callback_url: "http://127.0.0.1:9/".to_owned(), secret_name: "none".to_owned() };
    for _ in 0..share {
        let handed = spool.report_result(&to, &Report::success(ItemId::random(), "73150001234")).await;
        assert_eq!(handed.expect("a working disk"), Handed::Spooled);
    }
}

/// The time that as many small appends take, each synced.
fn synced(count: u64) -> Duration {
    let mut file = tempfile::tempfile().expect("a file");
    let start = Instant::now();
    for _ in 0..count {
        file.write_all(&[0; 400]).and_then(|()| file.sync_data()).expect("a working disk");
    }
    start.elapsed()
}

fn spool(c: &mut Criterion) {
    let runtime = Runtime::new().expect("threads to run on");
    let mut group = c.benchmark_group("spooled");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("limit: a synced append", |b| b.iter_custom(synced));
    for callers in [1, 32, 128] {
        let name = format!("{callers} callers");
        group.bench_function(name, |b| {
            b.iter_custom(|count| runtime.block_on(handed_over(callers, count)));
        });
    }
    group.finish();
}

criterion_group!(benches, spool);
criterion_main!(benches);
