//! `backup`: a copy of the SQLite file, taken while the server goes on.

use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use robot_callback_core::SqliteStore;

use super::{CliError, say};
use crate::config::Database;

pub(super) fn command() -> Command {
    Command::new("backup")
        .about("Copy the SQLite database to FILE, while the server goes on; docs/backup.md tells how to restore it")
        .arg(Arg::new("file").value_name("FILE").required(true).help("Where to; it must not be there"))
}

pub(super) async fn run(matches: &ArgMatches, database: &Database) -> Result<ExitCode, CliError> {
    let Database::Sqlite(from) = database else {
        return Err(CliError::Failed(
            "DATABASE_URL names no SQLite file; a PostgreSQL database is backed up by pg_dump".into(),
        ));
    };
    if !from.exists() {
        return Err(CliError::Failed(format!("there is no {}", from.display())));
    }
    let to = matches.get_one::<String>("file").map(String::as_str).unwrap_or_default();
    let copied = SqliteStore::backup(from, Path::new(to)).await;
    copied.map_err(|error| CliError::failed("copying the database", &error))?;
    say(format_args!("{} was copied to {to}", from.display()));
    Ok(ExitCode::SUCCESS)
}
