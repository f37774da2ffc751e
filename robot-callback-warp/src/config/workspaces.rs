//! The secrets of single workspaces: a folder with a file for each, named by the workspace's id.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use robot_callback_core::{SigningKey, WorkspaceId};

use super::secret::{self, SecretError};

/// What a line begins with that is a signing key and no plain secret.
const KEY: &str = "whsec_";

/// One workspace's file.
pub(super) struct WorkspaceFile {
    pub(super) path: PathBuf,
    pub(super) workspace: WorkspaceId,
    pub(super) secrets: Vec<String>,
    pub(super) keys: Vec<SigningKey>,
}

/// Reads every file of the folder. Names with a dot in front are passed over: tools that mount secrets put links of
/// their own there.
pub(super) fn read(folder: &Path) -> Result<Vec<WorkspaceFile>, SecretError> {
    let refused = |source: io::Error| SecretError::Read { path: folder.display().to_string(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        paths.push(entry.map_err(refused)?.path());
    }
    paths.sort();
    paths.retain(|path| !name(path).starts_with('.'));
    paths.into_iter().map(file).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn file(path: PathBuf) -> Result<WorkspaceFile, SecretError> {
    let workspace =
        name(&path).parse().map_err(|_| SecretError::Workspace { path: path.display().to_string() })?;
    let (keys, secrets): (Vec<_>, Vec<_>) =
        secret::read(&path)?.into_iter().partition(|line| line.starts_with(KEY));
    let refused = |source| SecretError::SigningKey { origin: path.display().to_string(), source };
    let keys = keys.iter().map(|key| SigningKey::parse(key)).collect::<Result<_, _>>().map_err(refused)?;
    Ok(WorkspaceFile { path, workspace, secrets, keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "b7c1d2e3-0000-4000-8000-000000000001";
    const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_folder_holds_a_file_for_each_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(ID, &format!("current\n{SIGNING}\nprevious\n"));
        write("..data", "what a tool keeps here");
        let files = read(folder.path()).ok().unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].workspace.to_string().as_str(), files[0].keys.len()), (ID, 1));
        assert_eq!(files[0].secrets, ["current", "previous"]);

        write("shop", "hunter2");
        let error = read(folder.path()).err().unwrap().to_string();
        assert!(error.contains("shop") && !error.contains("hunter2"), "{error}");
    }
}
