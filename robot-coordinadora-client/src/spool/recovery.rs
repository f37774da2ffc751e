//! What a folder holds when a spool is opened: every segment is read, oldest first, and of each report the last word
//! counts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use robot_callback_core::{ItemId, Report, Timestamp};

use super::index::Index;
use super::log::{damaged_folder, keep_damaged};
use super::record::{Record, Seq, Spooled, Standing, VERSION};
use super::segment::{self, Number, Place};
use super::status::SpoolError;
use crate::disk::{self, Growing, pieces};
use crate::sink::NamedDestination;

/// What was found in a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) index: Index,
    /// A number that is greater than any that was given.
    pub(super) next: u64,
    /// Where damaged bytes are: moved aside, or else in their segment.
    pub(super) damage: Vec<PathBuf>,
    /// Whether all of them could be moved.
    pub(super) all_kept: bool,
    reports: BTreeMap<Seq, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    to: NamedDestination,
    item: ItemId,
    standing: Standing,
}

/// Reads the folder. No report is due later than `latest`: the clock may have been wrong before.
pub(super) fn recover(folder: &Path, now: Timestamp, latest: Timestamp) -> Result<Found, SpoolError> {
    disk::remove_unfinished(folder).map_err(SpoolError::Disk)?;
    let mut found = Found { next: above_damaged(folder), all_kept: true, ..Found::default() };
    for number in numbers(folder).map_err(SpoolError::Disk)? {
        found.next = found.next.max(number + 1);
        let (file, bytes) = read(folder, number).map_err(SpoolError::Disk)?;
        found.segment(folder, number, file, &bytes, now)?;
    }
    for (seq, Waiting { place, to, item, mut standing }) in std::mem::take(&mut found.reports) {
        standing.due = standing.due.min(latest);
        found.index.add(seq, place, to, item, standing);
    }
    Ok(found)
}

fn numbers(folder: &Path) -> io::Result<Vec<Number>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(folder)? {
        numbers.extend(segment::number(&file?.file_name().to_string_lossy()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A number above those under which damaged bytes are kept: a segment of the same number could be damaged, too.
fn above_damaged(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(damaged_folder(folder)) else { return 1 };
    let number = |name: &str| name.get(..20)?.parse::<Number>().ok();
    let numbers = files.filter_map(|file| number(&file.ok()?.file_name().to_string_lossy()));
    numbers.max().map_or(1, |number| number.saturating_add(1))
}

/// A file that the disk does not give may be whole, and given the next time: that is no damage.
fn read(folder: &Path, number: Number) -> io::Result<(Growing, Vec<u8>)> {
    let path = folder.join(segment::file_name(number));
    let read = Growing::open(&path).and_then(|file| Ok((file, fs::read(&path)?)));
    read.map_err(|error| disk::at_file(&path, error))
}

impl Found {
    fn segment(
        &mut self,
        folder: &Path,
        number: Number,
        file: Growing,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), SpoolError> {
        self.index.segments.add(number, file, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        for piece in pieces(bytes) {
            let place = Place {
                segment: number,
                at: u64::try_from(piece.at).unwrap_or(u64::MAX),
                length: u32::try_from(piece.bytes.len()).unwrap_or(u32::MAX),
            };
            match piece.payload.and_then(Record::read) {
                Some(Record::Spool { version }) if version != VERSION => {
                    return Err(SpoolError::Version(version));
                }
                Some(record) if self.record(place, &record, now) => {}
                _ => self.damaged(folder, place, piece.bytes),
            }
        }
        Ok(())
    }

    /// Takes in a record; tells whether it makes sense.
    fn record(&mut self, place: Place, record: &Record<'_>, now: Timestamp) -> bool {
        match *record {
            Record::Spool { .. } => {}
            Record::Report(ref spooled) => return self.report(place, spooled),
            Record::Tried { seq, tries, due } => self.change(seq, |standing| {
                (standing.tries, standing.due) = (tries, due);
            }),
            Record::Dead { seq, ref death } => {
                self.change(seq, |standing| standing.death = Some(death.clone()));
            }
            Record::Again { seq } => self.change(seq, |standing| {
                *standing = Standing { tries: 0, due: now, death: None };
            }),
            Record::Settled { seq } => {
                self.seen(seq);
                self.reports.remove(&seq);
            }
        }
        true
    }

    fn report(&mut self, place: Place, spooled: &Spooled<'_>) -> bool {
        let Ok(report) = Report::parse(spooled.report.get().as_bytes()) else { return false };
        let (to, item) = (spooled.to(), report.item_id);
        self.seen(spooled.seq);
        self.reports.insert(spooled.seq, Waiting { place, to, item, standing: spooled.standing.clone() });
        true
    }

    fn change(&mut self, seq: Seq, change: impl FnOnce(&mut Standing)) {
        self.seen(seq);
        if let Some(report) = self.reports.get_mut(&seq) {
            change(&mut report.standing);
        }
    }

    fn seen(&mut self, seq: Seq) {
        self.next = self.next.max(seq.saturating_add(1));
    }

    /// Moves damaged bytes aside. Where they can't be moved, they stay where they are, and their segment with them.
    fn damaged(&mut self, folder: &Path, place: Place, bytes: &[u8]) {
        let kept_in = keep_damaged(folder, place, bytes).unwrap_or_else(|error| {
            tracing::error!(%error, "damaged bytes of the spool could not be moved; they stay where they are");
            self.all_kept = false;
            self.index.segments.hold(place);
            folder.join(segment::file_name(place.segment))
        });
        self.damage.push(kept_in);
    }
}
