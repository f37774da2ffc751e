//! `verify`: recounts every job.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use serde_json::json;

use super::desk::{Desk, asked, json_flag, show};
use super::{CliError, say};

pub(super) fn command() -> Command {
    Command::new("verify")
        .about("Recount every job from its items; exits with 1 if any differs")
        .arg(json_flag())
}

pub(super) async fn run(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let store = desk.store(false).await?;
    let found = store.verify().await.map_err(|error| CliError::failed("recounting", &error))?;
    if asked(args).json() {
        show(&json!({"discrepancies": found}))?;
    } else if found.is_empty() {
        say("every job agrees with its items");
    } else {
        found.iter().for_each(say);
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
