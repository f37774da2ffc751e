//! Whether the time of the secret check tells a right secret from a wrong one: each class of what may be presented,
//! interleaved at random with the right secret, compared by Welch's t as `dudect` does.
//!
//! `cargo bench -p robot-callback-benches --bench timing` prints a table; how to read it is in the README beside.

#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::hint::black_box;
use std::time::Instant;

use robot_callback_core::Secrets;

const ROUNDS: usize = 200_000;
/// Calls for each measurement: one alone is shorter than the clock is exact.
const CALLS: u32 = 16;
const RIGHT: [u8; 64] = *b"7f3a9c51e8d2460b95c7a1f4038e6d2b7f3a9c51e8d2460b95c7a1f4038e6d2b";

struct Class {
    name: &'static str,
    presented: Option<Vec<u8>>,
}

fn classes() -> Vec<Class> {
    let changed = |place: usize| {
        let mut wrong = RIGHT.to_vec();
        wrong[place] ^= 1;
        Some(wrong)
    };
    let class = |name, presented| Class { name, presented };
    vec![
        class("right, once more", Some(RIGHT.to_vec())),
        class("wrong in the first byte", changed(0)),
        class("wrong in the middle", changed(31)),
        class("wrong in the last byte", changed(63)),
        class("all zeros, as long", Some(vec![b'0'; 64])),
        class("previous secret, as long", Some(vec![b'p'; 64])),
        class("absent", None),
        class("1 byte", Some(vec![b'7'; 1])),
        class("its first 32 bytes", Some(RIGHT[..32].to_vec())),
        class("its first 63 bytes", Some(RIGHT[..63].to_vec())),
        class("with a byte more", Some([&RIGHT[..], b"x"].concat())),
        class("128 bytes", Some(vec![b'7'; 128])),
        class("1024 bytes", Some(vec![b'7'; 1024])),
    ]
}

fn measure(secrets: &Secrets, presented: Option<&[u8]>) -> f64 {
    let begun = Instant::now();
    for _ in 0..CALLS {
        black_box(black_box(secrets).presented(black_box(presented)).is_valid());
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// Mean and variance of the mean, without the slowest twentieth: there the machine did something else.
fn summary(mut times: Vec<f64>) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() * 19 / 20);
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (times[times.len() / 2], mean, variance / count)
}

fn compare(secrets: &Secrets, class: &Class, rng: &mut fastrand::Rng) {
    let (mut right, mut other) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        if rng.bool() {
            right.push(measure(secrets, Some(&RIGHT)));
        } else {
            other.push(measure(secrets, class.presented.as_deref()));
        }
    }
    let ((base, base_mean, base_error), (median, mean, error)) = (summary(right), summary(other));
    let t = (mean - base_mean) / (error + base_error).sqrt();
    println!("{:26} {base:9.1} {median:9.1} {:+9.2} {t:+9.1}", class.name, mean - base_mean);
}

fn main() {
    let secrets = Secrets::new([RIGHT, [b'p'; 64]]);
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    println!("seed {seed}; {ROUNDS} measurements a line, {CALLS} checks each; times in ns\n");
    println!("{:26} {:>9} {:>9} {:>9} {:>9}", "presented", "right", "this", "mean +-", "t");
    for class in classes() {
        compare(&secrets, &class, &mut rng);
    }
}
