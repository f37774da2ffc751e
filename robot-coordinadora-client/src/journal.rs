//! The journal of intent: which batches were accepted, which orders were about to be submitted, and what became of each.
//! It remembers; what follows from it is the batch runner's.
//!
//! A folder holds one file for each batch in process, `<job>.job`, made whole and then only appended to, and one empty
//! file for each batch that ended, `done/<job>` or `rejected/<job>`: its name is all that is kept of it, for good.
//! A file in which something is damaged is copied to `damaged` before it is mended. It is mended when the next record is
//! written, so that a full disk keeps no batch from being known.

mod file;
mod ledger;
mod reading;
mod record;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use robot_callback_core::{JobId, Report};

pub(crate) use self::file::JobFile;
pub(crate) use self::ledger::Ledger;
pub(crate) use self::record::{Batch, Record, credentials_name};
use crate::disk::{self, FolderLock, at_file, create, make_folder, remove, remove_unfinished};

/// How a job was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was taken.
    Accepted,
    /// It was refused as a whole, and each of its orders reported.
    Rejected,
}

impl Standing {
    const ALL: [Self; 2] = [Self::Accepted, Self::Rejected];

    /// The folder of those that ended.
    fn folder(self) -> &'static str {
        match self {
            Self::Accepted => "done",
            Self::Rejected => "rejected",
        }
    }
}

/// The folder, which this process has for itself.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    known: Mutex<BTreeMap<JobId, Standing>>,
    _lock: FolderLock,
}

/// A batch of the journal: its file, and what stands in it.
pub(crate) struct Journaled {
    pub(crate) file: JobFile,
    pub(crate) ledger: Ledger,
}

impl Journal {
    /// Opens the folder, and reads the batches that had not ended. Tells `abandoned` of each that was announced and never
    /// begun.
    pub(crate) fn open(folder: &Path, abandoned: impl FnMut(JobId)) -> io::Result<(Self, Vec<Journaled>)> {
        make_folder(folder)?;
        let lock = FolderLock::take(folder)?;
        for inner in Standing::ALL.map(Standing::folder).into_iter().chain([DAMAGED]) {
            make_folder(&folder.join(inner))?;
        }
        let journal = Self { folder: folder.to_owned(), known: Mutex::default(), _lock: lock };
        for standing in Standing::ALL {
            for job in names(&folder.join(standing.folder()))?.iter().filter_map(|name| name.parse().ok()) {
                journal.know(job, standing);
            }
        }
        journal.abandoned()?.into_iter().for_each(abandoned);
        let unended = journal.read_unended()?;
        Ok((journal, unended))
    }

    /// How that job was answered, if it was.
    pub(crate) fn standing(&self, job: JobId) -> Option<Standing> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&job).copied()
    }

    /// Says that a batch is about to begin: what is kept for it elsewhere is found again, should nothing come of it.
    pub(crate) fn announce(&self, job: JobId) -> io::Result<()> {
        disk::begin(&self.folder, &file_name(job))
    }

    /// Remembers a batch, together with the results it has already, each as one on its order's attempt. Durable when this returns.
    pub(crate) fn begin(&self, batch: Batch, results: &[Report]) -> io::Result<Journaled> {
        let standing = if batch.rejected { Standing::Rejected } else { Standing::Accepted };
        let (job, mut ledger) = (batch.job_id, Ledger::new(batch.clone()));
        let results = results.iter().map(|report| Record::Result(batch.on_attempt(report.clone())));
        let records: Vec<_> =
            [0, 1].map(|_| Record::Accepted(batch.clone())).into_iter().chain(results).collect();
        let file = JobFile::create(&self.folder, &file_name(job), &records)
            .inspect_err(|_| drop(remove(&self.folder.join(file_name(job)))))?;
        records.into_iter().for_each(|record| ledger.apply(record));
        self.know(job, standing);
        Ok(Journaled { file, ledger })
    }

    /// Forgets everything of a batch but its id.
    pub(crate) fn end(&self, job: JobId) -> io::Result<()> {
        let standing = self.standing(job).unwrap_or(Standing::Accepted);
        create(&self.folder.join(standing.folder()), &job.to_string(), b"")?;
        remove(&self.folder.join(file_name(job)))
    }

    fn know(&self, job: JobId, standing: Standing) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(job, standing);
    }

    /// The batches that were announced and never begun.
    fn abandoned(&self) -> io::Result<Vec<JobId>> {
        let mut names = disk::unfinished(&self.folder)?;
        names.retain(|name| !self.folder.join(name).try_exists().unwrap_or(true)); // else it was being written anew
        Ok(names.iter().filter_map(|name| job_of(name)).collect())
    }

    fn read_unended(&self) -> io::Result<Vec<Journaled>> {
        let mut unended = Vec::new();
        // A batch whose writing was never finished was never accepted.
        remove_unfinished(&self.folder)?;
        for name in names(&self.folder)? {
            if let Some(job) = job_of(&name) {
                let path = self.folder.join(&name);
                unended.extend(self.read_one(job).map_err(|error| at_file(&path, error))?);
            }
        }
        Ok(unended)
    }

    /// The job of a batch of which nothing is left stays accepted: nothing of it is done again. A file that the disk does
    /// not give just now is an error: without its batch, its orders could be accepted and submitted once more.
    fn read_one(&self, job: JobId) -> io::Result<Option<Journaled>> {
        if self.standing(job).is_some() {
            // It had ended; only its file was still there.
            drop(remove(&self.folder.join(file_name(job))));
            return Ok(None);
        }
        self.know(job, Standing::Accepted);
        let read = JobFile::open(&self.folder, &file_name(job), &self.folder.join(DAMAGED))?;
        let Some(journaled) = read else {
            tracing::error!(job.id = %job, "nothing of a batch is left in the journal; its orders are not reported");
            drop(self.end(job));
            return Ok(None);
        };
        if journaled.ledger.batch.rejected {
            self.know(job, Standing::Rejected);
        }
        Ok(Some(journaled))
    }
}

const SUFFIX: &str = ".job";
const DAMAGED: &str = "damaged";

fn file_name(job: JobId) -> String {
    format!("{job}{SUFFIX}")
}

fn job_of(file_name: &str) -> Option<JobId> {
    file_name.strip_suffix(SUFFIX)?.parse().ok()
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().into_string().unwrap_or_default());
    fs::read_dir(folder)?.map(name).collect()
}

#[cfg(test)]
mod tests;
