//! Whether the time of the secret check says how near a guess came: guesses that share something with the secret against
//! random ones of the same length, each in random turn, by Welch's t (as `dudect` does) and by ranks.
//!
//! `cargo bench -p robot-callback-benches --bench timing` prints a table; how to read it is in the README beside. It exits
//! with 1 when a line is not what it should be.

#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use robot_callback_benches::{BOUND, Comparison};
use robot_callback_core::Secrets;

/// Measurements of a line, both sides together.
const ROUNDS: usize = 1_000_000;
const CHUNK: usize = 1000;
/// Calls for each measurement: one alone is shorter than the clock is exact.
const CALLS: u32 = 4;
const RIGHT: &[u8; 64] = b"7f3a9c51e8d2460b95c7a1f4038e6d2b1c8e5f7093ab64d2e07b19f58c3a6e4d";

/// What is presented in a line's first class; the second has random bytes of the same length.
struct Line {
    name: &'static str,
    /// Starts with so much of the right secret, and goes on at random.
    shared: usize,
    length: usize,
}

const fn line(name: &'static str, shared: usize, length: usize) -> Line {
    Line { name, shared, length }
}

/// What nobody may tell from random bytes.
const GUESSES: [Line; 8] = [
    line("random, once more", 0, 64),
    line("first byte right", 1, 64),
    line("first 8 bytes right", 8, 64),
    line("all but the last byte right", 63, 64),
    line("its first 32 bytes", 32, 32),
    line("its first 63 bytes", 63, 63),
    line("itself and a byte more", 64, 65),
    line("itself and 960 bytes more", 64, 1024),
];

/// A compare that leaves at the first wrong byte, in the check's place: what this bench must see.
const LEAKS: [Line; 3] = [
    line("leak: first byte right", 1, 64),
    line("leak: first 8 bytes right", 8, 64),
    line("leak: all but the last right", 63, 64),
];

/// Told apart by design: the answer says the same, and the length is the caller's own.
const OPEN: Line = line("the secret itself", 64, 64);

#[inline(never)]
fn leaks(presented: &[u8]) -> bool {
    presented.len() == RIGHT.len()
        && presented.iter().zip(RIGHT).all(|(one, other)| black_box(one) == black_box(other))
}

fn measure(check: impl Fn(&[u8]) -> bool, presented: &[u8]) -> f64 {
    let begun = Instant::now();
    for _ in 0..CALLS {
        black_box(check(black_box(presented)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// What is presented in the next measurements, made before the clock runs: which class each is of, and their bytes.
struct Chunk {
    shares: Vec<bool>,
    bytes: Vec<u8>,
}

impl Chunk {
    fn of(line: &Line, rng: &mut fastrand::Rng) -> Self {
        let shares: Vec<bool> = (0..CHUNK).map(|_| rng.bool()).collect();
        let mut bytes = vec![0; line.length * CHUNK];
        rng.fill(&mut bytes);
        for (guess, shares) in bytes.chunks_exact_mut(line.length).zip(&shares) {
            for (place, (byte, right)) in guess.iter_mut().zip(RIGHT).enumerate() {
                // No byte of a random guess is right by chance: the classes are as far apart as they can be.
                let wrong = if byte == right { !right } else { *byte };
                *byte = if *shares && place < line.shared { *right } else { wrong };
            }
        }
        Self { shares, bytes }
    }
}

/// Measures a line. Between two measurements nothing depends on the class but the bytes, which are presented from the same
/// place in memory.
fn compare(check: impl Fn(&[u8]) -> bool, line: &Line, rng: &mut fastrand::Rng) -> Comparison {
    let mut took = [Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS)];
    let mut presented = vec![0; line.length];
    for chunk in 0..=ROUNDS / CHUNK {
        let Chunk { shares, bytes } = Chunk::of(line, rng);
        let mut times = Vec::with_capacity(CHUNK);
        for guess in bytes.chunks_exact(line.length) {
            presented.copy_from_slice(guess);
            // What was written is in place before the clock starts.
            fence(Ordering::SeqCst);
            times.push(measure(&check, &presented));
        }
        // The first chunk warms up.
        for (time, shares) in times.into_iter().zip(shares).filter(|_| chunk > 0) {
            took[usize::from(shares)].push(time);
        }
    }
    Comparison::of(&took[0], &took[1])
}

/// Prints a line; whether it is as expected.
fn show(line: &Line, found: &Comparison, expected: Option<bool>) -> bool {
    let Comparison { medians: [base, median], difference, margin, t, slower, z } = found;
    let told = if found.is_told_apart() { "told apart" } else { "alike" };
    let well = expected.is_none_or(|expected| expected == found.is_told_apart());
    let mark = if well { "" } else { "  NOT AS IT SHOULD BE" };
    println!(
        "{:30} {base:7.1} {median:7.1} {difference:+8.2} ±{margin:5.2} {t:+8.1} {:7.2}% {z:+8.1}  {told}{mark}",
        line.name,
        slower * 100.0
    );
    well
}

fn main() -> ExitCode {
    let secrets = Secrets::new([&RIGHT[..], b"the secret before, of another length"]);
    let check = |presented: &[u8]| secrets.presented(Some(presented)).is_valid();
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    println!(
        "seed {seed}; {ROUNDS} measurements a line, {CALLS} checks each; ns; told apart beyond {BOUND}\n"
    );
    println!(
        "{:30} {:>7} {:>7} {:>8}  {:>5} {:>8} {:>8} {:>8}",
        "presented", "random", "this", "mean", "99%", "t", "slower", "z"
    );
    let mut well = true;
    for line in &GUESSES {
        well &= show(line, &compare(check, line, &mut rng), Some(false));
    }
    for line in &LEAKS {
        well &= show(line, &compare(leaks, line, &mut rng), Some(true));
    }
    show(&OPEN, &compare(check, &OPEN, &mut rng), None);
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
