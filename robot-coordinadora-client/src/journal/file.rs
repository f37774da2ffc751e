//! The file of one batch: made whole, then appended to. What is in it is also kept in memory, so that a disk that failed
//! and came back gets the whole file anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Journaled;
use super::reading::{self, Condition, Reading};
use super::record::Record;
use crate::disk::create;
use crate::step::passed;

const DAMAGED: &str = "a batch's journal is damaged; a copy is kept in the folder 'damaged'";

#[derive(Debug)]
pub(crate) struct JobFile {
    folder: PathBuf,
    name: String,
    bytes: Vec<u8>,
    /// None when the last write failed or was cut short: the next one writes the whole file anew.
    file: Option<File>,
    /// How much was written that is not synced. Never more than [`UNSYNCED`](reading::UNSYNCED), with the record that is
    /// being written, unless that is a result.
    unsynced: usize,
    /// What was found there, damaged, and where a copy of it must be kept before it is mended.
    uncopied: Option<(PathBuf, Vec<u8>)>,
}

impl JobFile {
    /// Makes the file, with those records in it. Durable when this returns.
    pub(super) fn create(folder: &Path, name: &str, records: &[Record]) -> io::Result<Self> {
        let mut file = Self::of(folder, name, framed(records)?);
        let places = records.first().map(Record::places);
        places.iter().for_each(|[before, _]| passed(before));
        file.rewrite()?;
        places.iter().for_each(|[_, after]| passed(after));
        Ok(file)
    }

    fn of(folder: &Path, name: &str, bytes: Vec<u8>) -> Self {
        let (folder, name) = (folder.to_owned(), name.to_owned());
        Self { folder, name, bytes, file: None, unsynced: 0, uncopied: None }
    }

    /// Reads the file; a damaged one is copied to `damaged`. Where it must be mended, the next record does that: a disk
    /// that is full now must not keep its orders from being known. `None` when nothing can be made of it.
    pub(super) fn open(folder: &Path, name: &str, damaged: &Path) -> io::Result<Option<Journaled>> {
        let path = folder.join(name);
        let bytes = fs::read(&path)?;
        let Some(Reading { condition, records, ledger }) = reading::read(&bytes) else {
            tracing::error!(file = name, "{DAMAGED}");
            create(damaged, name, &bytes)?;
            return Ok(None);
        };
        let file = match condition {
            Condition::Whole => {
                let file = Some(OpenOptions::new().append(true).open(&path)?);
                Self { file, ..Self::of(folder, name, bytes) }
            }
            Condition::Torn => Self::of(folder, name, framed(&records)?),
            Condition::Damaged => {
                tracing::error!(file = name, "{DAMAGED}");
                let uncopied = create(damaged, name, &bytes).err().map(|_| (damaged.to_owned(), bytes));
                Self { uncopied, ..Self::of(folder, name, framed(&records)?) }
            }
        };
        Ok(Some(Journaled { file, ledger }))
    }

    /// Writes one more record. Durable when this returns, but for [`Record::Handed`], which may be lost: handing over
    /// again does no harm; one at most, so that what a power cut takes stays small. When it fails, the record may be on the disk all the same, and may be appended again.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let [before, after] = record.places();
        let frame = record.framed()?;
        let length = self.bytes.len();
        self.bytes.extend(&frame);
        passed(before);
        let lingers = matches!(record, Record::Handed(_)) && self.unsynced == 0;
        if let Err(first) = self.write(&frame, !lingers) {
            tracing::warn!(file = self.name, error = %first, "a journal is written anew after a failed write");
            self.file = None;
            self.rewrite().inspect_err(|_| self.bytes.truncate(length))?;
        }
        passed(after);
        Ok(())
    }

    fn write(&mut self, frame: &[u8], sync: bool) -> io::Result<()> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        file.write_all(frame)?;
        self.unsynced += frame.len();
        if sync {
            file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    fn rewrite(&mut self) -> io::Result<()> {
        if let Some((damaged, bytes)) = &self.uncopied {
            create(damaged, &self.name, bytes)?;
            self.uncopied = None;
        }
        create(&self.folder, &self.name, &self.bytes)?;
        self.unsynced = 0;
        self.file = Some(OpenOptions::new().append(true).open(self.folder.join(&self.name))?);
        Ok(())
    }
}

fn framed(records: &[Record]) -> serde_json::Result<Vec<u8>> {
    let frames: Result<Vec<_>, _> = records.iter().map(Record::framed).collect();
    Ok(frames?.concat())
}

#[cfg(test)]
mod tests {
    use robot_callback_core::ItemId;

    use super::reading::UNSYNCED;
    use super::*;

    #[test]
    fn however_many_results_are_handed_over_in_a_row_no_more_is_unsynced_than_a_power_cut_may_take() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = JobFile::create(folder.path(), "a.job", &[]).unwrap();
        let next = Record::Intent(ItemId::random()).framed().unwrap().len();
        for handed in 1..=5 {
            file.append(&Record::Handed(ItemId::random())).unwrap();
            assert!(file.unsynced + next <= UNSYNCED, "{} bytes after {handed}", file.unsynced);
        }
        file.append(&Record::Intent(ItemId::random())).unwrap();
        assert_eq!(file.unsynced, 0, "an intent is synced before its order is submitted");
    }
}
