//! A group: records that are appended together, and whom to tell of it.

use std::io;
use std::sync::Arc;

use robot_callback_core::{ItemId, Timestamp};
use serde_json::value::RawValue;

use super::log::End;
use super::record::{Record, Seq, Spooled, Standing};
use super::segment::Place;
use super::shared::Shared;
use super::writer::{NotWritten, Told};
use crate::sink::NamedDestination;

/// A report that is handed over.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) to: NamedDestination,
    pub(super) item: ItemId,
    /// Its wire form.
    pub(super) report: Box<RawValue>,
    pub(super) told: Told,
}

#[derive(Debug)]
pub(super) struct Group {
    bytes: Vec<u8>,
    added: Vec<Added>,
    told: Vec<Told>,
    now: Timestamp,
    /// What all reports take, with those of this group.
    taken: u64,
    most: u64,
}

#[derive(Debug)]
struct Added {
    seq: Seq,
    /// Where it begins in the group's bytes.
    at: u64,
    length: u32,
    to: NamedDestination,
    item: ItemId,
}

impl Group {
    pub(super) fn new(shared: &Shared) -> Self {
        let taken = shared.index().segments.needed();
        let (bytes, added, told) = (Vec::new(), Vec::new(), Vec::new());
        Self { bytes, added, told, now: shared.now(), taken, most: shared.options.max_bytes }
    }

    /// Takes in a report, if there is place for it in the spool.
    pub(super) fn add(&mut self, seq: Seq, handover: Handover) {
        let Handover { to, item, report, told } = handover;
        let frame = match frame(seq, &to, &report, self.standing()) {
            Ok(frame) => frame,
            Err(error) => return drop(told.send(Err(NotWritten::Disk(Arc::new(error.into()))))),
        };
        let (at, length) = (length(&self.bytes), u32::try_from(frame.len()).unwrap_or(u32::MAX));
        if self.taken + u64::from(length) > self.most {
            let (taken, most) = (self.taken, self.most);
            return drop(told.send(Err(NotWritten::Full { taken, most })));
        }
        self.taken += u64::from(length);
        self.bytes.extend(frame);
        self.added.push(Added { seq, at, length, to, item });
        self.told.push(told);
    }

    pub(super) fn note(&mut self, frame: &[u8]) {
        self.bytes.extend(frame);
    }

    pub(super) fn durably(&mut self, frames: &[u8], told: Told) {
        self.bytes.extend(frames);
        self.told.push(told);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether somebody waits until it is safe.
    pub(super) fn is_awaited(&self) -> bool {
        !self.told.is_empty()
    }

    /// Enters what was written into the index, and tells everybody.
    pub(super) fn tell(self, shared: &Shared, written: Result<Option<End>, Arc<io::Error>>) {
        let (standing, adds) = (self.standing(), !self.added.is_empty());
        if let Ok(Some(end)) = &written {
            let mut index = shared.index();
            index.segments.grow(end.segment, length(&self.bytes));
            for Added { seq, at, length, to, item } in self.added {
                let place = Place { segment: end.segment, at: end.at + at, length };
                index.add(seq, place, to, item, standing.clone());
            }
        }
        if adds {
            shared.wake.notify_one();
        }
        let told = written.map(drop).map_err(NotWritten::Disk);
        for caller in self.told {
            drop(caller.send(told.clone())); // who has gone away hears nothing; what was done stays done
        }
    }

    /// A new report is sent at once.
    fn standing(&self) -> Standing {
        Standing { tries: 0, due: self.now, death: None }
    }
}

/// A report's record in its frame.
pub(super) fn frame(
    seq: Seq,
    to: &NamedDestination,
    report: &RawValue,
    standing: Standing,
) -> Result<Vec<u8>, serde_json::Error> {
    let (url, secret) = (to.callback_url.as_str().into(), to.secret_name.as_str().into());
    Record::Report(Spooled { seq, url, secret, report, standing }).frame()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
