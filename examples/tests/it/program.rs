//! An example's program, to be run as a process.

use std::path::PathBuf;

/// Where cargo has put it: beside the folder of this test. `cargo test` builds the examples, too; `cargo test --test
/// it` alone does not.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is not built: cargo build --examples", program.display());
    program
}
