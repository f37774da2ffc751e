//! An example's program, to be run as a process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_harness::ServerSettings;

/// Where a server has its data, in its folder.
pub(crate) const DATABASE: &str = "sqlite:robot-callback.db";

/// What lets a robot in.
pub(crate) const SECRET: &str = "the callback secret";

/// What lets an operator in.
pub(crate) const TOKEN: &str = "the operator's token";

/// The longest wait for anything to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where cargo has put it: beside the folder of this test. `cargo test` builds the examples, too; `cargo test --test
/// it` alone does not.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is not built: cargo build --examples", program.display());
    program
}

/// A server that works in that folder and sends its events there.
pub(crate) fn server_settings(folder: &Path, inngest: &InngestLoopback) -> ServerSettings {
    ServerSettings {
        program: (example("whole_loop"), vec!["server".into()]),
        folder: folder.to_owned(),
        database: DATABASE.into(),
        secret: SECRET.into(),
        token: TOKEN.into(),
        inngest: inngest.base_url(),
    }
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}
