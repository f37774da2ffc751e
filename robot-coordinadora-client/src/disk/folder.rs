//! Files that appear whole or not at all, and stay: written, synced, renamed, their folder synced.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::step::passed;

/// What a file is called while it is being written. Whoever opens the folder removes what is left over.
const UNFINISHED: &str = ".unfinished";

/// Makes a folder that only its owner enters, its parents too, durably; nothing when it is there.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    make_folder(parent)?;
    let mut builder = DirBuilder::new();
    builder.recursive(true); // that another process made it meanwhile is no error
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    sync_folder(parent)
}

/// Begins the file `name`, durably: until it is created, whoever opens the folder finds it among the [`unfinished`].
pub(crate) fn begin(folder: &Path, name: &str) -> io::Result<()> {
    write(&folder.join(format!("{name}{UNFINISHED}")), b"")?;
    sync_folder(folder)
}

/// The names of the files that a process left half-written when it died.
pub(crate) fn unfinished(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder)? {
        names.extend(file?.file_name().to_string_lossy().strip_suffix(UNFINISHED).map(str::to_owned));
    }
    Ok(names)
}

/// Removes what a process left half-written when it died.
pub(crate) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for file in fs::read_dir(folder)? {
        let file = file?;
        if file.file_type()?.is_file() && file.file_name().to_string_lossy().ends_with(UNFINISHED) {
            remove(&file.path())?;
        }
    }
    Ok(())
}

/// Creates the file `name` in `folder`, or puts it in the place of the one there. When this returns, it survives a
/// crash of the machine; when it fails, the old one may still be there, or the new one.
pub(crate) fn create(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    passed("before a file is written");
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let written = write(&unfinished, bytes).and_then(|()| {
        passed("before a file gets its name");
        fs::rename(&unfinished, folder.join(name))
    });
    if let Err(error) = written {
        drop(fs::remove_file(&unfinished));
        return Err(error);
    }
    passed("before a file's folder is synced");
    sync_folder(folder)?;
    passed("after a file is written");
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = owners_alone().truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// For a file to be written, which its owner alone may read if it has to be made.
fn owners_alone() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Removes a file. That it is gone survives a crash only once the folder is synced.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    passed("before a file is removed");
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => passed("after a file is removed"),
    }
    Ok(())
}

/// Makes durable which files a folder holds.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // A path of one part has an empty parent, which is where we are.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// A file that the disk does not give or take, and why. The system's own error does not name it.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be worked with", path.display())]
struct AtFile {
    path: PathBuf,
    source: io::Error,
}

/// The error with the name of the file that it is about.
pub(crate) fn at_file(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), AtFile { path: path.to_owned(), source: error })
}

/// That this process, and no other, works in a folder. Given back when dropped, or when the process dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder, or says that another has it by [`io::ErrorKind::WouldBlock`].
    pub(crate) fn take(folder: &Path) -> io::Result<Self> {
        let file = owners_alone().truncate(false).open(folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_created_again_has_the_new_content_and_leaves_nothing_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        create(folder.path(), "a", b"old and longer").unwrap();
        create(folder.path(), "a", b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"new");
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn what_can_not_be_created_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("taken")).unwrap();
        create(folder.path(), "taken", b"a folder has that name").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        remove(&folder.path().join("never there")).unwrap();
    }

    #[test]
    fn a_folder_has_one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        assert_eq!(FolderLock::take(folder.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        make_folder(&folder).unwrap();
        create(&folder, "file", b"").unwrap();
        let _lock = FolderLock::take(&folder).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.join("..")), mode(&folder)), (0o700, 0o700));
        assert_eq!((mode(&folder.join("file")), mode(&folder.join("lock"))), (0o600, 0o600));
    }
}
