//! The robot's spool: how many reports a second it makes durable and delivers, beside the syncs of the same disk, and
//! what a backlog takes of memory and of time when it is opened again.

#![allow(clippy::print_stdout, reason = "a program that measures prints what it found")]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use robot_callback_benches::{Backlog, Drained, Filled, Spread, limits, program};

/// Fills spools, opens them again and drains them, in turn with the disk's own limit; prints medians, if every run was
/// right.
#[derive(Parser)]
struct Args {
    /// How often each is measured; the medians are printed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// How many reports wait in the backlog
    #[arg(long, default_value_t = 100_000)]
    backlog: usize,
    /// How many reports each caller hands over while the rate is measured
    #[arg(long, default_value_t = 1_000)]
    reports: usize,
    /// The folder to measure in, on the disk that counts
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
}

/// How many callers hand over at the same time.
const CALLERS: [usize; 3] = [1, 32, 128];
/// What a report takes on the disk, about.
const REPORT: usize = 256;

fn main() -> ExitCode {
    program(|| measure(&Args::parse()))
}

fn measure(args: &Args) -> io::Result<()> {
    println!("| callers | made durable, /s | syncs of the disk, /s | of the syncs | lowest | highest |");
    println!("|---|---|---|---|---|---|");
    for callers in CALLERS {
        beside_the_disk(args, callers)?;
    }
    let mut runs = Vec::new();
    for _ in 0..args.rounds {
        runs.push(perform(args, args.backlog, 128)?);
    }
    print(args.backlog, &runs);
    Ok(())
}

/// Each round stands between two looks at what the disk can do just then.
fn beside_the_disk(args: &Args, callers: usize) -> io::Result<()> {
    let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let before = syncs(args)?;
        let (Filled { rate, .. }, _) = perform(args, args.reports * callers.min(50), callers)?;
        let limit = f64::midpoint(before, syncs(args)?);
        rates.push(rate);
        limits.push(limit);
        ratios.push(rate / limit);
    }
    let (rate, limit) = (Spread::of(&rates).median, Spread::of(&limits).median);
    let Spread { lowest, median: ratio, highest } = Spread::of(&ratios);
    println!("| {callers} | {rate:.0} | {limit:.0} | {ratio:.2} | {lowest:.2} | {highest:.2} |");
    Ok(())
}

fn syncs(args: &Args) -> io::Result<f64> {
    limits::syncs_a_second(tempfile::tempdir_in(&args.folder)?.path(), REPORT)
}

/// A run in a folder of its own.
fn perform(args: &Args, reports: usize, callers: usize) -> io::Result<(Filled, Drained)> {
    let folder = tempfile::tempdir_in(&args.folder)?;
    Backlog { reports, callers, folder: folder.path().to_owned() }.perform()
}

fn print(backlog: usize, runs: &[(Filled, Drained)]) {
    let of = |figure: fn(&(Filled, Drained)) -> f64| {
        Spread::of(&runs.iter().map(figure).collect::<Vec<_>>()).median
    };
    let empty = of(|(filled, _)| filled.empty_mib);
    #[expect(clippy::cast_precision_loss, reason = "a number of reports is far below 2^52")]
    let each = |mib: f64| (mib - empty) * 1024.0 * 1024.0 / backlog as f64;
    let (full, opened) = (of(|(filled, _)| filled.full_mib), of(|(_, drained)| drained.opened_mib));
    println!("\n| a backlog of {backlog} reports | |\n|---|---|");
    println!("| memory of an empty spool's process, MiB | {empty:.1} |");
    println!("| while all wait, MiB | {full:.1} |");
    println!("| of that for each report, bytes | {:.0} |", each(full));
    println!("| opened again, MiB | {opened:.1} |");
    println!("| of that for each report, bytes | {:.0} |", each(opened));
    println!("| on the disk for each report, bytes | {:.0} |", of(|(filled, _)| filled.bytes));
    println!("| opening it, ms | {:.0} |", of(|(_, drained)| drained.opened_ms));
    println!("| delivered to a loopback endpoint, /s | {:.0} |", of(|(_, drained)| drained.rate));
}
