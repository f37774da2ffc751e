//! One configuration, run as often as asked, each time on a fresh database. Prints a line for each run that was
//! right, and ends with an error at the first that was not.

#![allow(clippy::print_stdout, reason = "a program that measures prints what it found")]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use robot_callback_benches::{
    Behind, Database, Figures, Pace, Plan, Postgres, Run, StatementCost, async_program,
};

/// Sends callbacks to the real server and says what they cost, if every one of them was right.
#[derive(Parser)]
struct Args {
    /// postgres or sqlite
    #[arg(long, default_value = "postgres")]
    database: String,
    /// How many connections
    #[arg(long, default_value_t = 128)]
    connections: usize,
    /// How many items are reported in a run
    #[arg(long, default_value_t = 30_000)]
    items: usize,
    /// How many jobs they belong to
    #[arg(long, default_value_t = 600)]
    jobs: usize,
    /// Callbacks a second; without it each connection sends its next when its last is answered
    #[arg(long)]
    rate: Option<f64>,
    /// The share of callbacks that are sent twice
    #[arg(long, default_value_t = 0.0)]
    duplicates: f64,
    /// Sends the second one right behind the first instead of at random
    #[arg(long)]
    right_behind: bool,
    /// The share of items that end as errors
    #[arg(long, default_value_t = 0.0)]
    errors: f64,
    /// How long the event endpoint takes, in milliseconds
    #[arg(long, default_value_t = 20)]
    event_latency: u64,
    /// The same seed sends the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also says which statements of PostgreSQL took how long; that slows it down a little
    #[arg(long)]
    statements: bool,
    /// How many runs
    #[arg(long, default_value_t = 1)]
    runs: usize,
}

fn main() -> ExitCode {
    async_program(async || measure(&Args::parse()).await)
}

async fn measure(args: &Args) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut database = match args.statements {
        true => Database::Postgres(Postgres::start_counting().await?),
        false => Database::make(&args.database, folder.path()).await?,
    };
    let run = Run {
        plan: Plan {
            jobs: args.jobs,
            items: args.items,
            reported: args.items,
            duplicates: args.duplicates,
            behind: if args.right_behind { Behind::Right } else { Behind::Anywhere },
            errors: args.errors,
            seed: args.seed,
        },
        connections: args.connections,
        pace: args.rate.map_or(Pace::Closed, Pace::Open),
        event_latency: Duration::from_millis(args.event_latency),
    };
    for _ in 0..args.runs {
        let seeded = database.fill(&run.plan).await?;
        if let (true, Database::Postgres(postgres)) = (args.statements, &database) {
            postgres.forget_statements().await?;
        }
        print(run.perform_on(&database, &seeded, folder.path()).await?);
        if let (true, Database::Postgres(postgres)) = (args.statements, &database) {
            postgres.statements().await?.iter().for_each(print_statement);
        }
    }
    Ok(())
}

fn print_statement(cost: &StatementCost) {
    let StatementCost { statement, calls, rows, planning_ms, execution_ms, log_bytes } = cost;
    println!(
        "  {execution_ms:8.1} ms + {planning_ms:7.1} ms planning {calls:7} calls {rows:8} rows {log_bytes:10} bytes of log  \
         {statement}"
    );
}

fn print(figures: Figures) {
    let Figures { rate, p50, p99, longest, server_us, database_us, log_bytes, commits, syncs, .. } = figures;
    let Figures { load_us, idle_mib, loaded_mib, events_behind, drained, .. } = figures;
    println!("{rate:.0} callbacks/s · p50 {p50:.2} ms · p99 {p99:.2} ms · longest {longest:.2} ms");
    println!(
        "  for each: server {server_us:.1} µs, database {database_us:.1} µs, load {load_us:.1} µs, log {log_bytes:.0} bytes, \
         {syncs:.4} syncs; {commits:.1} in a commit"
    );
    println!(
        "  server {idle_mib:.1} MiB idle, {loaded_mib:.1} MiB loaded; {events_behind} events behind at the end, \
         for {drained:.0} ms"
    );
}
