//! The file of one batch: made whole, then appended to. What is in it is also kept in memory, so that a disk that failed
//! and came back gets the whole file anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Journaled;
use super::reading::{self, Condition};
use super::record::Record;
use crate::disk::create;
use crate::step::passed;

#[derive(Debug)]
pub(crate) struct JobFile {
    folder: PathBuf,
    name: String,
    bytes: Vec<u8>,
    /// None when the last write failed: what it left in the file is unknown.
    file: Option<File>,
}

impl JobFile {
    /// Makes the file, with those records in it. Durable when this returns.
    pub(super) fn create(folder: &Path, name: &str, records: &[Record]) -> io::Result<Self> {
        let mut bytes = Vec::new();
        for record in records {
            bytes.extend(record.framed()?);
        }
        let mut file = Self { folder: folder.to_owned(), name: name.to_owned(), bytes, file: None };
        let places = records.first().map(Record::places);
        places.iter().for_each(|[before, _]| passed(before));
        file.rewrite()?;
        places.iter().for_each(|[_, after]| passed(after));
        Ok(file)
    }

    /// Reads the file, and mends it where that is needed; a damaged one is copied to `damaged` first. `None` when
    /// nothing can be made of it.
    pub(super) fn open(folder: &Path, name: &str, damaged: &Path) -> io::Result<Option<Journaled>> {
        let path = folder.join(name);
        let bytes = fs::read(&path)?;
        let read = reading::read(&bytes);
        if read.as_ref().is_none_or(|reading| reading.condition == Condition::Damaged) {
            tracing::error!(
                file = name,
                "a batch's journal is damaged; a copy is kept in the folder 'damaged'"
            );
            create(damaged, name, &bytes)?;
        }
        let Some(reading) = read else { return Ok(None) };
        let file = match reading.condition {
            Condition::Whole => {
                let file = Some(OpenOptions::new().append(true).open(&path)?);
                Self { folder: folder.to_owned(), name: name.to_owned(), bytes, file }
            }
            Condition::Torn | Condition::Damaged => Self::create(folder, name, &reading.records)?,
        };
        Ok(Some(Journaled { file, ledger: reading.ledger }))
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
        create(&self.folder, &self.name, &self.bytes)?;
        self.file = Some(OpenOptions::new().append(true).open(self.folder.join(&self.name))?);
        Ok(())
    }
}
