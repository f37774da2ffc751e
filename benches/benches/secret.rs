//! The secret check, beside the one thing it must do: hash what was presented.

#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use robot_callback_core::Secrets;
use sha2::{Digest, Sha256};

fn secret_check(c: &mut Criterion) {
    let secrets = Secrets::new(["c".repeat(64), "p".repeat(64)]);
    let mut group = c.benchmark_group("secret");
    for length in [16, 64, 256] {
        let presented = vec![b'c'; length];
        group.bench_with_input(BenchmarkId::new("sha256", length), &presented, |b, presented| {
            b.iter(|| Sha256::digest(black_box(presented)));
        });
        group.bench_with_input(BenchmarkId::new("check", length), &presented, |b, presented| {
            b.iter(|| black_box(&secrets).presented(Some(black_box(presented))).is_valid());
        });
    }
    group.finish();
}

criterion_group!(benches, secret_check);
criterion_main!(benches);
