//! What a report did to its item. Pure: the store calls [`judge`] under its lock and acts on the answer.

use serde::{Deserialize, Serialize};

use crate::job::Item;
use crate::report::Report;

/// What a callback did. All of these are answered 200: the result is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The item was open, and is closed now.
    Applied,
    /// The item had ended that way before; nothing changed.
    Duplicate,
    /// The item had ended another way; the first result stays and this report is kept for an operator. So is one
    /// that names an attempt nobody has opened yet.
    Conflict,
    /// The deadline had closed the item. A success is applied after all; an error is only kept.
    Late,
    /// The report is of an earlier attempt than the current one; it is kept and changes nothing.
    Stale,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Applied, Self::Duplicate, Self::Conflict, Self::Late, Self::Stale];

    /// Its name on the wire and in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Late => "late",
            Self::Stale => "stale",
        }
    }

    /// The verdict of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}

/// Judges a report by the state of its item. The order of the questions matters: a report of another attempt
/// says nothing about this one, and what the deadline closed has not been heard of yet.
#[must_use]
pub fn judge(item: &Item, report: &Report) -> Verdict {
    match report.attempt {
        Some(attempt) if attempt < item.attempt => return Verdict::Stale,
        Some(attempt) if attempt > item.attempt => return Verdict::Conflict,
        _ => {}
    }
    match item.status.outcome() {
        None => Verdict::Applied,
        Some(_) if item.expired => Verdict::Late,
        Some(outcome) if outcome == report.outcome && item.tracking_number == report.tracking_number => {
            Verdict::Duplicate
        }
        Some(_) => Verdict::Conflict,
    }
}
