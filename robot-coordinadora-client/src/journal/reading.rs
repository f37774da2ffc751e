//! Reading a batch's file, whatever happened to it. Pure.
//!
//! **Doubt is never a reason to submit again.** A record that was cut short may have been the intent of the order that
//! was next, unless an order was under way: then it is that one's result. A damaged one may have been the intent of any
//! order. Each of them counts as intended from then on.

use robot_callback_core::ItemId;

use super::ledger::Ledger;
use super::record::Record;
use crate::disk::pieces;

/// The most that is ever written and not yet synced: a hand-over and an intent. After a power cut it may be there as
/// anything, zeros for instance. Too short for two intents, and for a result with the next order's intent.
pub(super) const UNSYNCED: usize = 144;

/// How well a file could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// Every record is whole.
    Whole,
    /// The last one was cut short, as a crash leaves it.
    Torn,
    /// Something in it was changed.
    Damaged,
}

/// What stands in a file.
pub(super) struct Reading {
    pub(super) condition: Condition,
    /// The records that are whole, and an intent for each order that may have been submitted.
    pub(super) records: Vec<Record>,
    pub(super) ledger: Ledger,
}

/// Reads a file; `None` when no record of the batch itself is left.
pub(super) fn read(bytes: &[u8]) -> Option<Reading> {
    let (mut condition, mut records) = records(bytes);
    let batches = records.iter().filter_map(|record| match record {
        Record::Accepted(batch) => Some(batch.clone()),
        _ => None,
    });
    let batches: Vec<_> = batches.collect();
    if batches.len() != 2 {
        condition = Condition::Damaged;
    }
    let mut ledger = Ledger::new(batches.into_iter().next()?);
    records.iter().cloned().for_each(|record| ledger.apply(record));
    for item in doubtful(&ledger, condition) {
        records.push(Record::Intent(item));
        ledger.apply(Record::Intent(item));
    }
    Some(Reading { condition, records, ledger })
}

/// The orders whose intent may have been lost. While one is under way, no other is begun.
fn doubtful(ledger: &Ledger, condition: Condition) -> Vec<ItemId> {
    let open = || ledger.open().map(|order| order.item_id);
    let unintended = open().filter(|item| !ledger.is_intended(*item));
    match condition {
        Condition::Whole => Vec::new(),
        Condition::Torn if open().any(|item| ledger.is_intended(item)) => Vec::new(),
        Condition::Torn => unintended.take(1).collect(),
        Condition::Damaged => unintended.collect(),
    }
}

fn records(bytes: &[u8]) -> (Condition, Vec<Record>) {
    let (mut condition, mut records, mut read) = (Condition::Whole, Vec::new(), 0);
    for piece in pieces(bytes) {
        read = piece.at + piece.bytes.len();
        let record: Option<Record> = piece.payload.and_then(|payload| serde_json::from_slice(payload).ok());
        let at_the_end = read == bytes.len() && piece.bytes.len() <= UNSYNCED && piece.payload.is_none();
        condition = condition.max(match record {
            Some(_) => Condition::Whole,
            None if at_the_end => Condition::Torn,
            None => Condition::Damaged,
        });
        records.extend(record);
    }
    // A last frame that was cut short is no piece.
    let condition = if read < bytes.len() { condition.max(Condition::Torn) } else { condition };
    (condition, records)
}
