//! What is written, one record a frame, as JSON. Reads and writes records; knows nothing of files.

use std::borrow::Cow;

use robot_callback_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::disk::{frame, whole};
use crate::sink::NamedDestination;

/// The version of the records.
pub(super) const VERSION: u32 = 1;

/// The number of a report in its spool: later ones have greater numbers, and none is given twice while the spool holds anything.
pub(super) type Seq = u64;

/// A record. Of two that tell of the same report, the later one holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Record<'a> {
    /// The beginning of a segment.
    Spool {
        version: u32,
    },
    /// A report that was handed over, with what has become of it so far.
    #[serde(borrow)]
    Report(Spooled<'a>),
    /// It was tried and failed; it is due again.
    Tried {
        seq: Seq,
        tries: u32,
        due: Timestamp,
    },
    Dead {
        seq: Seq,
        death: Death,
    },
    /// A dead letter was redriven.
    Again {
        seq: Seq,
    },
    /// It is delivered, or was discarded: nothing of it is needed any longer.
    Settled {
        seq: Seq,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spooled<'a> {
    pub(super) seq: Seq,
    #[serde(borrow)]
    pub(super) url: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) secret: Cow<'a, str>,
    /// Its wire form, byte by byte.
    #[serde(borrow)]
    pub(super) report: &'a RawValue,
    pub(super) standing: Standing,
}

/// What has become of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// How often it was tried, and failed.
    pub(super) tries: u32,
    /// When it is to be sent.
    pub(super) due: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) death: Option<Death>,
}

/// Why a report is a dead letter, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Death {
    pub(super) reason: String,
    pub(super) at: Timestamp,
}

impl Record<'_> {
    pub(super) fn frame(&self) -> Result<Vec<u8>, serde_json::Error> {
        Ok(frame(&serde_json::to_vec(self)?))
    }
}

impl<'a> Record<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// The record in that frame, if it is whole.
    pub(super) fn of_frame(frame: &'a [u8]) -> Option<Self> {
        whole(frame).and_then(Self::read)
    }
}

impl Spooled<'_> {
    pub(super) fn to(&self) -> NamedDestination {
        NamedDestination {
            callback_url: self.url.clone().into_owned(),
            secret_name: self.secret.clone().into_owned(),
        }
    }
}
