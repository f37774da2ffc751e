//! Where the programs of PostgreSQL and PgBouncer stand on this machine, and how to run one as somebody else than
//! root, whom they refuse.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where packages put the programs when they are not on the `PATH`; `*` stands for any version.
const FOLDERS: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/sbin",
    "/usr/local/sbin",
];

/// A program of PostgreSQL.
///
/// # Panics
/// When it is not installed; says what to install.
pub(crate) fn postgres_program(name: &str) -> PathBuf {
    found(name).unwrap_or_else(|| {
        panic!(
            "these tests start a PostgreSQL server of their own and found no `{name}`: install PostgreSQL's server \
             (Debian and Ubuntu: `apt-get install postgresql`; Fedora: `postgresql-server`; Homebrew: `postgresql`)"
        )
    })
}

/// The program of that name: where `pg_config` points to, on the `PATH`, or in a package's folder.
pub(crate) fn found(name: &str) -> Option<PathBuf> {
    let folders = pg_config_folder().into_iter().chain(path_folders()).chain(package_folders());
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn pg_config_folder() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

fn package_folders() -> impl Iterator<Item = PathBuf> {
    FOLDERS.into_iter().flat_map(|pattern| match pattern.split_once('*') {
        None => vec![PathBuf::from(pattern)],
        Some((before, after)) => versions(before, after),
    })
}

/// The folders `{before}{version}{after}` that exist, the newest version first.
fn versions(before: &str, after: &str) -> Vec<PathBuf> {
    let (parent, prefix) = before.rsplit_once('/').expect("every pattern is an absolute path");
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut versions: Vec<(u32, String)> = names
        .filter_map(|name| {
            let version = name.strip_prefix(prefix)?.split('.').next()?.parse().ok()?;
            Some((version, name))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, name)| PathBuf::from(format!("{parent}/{name}{after}"))).collect()
}

/// The user and group the programs run as.
#[derive(Clone, Copy)]
pub(crate) struct Runner(Option<(u32, u32)>);

impl Runner {
    /// Whoever owns `folder`, unless that is root: then the user `postgres`, or else `nobody`.
    pub(crate) fn for_folder_of(folder: &Path) -> Self {
        let owner = std::fs::metadata(folder).expect("a folder just made can be looked at").uid();
        Self((owner == 0).then(unprivileged_user))
    }

    /// Hands `folder` over to it.
    pub(crate) fn own(self, folder: &Path) {
        if let Self(Some((user, group))) = self {
            std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("root may give a folder away");
        }
    }

    /// A command that will run as it, in `folder`.
    pub(crate) fn command(self, program: impl AsRef<Path>, folder: &Path) -> Command {
        let mut command = Command::new(program.as_ref());
        // A parent's settings (`PGHOST`, `PGOPTIONS`) are about another server.
        let inherited = std::env::vars_os().map(|(name, _)| name);
        for name in inherited.filter(|name| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null());
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group);
        }
        command
    }
}

fn unprivileged_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |wanted: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((ids.next()??, ids.next()??))
    };
    ids("postgres").or_else(|| ids("nobody")).expect(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`: run the tests \
         as an ordinary user",
    )
}

/// Runs a command to its end.
///
/// # Panics
/// When it fails; says what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} can be started: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?} succeeds, but: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}
