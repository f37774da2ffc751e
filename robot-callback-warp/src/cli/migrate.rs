//! `migrate`: the tables of a PostgreSQL database, brought up to date or printed.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use robot_callback_core::PostgresStore;

use super::{CliError, say};
use crate::config::Database;

pub(super) fn command() -> Command {
    let print = Arg::new("print").long("print").action(ArgAction::SetTrue);
    Command::new("migrate")
        .about("Bring the tables of a PostgreSQL database up to date, and do nothing else")
        .arg(print.help(
            "Print the SQL instead, for those who run migrations themselves; doing it twice is harmless",
        ))
}

/// `database` is asked for only when something is to be done to it.
pub(super) async fn run(
    matches: &ArgMatches,
    database: impl FnOnce() -> Result<Database, CliError>,
) -> Result<ExitCode, CliError> {
    if matches.get_flag("print") {
        say(PostgresStore::migration_sql());
        return Ok(ExitCode::SUCCESS);
    }
    let Database::Postgres(postgres) = database()? else {
        return Err(CliError::Failed(
            "DATABASE_URL names no PostgreSQL database; other stores migrate when opened".into(),
        ));
    };
    let url = postgres.direct_url.as_ref().unwrap_or(&postgres.url);
    PostgresStore::migrate(url).await.map_err(|error| CliError::failed("migrating", &error))?;
    say(format_args!("the tables at {} are up to date", postgres.place()));
    Ok(ExitCode::SUCCESS)
}
