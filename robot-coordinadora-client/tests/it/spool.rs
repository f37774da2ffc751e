//! The spool on real files, against real servers: what was handed over is delivered, whatever comes in between.

mod answers;
mod disk;
#[cfg(target_os = "linux")]
mod full;
mod handing;
mod order;
mod processes;
mod signed;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use robot_callback_core::{Backoff, ItemId, Report};
use robot_coordinadora_client::{
    Client, ClientOptions, Handed, Keyring, MemoryKeyring, NamedDestination, Spool, SpoolAlarm, SpoolError,
    SpoolOptions, SpoolStatus,
};
use tempfile::TempDir;

use crate::server::Server;
use crate::{SECRET, quick};

/// Longer than anything takes; reached only when a test fails.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A folder for a spool, and what one needs beside it.
pub(crate) struct Robot {
    pub(crate) folder: TempDir,
    pub(crate) keyring: Arc<MemoryKeyring>,
    alarms: Arc<Mutex<Vec<SpoolAlarm>>>,
    pub(crate) options: SpoolOptions,
}

impl Robot {
    /// A robot that has the secret `crm`.
    pub(crate) fn new() -> Self {
        let keyring = Arc::new(MemoryKeyring::new());
        keyring.keep("crm", SECRET).unwrap();
        let alarms = Arc::<Mutex<Vec<SpoolAlarm>>>::default();
        let told = alarms.clone();
        let options = SpoolOptions {
            schedule: vec![Duration::from_millis(1); 20],
            rest: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) },
            look_again: Duration::from_millis(10),
            on_alarm: Some(Arc::new(move |alarm| told.lock().unwrap().push(alarm.clone()))),
            seed: 7,
            ..SpoolOptions::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), keyring, alarms, options }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn try_open(&self) -> Result<Spool, SpoolError> {
        // What is sent directly is given up soon.
        let options = ClientOptions { total_deadline: Duration::from_millis(300), ..quick() };
        let client = Client::new(options).unwrap();
        Spool::open(self.path(), client, self.keyring.clone(), self.options.clone())
    }

    pub(crate) fn open(&self) -> Spool {
        self.try_open().unwrap()
    }

    fn alarms(&self) -> Vec<SpoolAlarm> {
        self.alarms.lock().unwrap().clone()
    }
}

pub(crate) fn crm(server: &Server) -> NamedDestination {
    NamedDestination { callback_url: server.url(), secret_name: "crm".to_owned() }
}

/// A report on an item that no other test or call reports on.
pub(crate) fn a_report() -> Report {
    Report::success(ItemId::random(), "73150001234")
}

/// Hands over that many reports, and gives them.
async fn spooled(spool: &Spool, to: &NamedDestination, number: usize) -> Vec<Report> {
    let mut reports = Vec::new();
    for _ in 0..number {
        let report = a_report();
        assert_eq!(spool.report_result(to, &report).await.unwrap(), Handed::Spooled);
        reports.push(report);
    }
    reports
}

/// Waits until the spool stands so.
async fn until(spool: &Spool, what: impl Fn(&SpoolStatus) -> bool) -> SpoolStatus {
    let wait = async {
        loop {
            let status = spool.status();
            if what(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(LONG, wait).await;
    waited.unwrap_or_else(|_| panic!("it never came to that: {:?}", spool.status()))
}

/// How many of the requests told of that report.
fn heard(server: &Server, report: &Report) -> usize {
    let item = report.item_id.to_string();
    server.requests().iter().filter(|request| request.contains(&item)).count()
}
