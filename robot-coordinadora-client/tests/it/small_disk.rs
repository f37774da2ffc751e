//! A disk that is really full: a small one of its own, mounted for a test that runs once more in a process of its own.
//! Where nobody may mount, a limit on the size of files stands in for it: the system refuses to write, all the same.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::process;

const FOLDER: &str = "ROBOT_TEST_SMALL_DISK";
const LIMITED: &str = "ROBOT_TEST_LIMITED";

/// A disk of some pages, so that it is soon full.
const MOUNT: &str = r#"mount -t tmpfs -o size=128k,mode=700 tmpfs "$ROBOT_TEST_SMALL_DISK""#;
/// What is over the limit is refused, and not the end of the process.
const IGNORE: &str = r#"trap "" XFSZ"#;

pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// The disk, in the process that has one. In any other, runs the test of that name in a process that has.
    pub(crate) async fn of(test: &str) -> Option<Self> {
        Self::by(test, process::may_mount()).await
    }

    /// Likewise, by a limit in any case: full, it takes no byte more, also where a page has room.
    pub(crate) async fn to_the_byte(test: &str) -> Option<Self> {
        Self::by(test, false).await
    }

    async fn by(test: &str, mounted: bool) -> Option<Self> {
        if let Some(folder) = env::var_os(FOLDER) {
            return Some(Self { folder: folder.into() });
        }
        let folder = tempfile::tempdir().unwrap();
        process::output(on_small_disk(test, folder.path(), mounted)).await;
        None
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Whether a limit stands in for it: then removing files makes no room.
    pub(crate) fn is_limited(&self) -> bool {
        env::var_os(LIMITED).is_some()
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) {
        if self.is_limited() {
            return limit_files(Some(0));
        }
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// There is room again.
    pub(crate) fn free(&self) {
        match self.is_limited() {
            true => limit_files(getrlimit(Resource::Fsize).maximum),
            false => fs::remove_file(self.ballast()).unwrap(),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

/// No file may grow beyond that many bytes.
fn limit_files(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum }).unwrap();
}

fn on_small_disk(test: &str, folder: &Path, mounted: bool) -> Command {
    let mut command = process::after(&process::MOUNTER, MOUNT, test);
    if !mounted {
        command = process::after(&["sh"], IGNORE, test);
        command.env(LIMITED, "yes");
    }
    command.env(FOLDER, folder);
    command
}
