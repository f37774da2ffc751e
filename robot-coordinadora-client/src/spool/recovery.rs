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
use crate::disk::{self, Growing, Piece, pieces};
use crate::sink::NamedDestination;

/// What was found in a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) index: Index,
    /// A number that is greater than any that was given.
    pub(super) next: u64,
    /// Where damaged bytes were moved.
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
    let mut found = Found { next: 1, all_kept: true, ..Found::default() };
    for number in numbers(folder).map_err(SpoolError::Disk)? {
        found.next = found.next.max(number + 1);
        match read(folder, number) {
            Ok((file, bytes)) => found.segment(folder, number, file, &bytes, now)?,
            Err(error) => found.unreadable(folder, number, &error),
        }
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

fn read(folder: &Path, number: Number) -> io::Result<(Growing, Vec<u8>)> {
    let path = folder.join(segment::file_name(number));
    Ok((Growing::open(&path)?, fs::read(path)?))
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
                _ => self.damaged(folder, number, piece),
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

    fn damaged(&mut self, folder: &Path, number: Number, piece: Piece<'_>) {
        let at = u64::try_from(piece.at).unwrap_or(u64::MAX);
        self.moved(keep_damaged(folder, number, at, piece.bytes));
    }

    /// A whole file that the disk does not give is moved as it is.
    fn unreadable(&mut self, folder: &Path, number: Number, error: &io::Error) {
        let name = segment::file_name(number);
        tracing::error!(file = name, %error, "a file of the spool can't be read");
        let (from, to) = (folder.join(&name), damaged_folder(folder).join(&name));
        let moved = disk::make_folder(&damaged_folder(folder)).and_then(|()| disk::rename(&from, &to));
        self.moved(moved.map(|()| to));
    }

    fn moved(&mut self, moved: io::Result<PathBuf>) {
        match moved {
            Ok(path) => self.damage.push(path),
            Err(error) => {
                self.all_kept = false;
                tracing::error!(%error, "damaged bytes of the spool could not be moved; they stay where they are");
            }
        }
    }
}
