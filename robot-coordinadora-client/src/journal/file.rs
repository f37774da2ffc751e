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
        Self { folder: folder.to_owned(), name: name.to_owned(), bytes, file: None, uncopied: None }
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
    /// again does no harm. When it fails, the record may be on the disk all the same, and may be appended again.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let [before, after] = record.places();
        let frame = record.framed()?;
        let length = self.bytes.len();
        self.bytes.extend(&frame);
        passed(before);
        if let Err(first) = self.write(&frame, !matches!(record, Record::Handed(_))) {
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
        if sync { file.sync_data() } else { Ok(()) }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        if let Some((damaged, bytes)) = &self.uncopied {
            create(damaged, &self.name, bytes)?;
            self.uncopied = None;
        }
        create(&self.folder, &self.name, &self.bytes)?;
        self.file = Some(OpenOptions::new().append(true).open(self.folder.join(&self.name))?);
        Ok(())
    }
}

fn framed(records: &[Record]) -> serde_json::Result<Vec<u8>> {
    let frames: Result<Vec<_>, _> = records.iter().map(Record::framed).collect();
    Ok(frames?.concat())
}
