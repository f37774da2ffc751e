//! A keyring of files, for whoever wants secrets to outlive a restart and accepts that they lie on the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Keyring, is_name};
use crate::disk;

/// Keeps each secret in a file of its own, `NAME.secret`: **in clear**, readable and writable by this user alone
/// (mode 0600, in a folder of mode 0700). Choose it where a restart must not wait for somebody to hand the secrets
/// over again, and know what it means: whoever reads this user's files, or a backup of them, has the secrets.
///
/// A file holds the secret and a line break, so that one can be written with an editor. It is read at every use: a
/// file that is replaced is a secret that is changed. A secret that was kept survives a crash of the machine, and one that was
/// forgotten does not come back with it.
#[derive(Debug)]
pub struct FileKeyring {
    folder: PathBuf,
}

impl FileKeyring {
    /// The keyring of that folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder can't be made or read, or when it lets in others than its owner
    /// ([`PermissionDenied`](io::ErrorKind::PermissionDenied)): they could put secrets of theirs into it.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        disk::make_folder(&folder)?;
        owners_alone(&folder)?;
        disk::remove_unfinished(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        is_name(name).then(|| self.folder.join(file_name(name)))
    }
}

impl Keyring for FileKeyring {
    fn keep(&self, name: &str, secret: &str) -> io::Result<()> {
        if !is_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is no name of a secret"));
        }
        disk::create(&self.folder, &file_name(name), format!("{secret}\n").as_bytes())
    }

    fn secret(&self, name: &str) -> Option<String> {
        match fs::read_to_string(self.path(name)?) {
            Ok(text) => Some(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(secret.name = name, %error, "a secret can't be read");
                None
            }
        }
    }

    fn forget(&self, name: &str) {
        let Some(path) = self.path(name) else { return };
        if let Err(error) = disk::remove(&path).and_then(|()| disk::sync_folder(&self.folder)) {
            tracing::error!(secret.name = name, %error, "a secret can't be removed");
        }
    }
}

fn file_name(name: &str) -> String {
    format!("{name}.secret")
}

#[cfg(unix)]
fn owners_alone(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(folder)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder of secrets lets in others: chmod 700 it"))
}

#[cfg(not(unix))]
fn owners_alone(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> (tempfile::TempDir, FileKeyring) {
        let folder = tempfile::tempdir().unwrap();
        let keyring = FileKeyring::open(folder.path().join("a/keys")).unwrap();
        (folder, keyring)
    }

    #[test]
    fn a_secret_is_what_was_kept_last_also_for_the_next_process() {
        let (_folder, keyring) = keyring();
        for secret in ["hunter2", "", "two\nlines\n", "contraseña ", "\n"] {
            keyring.keep("batch:7", secret).unwrap();
            let next = FileKeyring::open(&keyring.folder).unwrap();
            assert_eq!(next.secret("batch:7").as_deref(), Some(secret), "{secret:?}");
        }
        assert_eq!(keyring.secret("batch:8"), None, "another name is another secret");
        keyring.forget("batch:7");
        keyring.forget("batch:7");
        assert_eq!(keyring.secret("batch:7"), None);
    }

    #[test]
    fn a_file_written_by_hand_is_a_secret_with_or_without_its_line_break() {
        let (_folder, keyring) = keyring();
        for text in ["hunter2", "hunter2\n"] {
            fs::write(keyring.folder.join("crm.secret"), text).unwrap();
            assert_eq!(keyring.secret("crm").as_deref(), Some("hunter2"));
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let (_folder, keyring) = keyring();
        for name in ["", "../x", "a/b", "a b", "a\0", "ñ", &"a".repeat(101)] {
            assert_eq!(keyring.keep(name, "s").unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
            assert_eq!(keyring.secret(name), None, "{name:?}");
            keyring.forget(name);
        }
        for name in ["..", ".", "a.unfinished", &"a".repeat(100)] {
            keyring.keep(name, "s").unwrap();
            assert_eq!(keyring.secret(name).as_deref(), Some("s"), "{name:?} is a name like any other");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_and_a_folder_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, keyring) = keyring();
        keyring.keep("a", "s").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&keyring.folder), mode(&keyring.folder.join("a.secret"))), (0o700, 0o600));
        fs::set_permissions(&keyring.folder, fs::Permissions::from_mode(0o750)).unwrap();
        let refused = FileKeyring::open(&keyring.folder).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn what_can_not_be_kept_is_told_and_the_old_secret_stays() {
        let (_folder, keyring) = keyring();
        keyring.keep("a", "old").unwrap();
        fs::create_dir(keyring.folder.join("a.secret.unfinished")).unwrap();
        keyring.keep("a", "new").unwrap_err();
        assert_eq!(keyring.secret("a").as_deref(), Some("old"));
    }
}
