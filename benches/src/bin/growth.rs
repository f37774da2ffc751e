//! What a callback costs as things grow: a job, the history of the outbox, the connections. Prints a table and draws a
//! plot beside it.

#![allow(clippy::print_stdout, reason = "a program that measures prints what it found")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use robot_callback_benches::{Database, Figures, Pace, Plan, Run, Spread, async_program, plot};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The items of one job, from 1,000 to 1,000,000
    Items,
    /// Delivered events in the outbox, from none to 10,000,000
    History,
    /// Connections, from 1 to 4,096
    Connections,
}

/// Measures the server on PostgreSQL while one thing grows.
#[derive(Parser)]
struct Args {
    /// What grows
    what: What,
    /// How often each is measured; the medians are printed
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Leaves out what is smaller
    #[arg(long, default_value_t = 0)]
    from: usize,
    /// Where the plot goes
    #[arg(long, default_value = "benches/plots")]
    plots: PathBuf,
}

fn main() -> ExitCode {
    async_program(async || measure(&Args::parse()).await)
}

async fn measure(args: &Args) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut database = Database::make("postgres", folder.path()).await?;
    let (sizes, title, across) = subject(args.what);
    println!("| {across} | callbacks/s | p50, ms | p99, ms | server + database, µs each | server, MiB |");
    println!("|---|---|---|---|---|---|");
    let mut points = Vec::new();
    for size in sizes.iter().filter(|size| **size >= args.from) {
        let mut all = Vec::new();
        for _ in 0..args.runs {
            all.push(one(args.what, *size, &mut database, folder.path()).await?);
        }
        let median =
            |figure: fn(&Figures) -> f64| Spread::of(&all.iter().map(figure).collect::<Vec<_>>()).median;
        let rate = median(|figures| figures.rate);
        println!(
            "| {size} | {rate:.0} | {:.2} | {:.2} | {:.0} | {:.1} |",
            median(|figures| figures.p50),
            median(|figures| figures.p99),
            median(|figures| figures.server_us + figures.database_us),
            median(|figures| figures.loaded_mib)
        );
        #[expect(clippy::cast_precision_loss, reason = "the largest is ten millions")]
        points.push(((*size).max(1) as f64, rate));
    }
    std::fs::create_dir_all(&args.plots)?;
    let name = format!("{:?}.svg", args.what).to_lowercase();
    std::fs::write(args.plots.join(name), plot(title, across, &points))
}

fn subject(what: What) -> (&'static [usize], &'static str, &'static str) {
    match what {
        What::Items => (
            &[1_000, 10_000, 50_000, 100_000, 1_000_000],
            "Callbacks a second as one job grows (128 connections)",
            "items in the job",
        ),
        What::History => (
            &[0, 10_000, 100_000, 1_000_000, 10_000_000],
            "Callbacks a second as the outbox's history grows (128 connections)",
            "delivered events",
        ),
        What::Connections => {
            (&[1, 8, 32, 128, 512, 1_024, 4_096], "Callbacks a second by connections", "connections")
        }
    }
}

async fn one(what: What, size: usize, database: &mut Database, folder: &Path) -> io::Result<Figures> {
    const REPORTS: usize = 20_000;
    let (plan, connections) = match what {
        What::Items => (Plan { reported: size.min(REPORTS), ..Plan::of(1, size) }, 128),
        What::History => (Plan::of(REPORTS / 50, REPORTS), 128),
        What::Connections => {
            let items = REPORTS.min(size * 2_000);
            (Plan::of(items / 50, items), size)
        }
    };
    let seeded = database.fill(&plan).await?;
    if let (What::History, Database::Postgres(postgres)) = (what, &*database) {
        postgres.add_history(size).await?;
    }
    let event_latency = Duration::from_millis(20);
    Run { plan, connections, pace: Pace::Closed, event_latency }.perform_on(database, &seeded, folder).await
}
