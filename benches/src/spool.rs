//! A robot's spool in a process of its own, so that its memory is its own: filled, opened again, drained, checked.

mod task;

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::endpoint::Endpoint;
use task::Task;
pub(crate) use task::{AS_SPOOL, be_the_spool};
pub use task::{Drained, Filled};

/// Reports that many callers hand over at the same time, while nothing is sent; then the folder is opened again, and
/// all are sent to an endpoint on the loopback device.
#[derive(Clone, Debug)]
pub struct Backlog {
    /// How many reports.
    pub reports: usize,
    /// How many callers.
    pub callers: usize,
    /// Where: a folder that is empty.
    pub folder: PathBuf,
}

impl Backlog {
    /// Does it.
    ///
    /// # Errors
    /// What could not be started, or what was wrong: a report that was not made durable, that is missing in the end or
    /// that was delivered twice. Then there are no figures.
    pub fn perform(&self) -> io::Result<(Filled, Drained)> {
        let endpoint = Endpoint::for_reports()?;
        let task = |drains| Task {
            reports: self.reports,
            callers: self.callers,
            folder: self.folder.clone(),
            callback_url: endpoint.base_url(),
            drains,
        };
        let filled = run(&task(false))?;
        let sent_early = endpoint.ids().len();
        let drained = run(&task(true))?;
        let mut expected: Vec<_> = (0..self.reports).map(|number| task::item(number).to_string()).collect();
        expected.sort_unstable();
        if sent_early > 0 || endpoint.ids() != expected {
            return Err(wrong("the reports that arrived are not those that were handed over, each once"));
        }
        Ok((filled, drained))
    }
}

fn wrong(what: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("a wrong run has no speed: {what}"))
}

/// Has another process do it, and reads what that found.
fn run<F: serde::de::DeserializeOwned>(task: &Task) -> io::Result<F> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_SPOOL).arg(serde_json::to_string(task)?).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err(wrong(String::from_utf8_lossy(&output.stdout)));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
