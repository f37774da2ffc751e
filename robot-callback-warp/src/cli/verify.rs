//! `verify`: recounts every job.

use std::process::ExitCode;

use super::{CliError, say, store};
use crate::config::Database;

pub(super) async fn run(database: &Database) -> Result<ExitCode, CliError> {
    let store = store::open_beside(database, false).await?;
    let found = store.verify().await.map_err(|error| CliError::failed("recounting", &error))?;
    for discrepancy in &found {
        say(discrepancy);
    }
    if found.is_empty() {
        say("every job agrees with its items");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
