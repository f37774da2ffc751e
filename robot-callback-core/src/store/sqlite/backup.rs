//! A copy of the file as it is at one moment, taken while servers go on writing to it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::SqliteError;
use super::file::make_private;

/// Copies `from` to `to`, which must not be there. The copy appears whole or not at all, and can be read by its owner
/// only.
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), SqliteError> {
    let failed = |source: io::Error| SqliteError::Backup { path: to.to_owned(), source };
    if to.try_exists().map_err(failed)? {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let draft = Path::new(&name);
    let copied = copy(from, draft).and_then(|()| publish(draft, to).map_err(failed));
    if copied.is_err() {
        // What is left of it is of no use; that it was not made is what the caller hears.
        let _ = fs::remove_file(draft);
    }
    copied
}

/// `VACUUM INTO` reads one snapshot, and holds up no writer.
fn copy(from: &Path, draft: &Path) -> Result<(), SqliteError> {
    let opening = |source: Box<dyn std::error::Error + Send + Sync>| SqliteError::Open {
        path: from.to_owned(),
        source,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(from, flags).map_err(|error| opening(error.into()))?;
    make_private(draft).map_err(|source| SqliteError::Backup { path: draft.to_owned(), source })?;
    let into = draft.to_str().ok_or_else(|| opening("the copy's name is not UTF-8".into()))?;
    db.execute("VACUUM INTO ?1", [into])?;
    Ok(())
}

/// Durable, then under its own name: a link does not replace what has come there meanwhile.
fn publish(draft: &Path, to: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::hard_link(draft, to)?;
    fs::remove_file(draft)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
