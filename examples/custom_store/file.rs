//! The file: one JSON document, replaced as a whole, under a lock that other processes honour, too.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value in a file.
#[derive(Clone)]
pub(crate) struct JsonFile {
    path: PathBuf,
}

impl JsonFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// What the file holds, or the default where there is none.
    pub(crate) fn read<T: DeserializeOwned + Default>(&self) -> io::Result<T> {
        let _lock = self.lock()?;
        self.load()
    }

    /// Changes what the file holds. When this returns `Ok`, the change survives a power cut; when it returns an
    /// error, or the process dies on the way, the file is as it was.
    pub(crate) fn change<T, R>(&self, change: impl FnOnce(&mut T) -> R) -> io::Result<R>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        let _lock = self.lock()?;
        let mut value = self.load()?;
        let result = change(&mut value);
        self.save(&value)?;
        Ok(result)
    }

    /// Beside the file, since the file itself is replaced. Released when dropped, or when the process dies.
    fn lock(&self) -> io::Result<File> {
        let lock = File::create(self.path.with_extension("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    fn load<T: DeserializeOwned + Default>(&self) -> io::Result<T> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            Err(error) => Err(error),
        }
    }

    /// A rename is all or nothing. It lasts once the folder is on disk, and it may only happen once the bytes are.
    fn save(&self, value: &impl Serialize) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}
