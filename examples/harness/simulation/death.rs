//! A robot's death: at a place that it was told, as if the power had gone.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use clap::Args;
use robot_coordinadora_client::step;

/// What the robot writes before it dies, followed by the place.
const LAST_WORDS: &str = "dies at: ";

/// Where the robot dies: before or after a write to the disk, a submission, a request. Nowhere, unless it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Death of the robot (SIGKILL, by its own hand)")]
pub struct Death {
    /// Dies when one of these places is passed, such as "after an order is submitted"; several with ; in between
    #[arg(long, env = "ROBOT_DIE_AT", value_name = "PLACE", value_delimiter = ';')]
    pub die_at: Vec<String>,
    /// Dies at the N-th place that is passed, whichever it is
    #[arg(long, env = "ROBOT_DIE_AFTER", value_name = "N")]
    pub die_after: Option<u64>,
}

impl Death {
    /// The same as settings of a robot that is to be started.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let at = (!self.die_at.is_empty()).then(|| ("ROBOT_DIE_AT", self.die_at.join(";")));
        let after = self.die_after.map(|places| ("ROBOT_DIE_AFTER", places.to_string()));
        at.into_iter().chain(after).collect()
    }

    /// From now on, the robot dies where it was told.
    pub fn lie_in_wait(self) {
        if self == Self::default() {
            return;
        }
        let passed = Mutex::new(0);
        let die_at: BTreeSet<String> = self.die_at.into_iter().collect();
        step::watch(move |place| {
            let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
            *passed += 1;
            if self.die_after.is_some_and(|enough| *passed >= enough) || die_at.contains(place) {
                die(place);
            }
        });
    }
}

/// The places at which robots have died that wrote that log, in order.
///
/// # Errors
/// When the log can't be read.
pub fn places_died_at(log: &Path) -> std::io::Result<Vec<String>> {
    let log = std::fs::read_to_string(log)?;
    Ok(log.lines().filter_map(|line| line.strip_prefix(LAST_WORDS)).map(str::to_owned).collect())
}

fn die(place: &str) {
    let words = format!("{LAST_WORDS}{place}\n");
    // There is nobody left to tell that it could not be said.
    _ = std::io::stderr().write_all(words.as_bytes());
    kill_self();
    std::process::abort();
}

#[cfg(unix)]
fn kill_self() {
    use rustix::process::{Signal, getpid, kill_process};
    // What can't be killed aborts.
    _ = kill_process(getpid(), Signal::KILL);
}

#[cfg(not(unix))]
fn kill_self() {}
