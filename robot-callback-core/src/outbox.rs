//! The outbox: events recorded with the state they tell of, waiting to leave. Values only.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::Event;

/// An entry's place in the outbox.
pub type EntryId = i64;

/// One event on its way out.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place.
    pub id: EntryId,
    /// What leaves.
    pub event: Event,
    /// How many times sending it has failed so far.
    pub failures: u32,
    /// How many times it was taken before. More than none only where it is [sent again](Settlement::Repeat).
    pub deliveries: u32,
}

/// A request for entries that are due.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// At most so many entries.
    pub limit: usize,
    /// For so long nobody else gets them. Longer than sending them can take.
    pub lease: Duration,
}

/// Proof of a claim; settling needs it. A lease that ran out and was given to another is worth nothing any more.
pub type LeaseToken = uuid::Uuid;

/// Entries held by one claimer until the lease ends.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Shown when settling.
    pub token: LeaseToken,
    /// In the order they were recorded.
    pub entries: Vec<Entry>,
}

/// What became of a claimed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It was taken. It never leaves again.
    Delivered,
    /// It was taken, and leaves once more for receivers that came late, unless it is acknowledged meanwhile. It counts
    /// as delivered all the same.
    Repeat {
        /// How long until then.
        after: Duration,
    },
    /// It was not, this time.
    Again {
        /// How long until it is due next.
        after: Duration,
        /// What went wrong.
        reason: String,
    },
    /// It will never be taken as it is: it becomes a dead letter.
    Dead {
        /// What is wrong with it.
        reason: String,
    },
}

/// An entry that was refused for good, kept until an operator redrives it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its place.
    pub id: EntryId,
    /// What would not leave.
    pub event: Event,
    /// Why.
    pub reason: String,
    /// How many times sending it failed.
    pub failures: u32,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// When an operator gave it up, and why.
    pub dropped: Option<Dropped>,
}

/// What is known of a dead letter that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// How much waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxDepth {
    /// Entries not yet delivered, leased ones included. One that was, and is sent again, is not among them.
    pub pending: u64,
    /// Dead letters, those that were dropped left out.
    pub dead: u64,
    /// When the oldest pending entry was recorded.
    pub oldest: Option<Timestamp>,
}
