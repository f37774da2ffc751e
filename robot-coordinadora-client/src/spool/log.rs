//! The disk of a spool, as its one writer sees it: records are appended to the newest segment, and the oldest ones are
//! cleared away. Whoever writes holds the log; nobody else writes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::record::{Record, Seq, VERSION};
use super::segment::{Number, Place, file_name};
use crate::disk::{self, FolderLock, Growing, Medium};
use crate::step::passed;

#[derive(Debug)]
pub(super) struct Log {
    pub(super) folder: PathBuf,
    medium: Arc<dyn Medium>,
    newest: Option<Newest>,
    /// The next number, for a segment or for a report.
    next: u64,
    segment_bytes: u64,
    /// Since when something is appended that is not synced.
    pub(super) dirty: Option<Instant>,
    _lock: FolderLock,
}

/// The segment that grows.
#[derive(Debug)]
struct Newest {
    number: Number,
    file: Growing,
    bytes: u64,
}

/// Where something is going to be appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) segment: Number,
    pub(super) at: u64,
}

/// A segment that was begun.
pub(super) type Begun = (Number, Growing, u64);

impl Log {
    pub(super) fn new(
        folder: &Path,
        lock: FolderLock,
        medium: Arc<dyn Medium>,
        next: u64,
        segment_bytes: u64,
    ) -> Self {
        let folder = folder.to_owned();
        Self { folder, medium, newest: None, next, segment_bytes, dirty: None, _lock: lock }
    }

    pub(super) fn number(&mut self) -> Seq {
        self.next += 1;
        self.next - 1
    }

    /// Begins another segment if the newest is full, or if there is none.
    pub(super) fn make_room(&mut self) -> io::Result<Option<Begun>> {
        if self.newest.as_ref().is_some_and(|newest| newest.bytes < self.segment_bytes) {
            return Ok(None);
        }
        if self.dirty.is_some() {
            self.sync()?;
        }
        let number = self.number();
        let head = Record::Spool { version: VERSION }.frame()?;
        self.medium.create(&self.folder, &file_name(number), &head)?;
        let file = Growing::open(&self.path(number))?;
        let bytes = u64::try_from(head.len()).unwrap_or(u64::MAX);
        self.newest = Some(Newest { number, file: file.clone(), bytes });
        Ok(Some((number, file, bytes)))
    }

    /// Where the next bytes go; room must have been made for them.
    pub(super) fn end(&self) -> io::Result<End> {
        let newest = self.newest.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(End { segment: newest.number, at: newest.bytes })
    }

    /// Appends records. After an error none of them counts, though some may be on the disk.
    pub(super) fn append(&mut self, bytes: &[u8], durably: bool) -> io::Result<()> {
        let newest = self.newest.as_mut().ok_or(io::ErrorKind::NotFound)?;
        passed("before records are appended");
        if let Err(error) = self.medium.append(&newest.file, bytes) {
            // What follows must not stand behind half a record; where it can't be cut off, begin anew.
            if self.medium.cut(&newest.file, newest.bytes).is_err() {
                self.newest = None;
            }
            return Err(error);
        }
        newest.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.dirty.get_or_insert_with(Instant::now);
        passed("after records are appended");
        if durably { self.sync() } else { Ok(()) }
    }

    /// Makes durable what was appended. After an error nobody knows what is on the disk, and asking again tells
    /// nothing: the segment is left as it is, and another is begun.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.dirty = None;
        let Some(newest) = &self.newest else { return Ok(()) };
        passed("before records are synced");
        if let Err(error) = self.medium.sync(&newest.file) {
            self.newest = None;
            return Err(error);
        }
        passed("after records are synced");
        Ok(())
    }

    /// Lets nothing more be appended to the newest segment.
    pub(super) fn end_newest(&mut self) {
        self.newest = None;
    }

    /// Whether that segment still grows.
    pub(super) fn grows(&self, number: Number) -> bool {
        self.newest.as_ref().is_some_and(|newest| newest.number == number)
    }

    /// How much may lie on the disk to no use.
    pub(super) fn tolerates(&self, needed: u64) -> u64 {
        needed.saturating_add(self.segment_bytes.saturating_mul(2))
    }

    /// Removes a segment, durably: one that came back after a crash would bring back what is settled.
    pub(super) fn remove(&self, number: Number) -> io::Result<()> {
        self.medium.remove(&self.folder, &file_name(number))
    }

    fn path(&self, number: Number) -> PathBuf {
        self.folder.join(file_name(number))
    }
}

/// Keeps damaged bytes, to be looked at. The same bytes again are the same file.
pub(super) fn keep_damaged(folder: &Path, place: Place, bytes: &[u8]) -> io::Result<PathBuf> {
    let (folder, name) = (damaged_folder(folder), format!("{:020}-{}", place.segment, place.at));
    disk::make_folder(&folder)?;
    disk::create(&folder, &name, bytes)?;
    Ok(folder.join(name))
}

pub(super) fn damaged_folder(folder: &Path) -> PathBuf {
    folder.join("damaged")
}
