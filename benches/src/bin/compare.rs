//! The table of what must hold: each of our figures beside its limit, taken in turn on the same machine in the same
//! minutes, medians of the rounds.

#![allow(clippy::print_stdout, reason = "a program that measures prints what it found")]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use robot_callback_benches::limits::{self, Limit, Refused};
use robot_callback_benches::{Database, Figures, Pace, Plan, Run, Spread, async_program, parts};

/// Measures the server beside what the database, the disk and HTTP can do at best.
#[derive(Parser)]
struct Args {
    /// How many rounds; the medians of all are printed
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many items each measurement reports
    #[arg(long, default_value_t = 24_000)]
    items: usize,
    /// Only the measurements whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

/// What was measured, by name: one figure for each round.
type Measured = BTreeMap<&'static str, Vec<f64>>;

fn main() -> ExitCode {
    async_program(async || measure(&Args::parse()).await.map(|measured| print(&measured)))
}

async fn measure(args: &Args) -> io::Result<Measured> {
    let folder = tempfile::tempdir()?;
    let mut bench = Bench {
        postgres: Database::make("postgres", folder.path()).await?,
        sqlite: Database::make("sqlite", folder.path()).await?,
        folder: folder.path(),
        args,
        measured: Measured::new(),
    };
    for round in 1..=args.rounds {
        println!("round {round} of {}", args.rounds);
        bench.postgres().await?;
        bench.sqlite().await?;
        bench.http().await?;
        bench.parts().await?;
    }
    Ok(bench.measured)
}

struct Bench<'a> {
    postgres: Database,
    sqlite: Database,
    folder: &'a Path,
    args: &'a Args,
    measured: Measured,
}

