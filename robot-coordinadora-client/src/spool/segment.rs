//! The files of a spool, by number, and how much of each is still needed. Reads from them; writes nothing.

use std::collections::BTreeMap;
use std::io;

use crate::disk::Growing;

/// The number of a segment. Later ones have greater numbers, and none is given twice while the spool holds anything.
pub(super) type Number = u64;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: Number,
    pub(super) at: u64,
    pub(super) length: u32,
}

#[derive(Debug)]
struct Segment {
    file: Growing,
    bytes: u64,
    needed: u64,
    /// Damaged bytes that could not be moved aside.
    held: Vec<Place>,
}

#[derive(Debug, Default)]
pub(super) struct Segments {
    all: BTreeMap<Number, Segment>,
    bytes: u64,
    needed: u64,
}

const SUFFIX: &str = ".spool";

/// The name of a segment's file.
pub(super) fn file_name(number: Number) -> String {
    format!("{number:020}{SUFFIX}")
}

/// The number in a file's name, if it is a segment's.
pub(super) fn number(file_name: &str) -> Option<Number> {
    let digits = file_name.strip_suffix(SUFFIX)?;
    digits.parse().ok().filter(|number| self::file_name(*number) == file_name)
}

impl Segments {
    pub(super) fn add(&mut self, number: Number, file: Growing, bytes: u64) {
        self.bytes += bytes;
        self.all.insert(number, Segment { file, bytes, needed: 0, held: Vec::new() });
    }

    pub(super) fn grow(&mut self, number: Number, bytes: u64) {
        if let Some(segment) = self.all.get_mut(&number) {
            segment.bytes += bytes;
            self.bytes += bytes;
        }
    }

    pub(super) fn remove(&mut self, number: Number) {
        if let Some(segment) = self.all.remove(&number) {
            self.bytes -= segment.bytes;
            self.needed -= segment.needed;
        }
    }

    /// The record there is needed from now on.
    pub(super) fn need(&mut self, place: Place) {
        if let Some(segment) = self.all.get_mut(&place.segment) {
            segment.needed += u64::from(place.length);
            self.needed += u64::from(place.length);
        }
    }

    /// The record there is no longer needed.
    pub(super) fn release(&mut self, place: Place) {
        if let Some(segment) = self.all.get_mut(&place.segment) {
            segment.needed -= u64::from(place.length);
            self.needed -= u64::from(place.length);
        }
    }

    /// The damaged bytes there must not go with their segment.
    pub(super) fn hold(&mut self, place: Place) {
        self.all.get_mut(&place.segment).into_iter().for_each(|segment| segment.held.push(place));
    }

    /// The damaged bytes there are kept elsewhere.
    pub(super) fn let_go(&mut self, place: Place) {
        let segment = self.all.get_mut(&place.segment);
        segment.into_iter().for_each(|segment| segment.held.retain(|held| *held != place));
    }

    /// Damaged bytes that must not go with that segment, if there are any.
    pub(super) fn held(&self, number: Number) -> Option<Place> {
        self.all.get(&number)?.held.first().copied()
    }

    /// What all records take that are needed.
    pub(super) fn needed(&self) -> u64 {
        self.needed
    }

    /// The oldest segment, and whether anything in it is needed.
    pub(super) fn oldest(&self) -> Option<(Number, bool)> {
        self.all.first_key_value().map(|(number, segment)| (*number, segment.needed > 0))
    }

    /// How many bytes on the disk are of no use.
    pub(super) fn waste(&self) -> u64 {
        self.bytes - self.needed
    }

    pub(super) fn numbers(&self) -> Vec<Number> {
        self.all.keys().copied().collect()
    }

    /// The file to read a record from.
    pub(super) fn file(&self, number: Number) -> io::Result<Growing> {
        let segment = self.all.get(&number).ok_or(io::ErrorKind::NotFound)?;
        Ok(segment.file.clone())
    }
}
