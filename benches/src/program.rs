//! How a measuring program begins and ends.

#![allow(
    clippy::print_stdout,
    reason = "a program that measures prints what it found, or why it found nothing"
)]

use std::io;
use std::process::ExitCode;

use crate::server::serve_if_asked;

/// Measures, and says what went wrong; or is the server, if that is what this process was started for.
#[must_use]
pub fn program(measure: impl FnOnce() -> io::Result<()>) -> ExitCode {
    if let Some(code) = serve_if_asked() {
        return code;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The same on a runtime of one thread.
#[must_use]
pub fn async_program(measure: impl AsyncFnOnce() -> io::Result<()>) -> ExitCode {
    program(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(measure())
    })
}