impl Bench<'_> {
    fn wanted(&self, name: &str) -> bool {
        name.contains(&self.args.only)
    }

    fn note(&mut self, name: &'static str, figure: f64) {
        println!("  {name}: {}", short(figure));
        self.measured.entry(name).or_default().push(figure);
    }

    fn plan(&self, jobs: usize) -> Plan {
        Plan { seed: fastrand::u64(..), ..Plan::of(jobs, self.args.items) }
    }

    async fn postgres(&mut self) -> io::Result<()> {
        let many = self.args.items / 50;
        self.ours("pg · 128 connections, many jobs, /s", many, 128).await?;
        self.pgbench("limit · pgbench, 8 clients, many jobs, /s", many, 8).await?;
        self.set("limit · one statement of 256, many jobs, /s", many, 256).await?;
        self.ours("pg · 32 connections, many jobs, /s", many, 32).await?;
        self.set("limit · one statement of 1,000, many jobs, /s", many, 1_000).await?;
        self.ours("pg · 256 connections, many jobs, /s", many, 256).await?;
        self.ours("pg · 128 connections, one job, /s", 1, 128).await?;
        self.pgbench("limit · pgbench, 8 clients, one job, /s", 1, 8).await?;
        self.alone().await?;
        self.open_loop(many).await
    }

    async fn run(&mut self, plan: Plan, connections: usize, pace: Pace) -> io::Result<Figures> {
        let event_latency = Duration::from_millis(20);
        Run { plan, connections, pace, event_latency }.perform(&mut self.postgres, self.folder).await
    }

    async fn ours(&mut self, name: &'static str, jobs: usize, connections: usize) -> io::Result<()> {
        if !self.wanted(name) {
            return Ok(());
        }
        let figures = self.run(self.plan(jobs), connections, Pace::Closed).await?;
        self.note(name, figures.rate);
        if name == MANY {
            self.costs(figures);
        }
        Ok(())
    }

    fn costs(&mut self, figures: Figures) {
        self.note("pg · 128 connections, server CPU for each, µs", figures.server_us);
        self.note("pg · 128 connections, database CPU for each, µs", figures.database_us);
        self.note("pg · 128 connections, log for each, bytes", figures.log_bytes);
        self.note("pg · 128 connections, syncs for each", figures.syncs);
        #[expect(clippy::cast_precision_loss, reason = "a number of events is far below 2^52")]
        self.note("pg · 128 connections, events behind at the end", figures.events_behind as f64);
        self.note("pg · 128 connections, the time these took, ms", figures.drained);
        self.note("memory · idle, MiB", figures.idle_mib);
    }

    async fn pgbench(&mut self, name: &'static str, jobs: usize, clients: usize) -> io::Result<()> {
        let plan = self.plan(jobs);
        if let (true, Database::Postgres(postgres)) = (self.wanted(name), &mut self.postgres) {
            let Limit { rate, .. } = limits::one_by_one(postgres, &plan, clients).await?;
            self.note(name, rate);
        }
        Ok(())
    }

    async fn set(&mut self, name: &'static str, jobs: usize, rows: usize) -> io::Result<()> {
        let plan = self.plan(jobs);
        if let (true, Database::Postgres(postgres)) = (self.wanted(name), &mut self.postgres) {
            let Limit { rate, .. } = limits::set_based(postgres, &plan, rows).await?;
            self.note(name, rate);
        }
        Ok(())
    }

    async fn alone(&mut self) -> io::Result<()> {
        let (name, limit) = ("pg · one connection, p50, ms", "limit · pgbench, one client, ms");
        if !self.wanted(name) {
            return Ok(());
        }
        let plan = Plan { seed: fastrand::u64(..), ..Plan::of(40, 2_000) };
        let figures = self.run(plan.clone(), 1, Pace::Closed).await?;
        self.note(name, figures.p50);
        if let Database::Postgres(postgres) = &mut self.postgres {
            let Limit { latency, .. } = limits::one_by_one(postgres, &plan, 1).await?;
            self.note(limit, latency);
        }
        Ok(())
    }

    async fn open_loop(&mut self, jobs: usize) -> io::Result<()> {
        let name = "pg · 2,000 a second, p99, ms";
        if self.wanted(name) {
            let plan = Plan { seed: fastrand::u64(..), ..Plan::of(jobs, 20_000) };
            let figures = self.run(plan, 128, Pace::Open(2_000.0)).await?;
            self.note(name, figures.p99);
        }
        Ok(())
    }

    async fn sqlite(&mut self) -> io::Result<()> {
        let name = "sqlite · 128 connections, /s";
        if !self.wanted(name) {
            return Ok(());
        }
        let plan = self.plan(self.args.items / 50);
        let event_latency = Duration::from_millis(20);
        let run = Run { plan: plan.clone(), connections: 128, pace: Pace::Closed, event_latency };
        let figures = run.perform(&mut self.sqlite, self.folder).await?;
        self.note(name, figures.rate);
        for (name, rows) in
            [("limit · bare SQLite, 100 in a commit, /s", 100), ("limit · bare SQLite, 1 in a commit, /s", 1)]
        {
            let Database::Sqlite(sqlite) = &mut self.sqlite else { continue };
            let rate = limits::in_groups(sqlite, &plan, rows).await?;
            self.note(name, rate);
        }
        self.note("limit · syncs of the disk, /s", limits::syncs_a_second(self.folder, limits::PAGE)?);
        Ok(())
    }

    async fn parts(&mut self) -> io::Result<()> {
        if self.wanted(FIRST_REPORT) {
            let figure = parts::first_report().await?;
            self.note(FIRST_REPORT, figure);
        }
        if self.wanted(SECRET_CHECK) {
            let [check, hash] = parts::secret_and_hash();
            self.note(SECRET_CHECK, check);
            self.note(HASH, hash);
        }
        Ok(())
    }

    async fn http(&mut self) -> io::Result<()> {
        let wanted = |(rate, ..): &(&str, _, _)| self.wanted(rate) || self.wanted(FLOOR);
        let kinds: Vec<_> = REFUSED.into_iter().filter(wanted).collect();
        if kinds.is_empty() {
            return Ok(());
        }
        let (rate, spent) = limits::floor(128).await?;
        self.note(FLOOR, rate);
        self.note("limit · bare hyper, CPU for each, µs", spent);
        if let Some(rate) = self.measured.get(MANY).and_then(|rates| rates.last()).copied() {
            let spent = limits::floor_at(rate, 128).await?;
            self.note("limit · bare hyper as seldom as pg · 128, CPU for each, µs", spent);
        }
        let (rate, spent) = limits::warp_floor(128).await?;
        self.note("limit · bare warp, /s", rate);
        self.note("limit · bare warp, CPU for each, µs", spent);
        let (rate, spent) = limits::floor_of_large(128).await?;
        self.note(FLOOR_OF_LARGE, rate);
        self.note("limit · bare hyper, 20,000 bytes, CPU for each, µs", spent);
        for (rates, costs, kind) in kinds {
            let (rate, spent) = limits::refused(kind, 128, self.folder).await?;
            self.note(rates, rate);
            self.note(costs, spent);
        }
        Ok(())
    }
}

