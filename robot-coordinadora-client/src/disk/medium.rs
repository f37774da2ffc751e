//! What a growing file is written through. There is one disk; the tests have another, which fails when told to.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::folder;

/// What can be done to files that grow.
pub(crate) trait Medium: fmt::Debug + Send + Sync {
    /// Creates the file of that name, durably, with those bytes as its beginning.
    fn create(&self, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        folder::create(folder, name, bytes)
    }

    /// Writes at the end of a file. After an error, some of the bytes may be there.
    fn append(&self, file: &Growing, bytes: &[u8]) -> io::Result<()> {
        file.append(bytes)
    }

    /// Removes a file of that folder, durably.
    fn remove(&self, folder: &Path, name: &str) -> io::Result<()> {
        folder::remove(&folder.join(name))?;
        folder::sync_folder(folder)
    }

    /// Cuts off, durably, what follows the first `length` bytes.
    fn cut(&self, file: &Growing, length: u64) -> io::Result<()> {
        file.cut(length)
    }

    /// Makes durable what was appended. After an error, nobody knows what is.
    fn sync(&self, file: &Growing) -> io::Result<()> {
        file.sync()
    }
}

/// The disk.
#[derive(Debug)]
pub(crate) struct TheDisk;

impl Medium for TheDisk {}

/// A file that grows at its end and is read anywhere; clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct Growing(Arc<Mutex<File>>);

impl Growing {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// The `length` bytes from `at` on.
    pub(crate) fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.with(|file| file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes)))?;
        Ok(bytes)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.with(|file| file.set_len(length).and_then(|()| file.sync_data()))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.with(|file| file.write_all(bytes))
    }

    /// Syncs without the lock, so that readers need not wait for it.
    fn sync(&self) -> io::Result<()> {
        let file = self.with(|file| file.try_clone())?;
        file.sync_data()?;
        self.still_there()
    }

    /// What is written to a file that somebody removed is gone with it, however well it was synced.
    #[cfg(unix)]
    pub(crate) fn still_there(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        if self.with(|file| file.metadata())?.nlink() > 0 {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "somebody removed the file that was written"))
    }

    /// Elsewhere a file that is open can't be removed.
    #[cfg(not(unix))]
    pub(crate) fn still_there(&self) -> io::Result<()> {
        Ok(())
    }

    fn with<T>(&self, work: impl FnOnce(&mut File) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
