//! The spool with receivers that answer as told, on a disk that fails when told, under a time that stands still until
//! everybody waits.

mod damage;
mod disk;
mod probing;
mod random;
mod schedule;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{ItemId, Report};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::answer::{Answer, Delivered};
use crate::destination::Destination;
use crate::disk::Growing;
use crate::failure::{AttemptError, ReportFailure, TryAgain};
use crate::keyring::MemoryKeyring;
use crate::sink::{HandError, Handed, NamedDestination};

/// Longer than all schedules.
const LONG: Duration = Duration::from_secs(1_000_000);

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Takes,
    Busy(Option<Duration>),
    Refuses,
    LocksOut,
    /// The same, once it is [told to](Receivers::late).
    LocksOutLate,
    Hangs,
    Panics,
}

/// Receivers that answer as told, by URL, and keep what they were sent.
#[derive(Debug, Default)]
struct Receivers {
    modes: Mutex<BTreeMap<String, Mode>>,
    sent: Mutex<Vec<Sent>>,
    late: Notify,
}

/// A report that was sent, and what the receiver made of it.
#[derive(Clone, Debug)]
struct Sent {
    url: String,
    report: Report,
    at: Instant,
    taken: bool,
}

impl Receivers {
    fn set(&self, to: &NamedDestination, mode: Mode) {
        self.modes.lock().unwrap().insert(to.callback_url.clone(), mode);
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn taken(&self) -> Vec<Report> {
        self.sent().into_iter().filter(|sent| sent.taken).map(|sent| sent.report).collect()
    }

    fn mode(&self, to: &Destination) -> Mode {
        self.modes.lock().unwrap().get(to.url().as_str()).copied().unwrap_or(Mode::Takes)
    }

    async fn answer(&self, to: &Destination, report: Report) -> Result<Delivered, AttemptError> {
        let (url, mode) = (to.url().to_string(), self.mode(to));
        let sent = Sent { url, report, at: Instant::now(), taken: mode == Mode::Takes };
        self.sent.lock().unwrap().push(sent);
        match mode {
            Mode::Takes => Ok(Delivered { verdict: None }),
            Mode::Busy(retry_after) => Err(answered(503, TryAgain::Later, retry_after)),
            Mode::Refuses => Err(answered(404, TryAgain::Never, None)),
            Mode::LocksOut => Err(answered(401, TryAgain::Reconfigured, None)),
            Mode::LocksOutLate => {
                self.late.notified().await;
                Err(answered(401, TryAgain::Reconfigured, None))
            }
            Mode::Hangs => {
                let deadline = Duration::from_secs(10);
                tokio::time::sleep(deadline).await;
                Err(AttemptError::TimedOut(deadline))
            }
            Mode::Panics => std::panic::resume_unwind(Box::new("as the test wants it")),
        }
    }
}

fn answered(status: u16, try_again: TryAgain, retry_after: Option<Duration>) -> AttemptError {
    Answer { status, try_again, said: None, retry_after }.into()
}

#[async_trait]
impl Post for Receivers {
    async fn post(&self, to: &Destination, body: &[u8]) -> Result<Delivered, AttemptError> {
        self.answer(to, Report::parse(body).unwrap()).await
    }

    async fn insist(&self, to: &Destination, report: &Report) -> Result<Delivered, ReportFailure> {
        let failed = |cause| ReportFailure { item_id: report.item_id, attempts: 1, wait: None, cause };
        match self.mode(to) {
            Mode::Panics => Err(failed(answered(500, TryAgain::Later, None))),
            _ => self.answer(to, report.clone()).await.map_err(failed),
        }
    }
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Create,
    /// Half of what was to be appended is on the disk.
    Append,
    Cut,
    Sync,
}

/// A disk on which the faults happen that were asked for, once each. No test takes the power away, so it syncs nothing.
#[derive(Debug, Default)]
struct FaultyDisk(Mutex<Vec<Fault>>);

impl FaultyDisk {
    fn fail(&self, faults: &[Fault]) {
        self.0.lock().unwrap().extend(faults);
    }

    fn heal(&self) {
        self.0.lock().unwrap().clear();
    }

    fn strike(&self, fault: Fault) -> io::Result<()> {
        let mut faults = self.0.lock().unwrap();
        let Some(place) = faults.iter().position(|other| *other == fault) else { return Ok(()) };
        faults.remove(place);
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl Medium for FaultyDisk {
    fn create(&self, folder: &std::path::Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.strike(Fault::Create)?;
        std::fs::write(folder.join(name), bytes)
    }

    fn append(&self, file: &Growing, bytes: &[u8]) -> io::Result<()> {
        let struck = self.strike(Fault::Append);
        let written = if struck.is_err() { bytes.len() / 2 } else { bytes.len() };
        TheDisk.append(file, &bytes[..written])?;
        struck
    }

    fn cut(&self, file: &Growing, length: u64) -> io::Result<()> {
        self.strike(Fault::Cut)?;
        TheDisk.cut(file, length)
    }

    fn sync(&self, file: &Growing) -> io::Result<()> {
        self.strike(Fault::Sync)?;
        file.still_there()
    }

    fn remove(&self, folder: &std::path::Path, name: &str) -> io::Result<()> {
        std::fs::remove_file(folder.join(name))
    }
}

/// A folder for a spool, and what one needs beside it.
struct Robot {
    folder: TempDir,
    receivers: Arc<Receivers>,
    disk: Arc<FaultyDisk>,
    keyring: Arc<MemoryKeyring>,
    options: SpoolOptions,
    _ticker: Ticker,
}

/// Time that stands still jumps to the next timer while the runtime is idle, which it also is while it waits for the
/// writer's thread. The next timer is never farther off than one tick, so that no deadline is reached at one jump.
struct Ticker(AbortHandle);

impl Ticker {
    fn start() -> Self {
        let tick = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        Self(tokio::spawn(tick).abort_handle())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Robot {
    fn new() -> Self {
        let keyring = Arc::new(MemoryKeyring::new());
        keyring.keep("secret", "hunter2").unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            receivers: Arc::default(),
            disk: Arc::default(),
            keyring,
            options: SpoolOptions { seed: 7, ..SpoolOptions::default() },
            _ticker: Ticker::start(),
        }
    }

    fn open(&self) -> Spool {
        let (folder, options) = (self.folder.path().to_owned(), self.options.clone());
        Spool::open_with(folder, self.receivers.clone(), self.keyring.clone(), options, self.disk.clone())
            .unwrap()
    }
}

fn shop(name: &str) -> NamedDestination {
    NamedDestination { callback_url: format!("http://{name}/"), secret_name: "secret".to_owned() }
}

fn a_report() -> Report {
    Report::success(ItemId::random(), "73150001234")
}

async fn spooled(spool: &Spool, to: &NamedDestination) -> Report {
    let report = a_report();
    assert_eq!(spool.report_result(to, &report).await.unwrap(), Handed::Spooled);
    report
}
