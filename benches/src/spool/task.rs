//! What the spool's own process does, and what it tells: figures, or why there are none.

#![allow(clippy::print_stdout, reason = "the process tells its figures by its standard output")]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use robot_callback_core::{ItemId, Report};
use robot_coordinadora_client::{
    Client, ClientOptions, Handed, Keyring, MemoryKeyring, NamedDestination, Spool, SpoolOptions, SpoolStatus,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::cost;

pub(crate) const AS_SPOOL: &str = "be-the-spool";
const SECRET_NAME: &str = "crm";
/// Longer than any backlog that is measured takes.
const DRAIN: Duration = Duration::from_secs(600);

/// What the process is told to do: to fill the folder with reports, or to open it and send them all.
#[derive(Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) reports: usize,
    pub(super) callers: usize,
    pub(super) folder: PathBuf,
    pub(super) callback_url: String,
    pub(super) drains: bool,
}

/// A spool that was filled.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Filled {
    /// Reports made durable in a second.
    pub rate: f64,
    /// The process's memory before the first report, in MiB.
    pub empty_mib: f64,
    /// Its memory while all of them wait, in MiB.
    pub full_mib: f64,
    /// The bytes on the disk for one report.
    pub bytes: f64,
}

/// A spool that was opened again and drained.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Drained {
    /// How long opening it took, in milliseconds.
    pub opened_ms: f64,
    /// The process's memory when it was open, in MiB.
    pub opened_mib: f64,
    /// Reports delivered in a second.
    pub rate: f64,
}

/// Does the task, for as long as this process lives.
pub(crate) fn be_the_spool(task: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let found = runtime.and_then(|runtime| runtime.block_on(perform(serde_json::from_str(task)?)));
    let (told, code) = match found {
        Ok(figures) => (figures, ExitCode::SUCCESS),
        Err(error) => (error.to_string(), ExitCode::FAILURE),
    };
    println!("{told}");
    code
}

async fn perform(task: Task) -> io::Result<String> {
    let figures = match task.drains {
        true => serde_json::to_string(&drain(&task).await?),
        false => serde_json::to_string(&fill(&task).await?),
    };
    figures.map_err(io::Error::other)
}

/// The item that the report of that number is on.
pub(super) fn item(number: usize) -> ItemId {
    format!("{number:08x}-0000-4000-8000-000000000000").parse().expect("a UUID")
}

/// Without the secret nothing is sent: all that is handed over waits.
fn open(task: &Task, keyring: &Arc<MemoryKeyring>) -> io::Result<Spool> {
    let client = Client::new(ClientOptions::default()).map_err(io::Error::other)?;
    Spool::open(&task.folder, client, keyring.clone(), SpoolOptions::default()).map_err(io::Error::other)
}

fn destination(task: &Task) -> NamedDestination {
    NamedDestination { callback_url: task.callback_url.clone(), secret_name: SECRET_NAME.to_owned() }
}

async fn fill(task: &Task) -> io::Result<Filled> {
    let spool = Arc::new(open(task, &Arc::default())?);
    let empty_mib = cost::resident_mib(std::process::id());
    let (to, next) = (Arc::new(destination(task)), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut calling = JoinSet::new();
    for _ in 0..task.callers {
        calling.spawn(call(spool.clone(), to.clone(), next.clone(), task.reports));
    }
    while let Some(caller) = calling.join_next().await {
        caller??;
    }
    let took = start.elapsed();
    let full_mib = cost::resident_mib(std::process::id());
    let status = stands(&spool, task.reports)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes and reports of a run are far below 2^52")]
    let (reports, bytes) = (task.reports as f64, status.bytes as f64);
    Ok(Filled { rate: reports / took.as_secs_f64(), empty_mib, full_mib, bytes: bytes / reports })
}

/// One caller: hands over report after report.
async fn call(
    spool: Arc<Spool>,
    to: Arc<NamedDestination>,
    next: Arc<AtomicUsize>,
    reports: usize,
) -> io::Result<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= reports {
            return Ok(());
        }
        match spool.report_result(&to, &Report::success(item(number), "73150001234")).await {
            Ok(Handed::Spooled) => {}
            other => return Err(io::Error::other(format!("a report was not made durable: {other:?}"))),
        }
    }
}

async fn drain(task: &Task) -> io::Result<Drained> {
    let keyring = Arc::new(MemoryKeyring::new());
    let start = Instant::now();
    let spool = open(task, &keyring)?;
    let opened_ms = start.elapsed().as_secs_f64() * 1e3;
    let opened_mib = cost::resident_mib(std::process::id());
    stands(&spool, task.reports)?;
    keyring.keep(SECRET_NAME, "a callback secret")?;
    let start = Instant::now();
    // An attempt that began without the secret may stop the destination once more.
    while spool.status().waiting > 0 && start.elapsed() < DRAIN {
        spool.resume(&destination(task));
        spool.flush(DRAIN).await;
    }
    let took = start.elapsed();
    stands(&spool, 0)?;
    #[expect(clippy::cast_precision_loss, reason = "reports of a run are far below 2^52")]
    let reports = task.reports as f64;
    Ok(Drained { opened_ms, opened_mib, rate: reports / took.as_secs_f64() })
}

/// Whether that many reports wait, and nothing is wrong with any.
fn stands(spool: &Spool, waiting: usize) -> io::Result<SpoolStatus> {
    let status = spool.status();
    let right = status.waiting == waiting && status.dead == 0 && status.damaged == 0;
    let right = right && status.disk_error.is_none();
    if right { Ok(status) } else { Err(io::Error::other(format!("{waiting} must wait: {status:?}"))) }
}
