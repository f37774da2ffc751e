//! What a callback costs on one core before any disk or network has a say, and a secret beside the hash that its check
//! can't do without.
//!
//! Medians of many short looks: whatever else the machine does falls into few of them.

use std::hint::black_box;
use std::io;
use std::time::Instant;

use robot_callback_core::{MemoryStore, OperatorStore, Secrets, handle_callback};
use sha2::{Digest, Sha256};

use crate::sample::{NoRelay, sample_body, sample_job};
use crate::statistics::Spread;

const SECRET: &[u8; 64] = b"a callback secret of 64 bytes, which is what a generator makes..";
/// How many of the same make a look.
const LOOK: usize = 100;

/// Microseconds for the first report of an item, through `handle_callback` on the memory store: of ten stores with a job
/// of 1,000 items each.
///
/// # Errors
/// When a report is not taken.
pub async fn first_report() -> io::Result<f64> {
    let secrets = Secrets::new([SECRET]);
    let mut looks = Vec::new();
    for _ in 0..10 {
        let store = MemoryStore::new();
        let job = sample_job(10 * LOOK).map_err(io::Error::other)?;
        let bodies: Vec<Vec<u8>> = job.items.iter().map(|item| sample_body(item.id)).collect();
        store.create_job(job).await.map_err(io::Error::other)?;
        for bodies in bodies.chunks(LOOK) {
            let start = Instant::now();
            for body in bodies {
                let handled = handle_callback(&store, &NoRelay, secrets.presented(Some(SECRET)), body).await;
                handled.map_err(io::Error::other)?;
            }
            looks.push(nanoseconds_each(start) / 1e3);
        }
    }
    Ok(Spread::of(&looks).median)
}

/// Nanoseconds for the check of a secret of 64 bytes while two are valid, and for SHA-256 of the same bytes, looked at
/// in turn.
#[must_use]
pub fn secret_and_hash() -> [f64; 2] {
    let secrets = Secrets::new([SECRET.as_slice(), b"another one, while robots change over"]);
    let looks = (0..2_000).map(|_| {
        let check = look(|| {
            black_box(black_box(&secrets).presented(Some(black_box(SECRET))).is_valid());
        });
        let hash = look(|| {
            black_box(Sha256::digest(black_box(SECRET)));
        });
        (check, hash)
    });
    let (check, hash): (Vec<f64>, Vec<f64>) = looks.unzip();
    [check, hash].map(|looks| Spread::of(&looks).median)
}

fn look(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..LOOK {
        work();
    }
    nanoseconds_each(start)
}

fn nanoseconds_each(start: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a hundred is far below 2^52")]
    let looked_at = LOOK as f64;
    start.elapsed().as_secs_f64() * 1e9 / looked_at
}