/// What is refused: the names of its rate and its cost.
const REFUSED: [(&str, &str, Refused); 3] = [
    ("http · refused with 401, /s", "http · refused with 401, CPU for each, µs", Refused::Unauthorized),
    ("http · refused with 400, /s", "http · refused with 400, CPU for each, µs", Refused::Invalid),
    ("http · refused with 413, /s", "http · refused with 413, CPU for each, µs", Refused::TooLarge),
];

fn print(measured: &Measured) {
    println!("\n| measured | median | lowest | highest |\n|---|---|---|---|");
    for (name, figures) in measured {
        let Spread { lowest, median, highest } = Spread::of(figures);
        println!("| {name} | {} | {} | {} |", short(median), short(lowest), short(highest));
    }
    println!("\n| ratio | measured | must | aim |\n|---|---|---|---|");
    for (what, ours, limit, must, aim) in RATIOS {
        if let (Some(ours), Some(limit)) = (measured.get(ours), measured.get(limit)) {
            let ratio = Spread::of(ours).median / Spread::of(limit).median;
            println!("| {what} | {ratio:.2} | {must} | {aim} |");
        }
    }
    if let Some(figures) = measured.get(FIRST_REPORT) {
        println!("| {FIRST_REPORT} | {:.2} | ≤ 3 | 1.5 |", Spread::of(figures).median);
    }
}

fn short(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.3}") }
}

type Ratio = (&'static str, &'static str, &'static str, &'static str, &'static str);

const MANY: &str = "pg · 128 connections, many jobs, /s";
const ONE: &str = "pg · 128 connections, one job, /s";
const PGBENCH: &str = "limit · pgbench, 8 clients, many jobs, /s";
const FLOOR: &str = "limit · bare hyper, /s";
const FIRST_REPORT: &str = "part · first report on the memory store, one core, µs";
const SECRET_CHECK: &str = "part · the secret check, 64 bytes, ns";
const HASH: &str = "limit · SHA-256 of the same bytes, ns";
const FLOOR_OF_LARGE: &str = "limit · bare hyper, 20,000 bytes, /s";

/// What, ours, its limit, what it must be and what is aimed at.
const RATIOS: &[Ratio] = &[
    ("128 connections, many jobs, of the best pgbench", MANY, PGBENCH, "≥ 1.6", "2.2"),
    ("the same, of the set-based rate", MANY, "limit · one statement of 256, many jobs, /s", "≥ 0.85", "1.0"),
    (
        "128 connections, one job, of pgbench on one job",
        ONE,
        "limit · pgbench, 8 clients, one job, /s",
        "≥ 3.3",
        "4.2",
    ),
    ("the same, of many jobs", ONE, MANY, "≥ 1.0", "1.1"),
    (
        "32 connections, many jobs, of the best pgbench",
        "pg · 32 connections, many jobs, /s",
        PGBENCH,
        "≥ 1.25",
        "1.6",
    ),
    (
        "one connection, p50 over pgbench's one client",
        "pg · one connection, p50, ms",
        "limit · pgbench, one client, ms",
        "≤ 1.6",
        "1.3",
    ),
    (
        "server CPU, over the HTTP floor's",
        "pg · 128 connections, server CPU for each, µs",
        "limit · bare hyper, CPU for each, µs",
        "≤ 4",
        "2.5",
    ),
    (
        "server CPU, over a bare warp server's",
        "pg · 128 connections, server CPU for each, µs",
        "limit · bare warp, CPU for each, µs",
        "≤ 4",
        "2.5",
    ),
    ("refused with 401, of the HTTP floor", "http · refused with 401, /s", FLOOR, "≥ 0.6", "0.85"),
    ("refused with 400, of the HTTP floor", "http · refused with 400, /s", FLOOR, "≥ 0.6", "0.85"),
    (
        "refused with 413, of the HTTP floor reading the same",
        "http · refused with 413, /s",
        FLOOR_OF_LARGE,
        "≥ 0.6",
        "0.85",
    ),
    (
        "SQLite, 128 connections, of the bare engine in hundreds",
        "sqlite · 128 connections, /s",
        "limit · bare SQLite, 100 in a commit, /s",
        "≥ 0.7",
        "0.9",
    ),
    ("the secret check, of SHA-256 of the same bytes", SECRET_CHECK, HASH, "≤ 1.3", "1.0"),
];
