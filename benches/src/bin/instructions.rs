//! The instructions that the pure parts and a callback on the memory store take, counted under callgrind: a figure that
//! no other work on the machine can change.
//!
//! `check FILE` compares them with a table and fails when one has grown; `record FILE` writes that table.

#![allow(clippy::print_stdout, reason = "a program that measures prints what it found")]

#[path = "../sample.rs"]
mod sample;

use std::fmt::Write;
use std::hint::black_box;
use std::io;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use robot_callback_core::change::{self, Rules, Scene};
use robot_callback_core::{
    Clock, Creation, MemoryStore, OperatorStore, Report, Secrets, SystemClock, handle_callback,
};
use tokio::runtime::{Builder, Runtime};

use self::sample::{NoRelay, sample_body, sample_job};

/// What may be added without a word: compilers and the standard library change, too.
const GROWTH: f64 = 1.3;
/// Each is counted as the difference of so many and twice as many, so that starting up costs nothing.
const COUNT: u64 = 1_000;
const NAMES: [&str; 5] =
    ["secret", "parse", "change and event", "first report in memory", "duplicate in memory"];
const SECRET: &[u8] = b"a callback secret of sixty-four bytes, as a generator makes them";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["record", file] => count_all().and_then(|counts| std::fs::write(file, table(&counts))),
        ["check", file] => check(file),
        ["do", name, count] => count.parse().map_err(io::Error::other).and_then(|count| perform(name, count)),
        _ => Err(io::Error::other("check FILE, or record FILE")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn check(file: &str) -> io::Result<()> {
    let before = std::fs::read_to_string(file)?;
    let mut grown = 0;
    for (name, count) in count_all()? {
        let line = before.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        let recorded = line.ok_or_else(|| io::Error::other(format!("{file} has no line of `{name}`")))?;
        let growth = count / recorded;
        println!("{name}: {count:.0} instructions, {growth:.2} times the {recorded:.0} of {file}");
        grown += u32::from(growth > GROWTH);
    }
    let verdict = || {
        format!(
            "{grown} cost over {GROWTH} times what they did: make them cheaper, or record anew and say why"
        )
    };
    if grown == 0 { Ok(()) } else { Err(io::Error::other(verdict())) }
}

fn table(counts: &[(&str, f64)]) -> String {
    let mut table = String::new();
    for (name, count) in counts {
        // Writing to a string can't fail.
        _ = writeln!(table, "{name} {count:.0}");
    }
    table
}

fn count_all() -> io::Result<Vec<(&'static str, f64)>> {
    NAMES.iter().map(|name| Ok((*name, count(name)?))).collect()
}

/// The instructions of one, on average.
fn count(name: &str) -> io::Result<f64> {
    let (once, twice) = (collected(name, COUNT)?, collected(name, 2 * COUNT)?);
    #[expect(clippy::cast_precision_loss, reason = "some millions are far below 2^52")]
    Ok((twice - once) as f64 / COUNT as f64)
}

fn collected(name: &str, count: u64) -> io::Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe()?);
    let output = valgrind.args(["do", name, &count.to_string()]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| io::Error::other(format!("valgrind did not count: {said}")))
}

fn perform(name: &str, count: u64) -> io::Result<()> {
    let stage = Stage::new()?;
    match name {
        "secret" => repeat(count, |_| stage.secrets.presented(Some(black_box(SECRET))).is_valid()),
        "parse" => repeat(count, |n| Report::parse(black_box(stage.body(n))).is_ok()),
        "change and event" => repeat(count, |n| stage.change(n)),
        "first report in memory" => repeat(count, |n| stage.handle(n)),
        "duplicate in memory" => repeat(count, |_| stage.handle(0)),
        _ => return Err(io::Error::other(format!("one of {NAMES:?}"))),
    }
    Ok(())
}

fn repeat(count: u64, mut work: impl FnMut(usize) -> bool) {
    for number in 0..usize::try_from(count).unwrap_or_default() {
        assert!(black_box(work(number)), "it does what it is measured for");
    }
}

/// A job in memory with an item for each thing to do, whichever count was asked for.
struct Stage {
    runtime: Runtime,
    store: MemoryStore,
    secrets: Secrets,
    bodies: Vec<Vec<u8>>,
    scene: Scene,
}

impl Stage {
    fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        let store = MemoryStore::with(Arc::new(SystemClock), Rules::default());
        let job = sample_job(usize::try_from(2 * COUNT).unwrap_or_default()).map_err(io::Error::other)?;
        let bodies = job.items.iter().map(|item| sample_body(item.id)).collect();
        let made = runtime.block_on(store.create_job(job)).map_err(io::Error::other)?;
        let Creation::Created(id) = made else { return Err(io::Error::other("a new job is made")) };
        let view = runtime.block_on(store.job(id)).map_err(io::Error::other)?;
        let view = view.ok_or_else(|| io::Error::other("a job that was made is there"))?;
        let first = view.items.into_iter().next().ok_or_else(|| io::Error::other("a job has items"))?;
        let scene = Scene { job: view.job, item: first.item, order: first.order };
        let secrets = Secrets::new([SECRET, b"another one, while robots change over"]);
        Ok(Self { runtime, store, secrets, bodies, scene })
    }

    fn body(&self, number: usize) -> &[u8] {
        &self.bodies[number]
    }

    fn change(&self, number: usize) -> bool {
        let report = Report::success(self.scene.item.id, format!("7315{number:07}"));
        let change = change::apply(self.scene.clone(), &report, Rules::default(), SystemClock.now());
        change.is_some_and(|change| change.events.len() == 1)
    }

    fn handle(&self, number: usize) -> bool {
        let secret = self.secrets.presented(Some(SECRET));
        self.runtime.block_on(handle_callback(&self.store, &NoRelay, secret, self.body(number))).is_ok()
    }
}
