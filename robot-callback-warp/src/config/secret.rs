//! Secrets: given, read from a file, or made once and kept in a file that only its owner can read.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use robot_callback_core::SigningKeyError;

use super::layers::{Layers, Origin};
use super::{Setting, SettingError};

/// The folder of the secrets that the server makes for itself, within the working directory.
const FOLDER: &str = ".robot-callback";

/// Where a secret is to come from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// It was given.
    Given {
        /// The secret.
        value: String,
        /// By which variable it goes.
        variable: &'static str,
        /// Who gave it.
        origin: Origin,
    },
    /// A file that someone else keeps, a secret in each line.
    File(PathBuf),
    /// Such a file of our own, made when it is not there.
    Kept(PathBuf),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given { origin, .. } => write!(f, "Given({origin})"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Kept(path) => write!(f, "Kept({})", path.display()),
        }
    }
}

/// A secret that was given and needs no telling of where it came from.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// Secrets, and what may be said of them.
pub(crate) struct Credential {
    /// All that are valid; the first is the current one. Never none.
    pub(crate) values: Vec<String>,
    /// Where it came from, for people.
    pub(crate) source: String,
    /// What gives the current one in a shell, so that it need not be shown.
    pub(crate) shell: String,
    /// The variable that must be set in a shell for that.
    pub(crate) needs: Option<&'static str>,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the secret in {path} can't be read")]
    Read { path: String, source: io::Error },
    #[error("a secret can't be kept in {path}")]
    Keep { path: String, source: io::Error },
    #[error("{path} must hold a secret in each of its lines, the current one first, and no empty line")]
    Content { path: String },
    #[error("{path} must be named by a workspace's id")]
    Workspace { path: String },
    #[error("{path} holds a secret that another workspace or everybody has, too")]
    Shared { path: String },
    #[error("a key in {origin} can't be used")]
    SigningKey { origin: String, source: SigningKeyError },
}

impl SecretSource {
    /// Where the settings say that the secret is, if they do.
    pub(super) fn set(
        layers: &Layers,
        value: &'static Setting,
        file: &Setting,
    ) -> Result<Option<Self>, SettingError> {
        let (value_given, file_given) = (layers.get(value), layers.get(file));
        match (value_given, file_given) {
            (None, None) => Ok(None),
            (None, Some(file)) => Ok(Some(Self::File(file.value.into()))),
            (Some(given), Some(file)) if file.origin < given.origin => {
                Ok(Some(Self::File(file.value.into())))
            }
            (Some(given), Some(other)) if other.origin == given.origin => {
                Err(given.error(format!("and {} must not be set both", file.env)))
            }
            (Some(given), _) if given.value.contains(['\n', '\r']) => Err(given.error("must be one line")),
            (Some(given), _) => {
                Ok(Some(Self::Given { value: given.value, variable: value.env, origin: given.origin }))
            }
        }
    }

    /// The file it is read from, if it is.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Given { .. } => None,
            Self::File(path) | Self::Kept(path) => Some(path),
        }
    }

    /// The same; or, for a file that a start would make, what it might hold.
    pub(super) fn or_stand_in(self) -> Self {
        match self {
            Self::Kept(path) if !path.exists() => {
                Self::Given { value: "0".repeat(64), variable: "", origin: Origin::File(path) }
            }
            there => there,
        }
    }

    /// A file of our own by that name.
    pub(super) fn kept(name: &str) -> Self {
        Self::Kept(Path::new(FOLDER).join(name))
    }

    /// The secrets, made if need be.
    pub(crate) fn resolve(&self) -> Result<Credential, SecretError> {
        match self {
            Self::Given { value, variable, origin } => Ok(Credential {
                values: vec![value.clone()],
                source: format!("{variable}, from {origin}"),
                shell: format!("${variable}"),
                needs: Some(variable),
            }),
            Self::File(path) => Ok(Credential::of_file(read(path)?, path, "")),
            Self::Kept(path) => {
                let made = make(path)
                    .and_then(|made| close_to_others(path).map(|()| made))
                    .map_err(|source| SecretError::Keep { path: path.display().to_string(), source })?;
                let made = if made { "made just now" } else { "made at an earlier start" };
                Ok(Credential::of_file(read(path)?, path, &format!(", {made}; only you can read it")))
            }
        }
    }
}

impl Credential {
    fn of_file(values: Vec<String>, path: &Path, more: &str) -> Self {
        let shown = quoted(&path.display().to_string());
        let shell =
            if values.len() == 1 { format!("$(cat {shown})") } else { format!("$(sed -n 1p {shown})") };
        Self { values, source: format!("{}{more}", path.display()), shell, needs: None }
    }
}

/// The lines of a file, each a secret.
pub(super) fn read(path: &Path) -> Result<Vec<String>, SecretError> {
    let name = || path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| SecretError::Read { path: name(), source })?;
    let secrets: Vec<_> = text.trim().lines().map(|line| line.trim().to_owned()).collect();
    if secrets.is_empty() || secrets.iter().any(String::is_empty) {
        return Err(SecretError::Content { path: name() });
    }
    Ok(secrets)
}

/// Makes the file unless it is there, and says whether it did. The file appears whole or not at all, and only one
/// of several that try at once makes it: it is written under another name and then linked to its own.
fn make(path: &Path) -> io::Result<bool> {
    if path.try_exists()? {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        private_folder().create(folder)?;
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Another name than any other start's, which the secret itself must not be part of.
    let draft = path.with_extension(format!("{}-{:x}", std::process::id(), getrandom::u64()?));
    let mut file = private_file().open(&draft)?;
    let linked = file
        .write_all(format!("{hex}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A file of ours that others can read was copied or unpacked here; it is ours to put right.
#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could read this secret; now only its owner can");
        permissions.set_mode(0o600);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
