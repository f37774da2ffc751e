//! Secrets by name. The spool and the journal write names to the disk; a keyring gives what stands behind them.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

mod file;

pub use file::FileKeyring;

/// Keeps secrets by name, so that the spool and the journal need not: a callback secret, signing keys (`whsec_…`, one or
/// more with spaces between), or a portal's credentials.
///
/// What is kept under a name that begins with `signing:` is signing keys, see
/// [`NamedDestination`](crate::NamedDestination). The runner of batches gives names that begin with `callback:` and
/// `portal:`; all others are free.
///
/// Names hold letters, digits, `-`, `.` and `:` only, at most 100 of them. Every method may be called from any thread.
pub trait Keyring: fmt::Debug + Send + Sync {
    /// Keeps that secret under that name, in the place of an older one.
    ///
    /// # Errors
    /// When it can't be kept. What it was for is then not accepted.
    fn keep(&self, name: &str, secret: &str) -> io::Result<()>;

    /// The secret of that name, if there is one now. May answer otherwise the next time.
    fn secret(&self, name: &str) -> Option<String>;

    /// Lets go of a secret that is no longer needed. One that is not there is no error.
    fn forget(&self, name: &str);
}

/// Whether that is a name for a secret.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
    (1..=100).contains(&name.len()) && name.bytes().all(allowed)
}

/// Keeps secrets in memory: nothing of them is on the disk, and a restart forgets them. What waits for one then waits
/// until it is kept again.
#[derive(Default)]
pub struct MemoryKeyring {
    secrets: Mutex<BTreeMap<String, String>>,
}

impl MemoryKeyring {
    /// An empty keyring.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring for MemoryKeyring {
    fn keep(&self, name: &str, secret: &str) -> io::Result<()> {
        self.secrets().insert(name.to_owned(), secret.to_owned());
        Ok(())
    }

    fn secret(&self, name: &str) -> Option<String> {
        self.secrets().get(name).cloned()
    }

    fn forget(&self, name: &str) {
        self.secrets().remove(name);
    }
}

/// Names alone: a keyring shows no secret.
impl fmt::Debug for MemoryKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.secrets().keys()).finish()
    }
}
