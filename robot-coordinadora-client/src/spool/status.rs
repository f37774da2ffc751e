//! What a spool tells of itself: values.

use std::path::PathBuf;

use robot_callback_core::{Report, Timestamp};

use crate::sink::NamedDestination;

/// How a spool stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Reports that are not delivered yet.
    pub waiting: usize,
    /// Reports that were refused for good, or that the schedule gave up; see
    /// [`dead_letters`](super::Spool::dead_letters).
    pub dead: usize,
    /// What all these take, in bytes.
    pub bytes: u64,
    /// Destinations to which nothing is sent until somebody acts, or they take reports again.
    pub stopped: Vec<StoppedDestination>,
    /// Damaged stretches that lie in the folder `damaged`: look at them, then remove them.
    pub damaged: usize,
    /// Why the disk did not take the last results, if it did not.
    pub disk_error: Option<String>,
}

/// A destination to which nothing is sent until [`resume`](super::Spool::resume), until the keyring gives another secret, or
/// until it takes the one report that is tried every 15 minutes. Everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedDestination {
    /// The destination.
    pub destination: NamedDestination,
    /// Why.
    pub reason: String,
    /// How many reports wait for it.
    pub waiting: usize,
}

/// A report that was given up. It is kept until it is redriven or discarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadReport {
    /// Its number in the spool.
    pub id: u64,
    /// Where it was to go.
    pub destination: NamedDestination,
    /// What it says.
    pub report: Report,
    /// Why it was given up.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Something that needs somebody's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpoolAlarm {
    /// A destination is stopped: its secret is refused or missing, or its URL is another's. Told once, not with every report
    /// that is tried meanwhile.
    Stopped {
        /// The destination.
        destination: NamedDestination,
        /// Why.
        reason: String,
    },
    /// A report was given up.
    Dead {
        /// Its number among the [`dead_letters`](super::Spool::dead_letters).
        id: u64,
        /// Where it was to go.
        destination: NamedDestination,
        /// Why.
        reason: String,
    },
    /// Some bytes on the disk are not what was written.
    Damaged {
        /// Where they were moved, to be looked at. Where they could not be moved (a full disk, for instance), the
        /// spool's own file that holds them: it stays until they can be, and that is told once more.
        kept_in: PathBuf,
    },
}

/// Why a spool can't be opened, or can't do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process works with the folder, or another spool of this one.
    #[error("another spool works with {0}")]
    InUse(PathBuf),
    /// The folder can't be made, read or written; its source names the file, where it is one that can't be read.
    #[error("the spool's folder can't be worked with")]
    Disk(#[source] std::io::Error),
    /// The folder was written by a newer version.
    #[error("the spool was written in version {0} of its form, which this program does not know")]
    Version(u32),
    /// A thread could not be started.
    #[error("a thread of the spool could not be started")]
    Thread(#[source] std::io::Error),
    /// It was opened outside of a Tokio runtime, in which it has to send.
    #[error("a spool is opened inside a Tokio runtime (or use the blocking one)")]
    NoRuntime,
    /// It was shut down.
    #[error("the spool was shut down")]
    Closed,
}
