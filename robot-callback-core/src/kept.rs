//! Reports that were kept and not applied: who said what, and when. Values only.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::report::Report;
use crate::verdict::Verdict;

/// A report that came too late, contradicted an earlier one, or was of an earlier attempt. A real shipment may
/// stand behind it, so it is never dropped. The same report heard again is the same kept report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptReport {
    /// Its number.
    pub id: i64,
    /// The job of its item.
    pub job_id: JobId,
    /// Why it was kept.
    pub verdict: Verdict,
    /// The attempt its item was at, counted from 1.
    pub current_attempt: u32,
    /// What it says.
    pub report: Report,
    /// When it was first heard.
    pub received_at: Timestamp,
    /// How many times it was heard.
    pub times: u32,
    /// What an operator decided; `None` while nobody has.
    pub resolution: Option<Resolution>,
}

/// What an operator decides about a kept report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// It wins over what the item ended with.
    Accepted,
    /// It stays without effect.
    Dismissed,
}

impl Resolution {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Accepted, Self::Dismissed];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
        }
    }

    /// The resolution of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.name() == name)
    }
}
