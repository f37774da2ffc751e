//! `actions`: what operators did, newest first.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use robot_callback_core::{Action, ActionQuery};
use serde_json::json;

use super::CliError;
use super::columns::columns;
use super::desk::{Desk, asked, json_flag, out_of_reach, page, page_flags, page_of};

pub(super) fn command() -> Command {
    let job = Arg::new("job").long("job").value_name("JOB").help("On that job only");
    Command::new("actions")
        .about("What operators did: who, when, what")
        .args([job, json_flag()])
        .args(page_flags())
}

pub(super) async fn run(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let job = asked.parsed("job", "must be a job's id: a UUID")?;
    let query = ActionQuery { job, page: page_of(&asked)? };
    let found = desk.store(false).await?.actions(query).await.map_err(out_of_reach)?;
    let rows: Vec<_> = found.rows.iter().map(row).collect();
    let table = columns(["number", "when", "who", "what", "job", "effect"], &rows);
    page(&asked, &json!({"actions": found.rows, "next": found.next}), &table, found.next)
}

fn row(action: &Action) -> [String; 6] {
    [
        action.id.to_string(),
        action.at.to_string(),
        action.actor.clone(),
        action.verb.clone(),
        action.job_id.map(|job| job.to_string()).unwrap_or_default(),
        action.effect.to_string().chars().take(80).collect(),
    ]
}
