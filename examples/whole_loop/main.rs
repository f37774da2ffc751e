//! The main job on one machine, in one command: `cargo run --example whole_loop`.
//!
//! A real server process on SQLite, a real robot process with a simulated portal, an event endpoint that speaks
//! Inngest's protocol. The robot is handed a batch of orders (`examples/data/batch.json`) over HTTP, creates shipments
//! and reports; others repeat its reports, at once and later, and contradict some. Meanwhile the server and the robot
//! are killed with SIGKILL and restarted, and the event endpoint fails and goes down for a while. Then everything is
//! counted.
//!
//! Exits with 0 only if every check of exactly-once held, and says which did not.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people to run")]

mod args;
mod faults;
#[path = "../robot/program.rs"]
mod robot;
mod stage;
mod story;
mod summary;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use robot_callback_harness::{Facts, check};

use self::args::Args;
use self::stage::{Error, Stage};
use self::story::Story;
use self::summary::Summary;

/// How long all of it may take. It takes some seconds.
const DEADLINE: Duration = Duration::from_secs(55);

fn main() -> ExitCode {
    // The server and the robot are this very program, each in a process of its own.
    match std::env::args().nth(1).as_deref() {
        Some(stage::SERVER) => return robot_callback_warp::cli::run(["robot-callback"]),
        Some(stage::ROBOT) => return robot::run(["robot"]),
        _ => {}
    }
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let played = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(play(&args)));
    played.unwrap_or_else(|error| {
        eprintln!("the loop could not be played: {error}");
        ExitCode::from(2)
    })
}

/// Plays the loop in a temporary folder, which is kept unless all went well.
async fn play(args: &Args) -> Result<ExitCode, Error> {
    let folder = tempfile::Builder::new().prefix("whole-loop-").tempdir()?;
    let held = match tokio::time::timeout(DEADLINE, watch(args, folder.path())).await {
        Ok(held) => held,
        Err(_) => Err(format!("it did not end within {DEADLINE:?}").into()),
    };
    if matches!(held, Ok(true)) {
        return Ok(ExitCode::SUCCESS);
    }
    println!("the data is kept in {}", folder.keep().display());
    held.map(|_| ExitCode::FAILURE)
}

/// Plays the loop and tells of it; says whether every check held.
async fn watch(args: &Args, folder: &Path) -> Result<bool, Error> {
    let story = Story::begin(args.plain, args.orders);
    story.say(&format!("seed {} (the same again: --seed {})", args.seed, args.seed));
    let played = match Stage::build(args, folder, &story).await {
        Ok(stage) => stage.play(args, &story).await,
        Err(error) => Err(error),
    };
    story.end();
    let (facts, incidents) = played?;
    println!("{}", Summary { facts: &facts, incidents: &incidents });
    Ok(conclude(&facts))
}

/// Prints every check; says whether all held.
fn conclude(facts: &Facts) -> bool {
    const SHOWN: usize = 5;
    let checks = check(facts);
    for check in &checks {
        println!("{} {}", if check.violations.is_empty() { "✔" } else { "✘" }, check.law);
        for violation in check.violations.iter().take(SHOWN) {
            println!("    {violation}");
        }
        if check.violations.len() > SHOWN {
            println!("    … and {} more", check.violations.len() - SHOWN);
        }
    }
    let broken = checks.iter().filter(|check| !check.violations.is_empty()).count();
    match broken {
        0 => println!("\nexactly once: all {} checks held", checks.len()),
        broken => println!("\nNOT exactly once: {broken} of {} checks failed", checks.len()),
    }
    broken == 0
}
