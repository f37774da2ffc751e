//! What a robot says to a batch, and why it may be unable to say anything.

use std::io;

use robot_callback_core::Cause;

use super::reports;
use crate::request::RequestError;

/// What became of a request. It may be sent again at any time: nothing of a job is done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is on the disk. Every order of it will be reported exactly once.
    Accepted,
    /// A batch of that job was accepted before; this one is not looked at.
    AlreadyAccepted,
    /// Another batch of the workspace is in process. Nothing was taken; send it again later.
    Busy,
    /// It can't be worked on.
    Rejected(Rejection),
}

/// Why a batch can't be worked on, in the words that go back to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A field is missing or breaks a rule. Nothing was taken.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Every order lacks a city. Each of them is reported, once.
    #[error("{}", reports::NO_CITY_AT_ALL)]
    NoCity,
}

/// A batch was not accepted; nothing of it will be done, and it may be sent again.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The journal or the keyring could not take it.
    #[error("the batch could not be kept")]
    NotKept(#[source] Cause),
    /// The robot is shutting down.
    #[error("the robot is shutting down")]
    Stopping,
}

/// Why a robot can't start.
#[derive(Debug, thiserror::Error)]
pub enum RobotError {
    /// Another process works in the folder.
    #[error("another process works with this journal")]
    Taken,
    /// The journal can't be read or written; its source names the file, where it is one.
    #[error("the journal can't be opened")]
    Journal(#[source] io::Error),
}

impl RobotError {
    pub(super) fn of_folder(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::WouldBlock { Self::Taken } else { Self::Journal(error) }
    }
}
