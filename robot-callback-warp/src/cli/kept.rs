//! `kept`: reports that were kept and not applied, and what is decided about them.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use robot_callback_core::{KeptQuery, KeptReport, Operation, Resolution};
use serde_json::json;

use super::CliError;
use super::columns::columns;
use super::desk::{Desk, asked, json_flag, key_flag, out_of_reach, page, page_flags, page_of};

pub(super) fn command() -> Command {
    let job = Arg::new("job").long("job").value_name("JOB").help("Of that job's items only");
    let all = Arg::new("all").long("all").action(ArgAction::SetTrue).help("Those that were settled, too");
    let number = || Arg::new("id").value_name("NUMBER").required(true).help("The kept report's number");
    let settle = |name, about| Command::new(name).about(about).args([number(), key_flag(), json_flag()]);
    Command::new("kept")
        .about("Reports that contradict earlier ones: list, accept, dismiss")
        .subcommand_required(true)
        .subcommand(
            Command::new("list")
                .about("List those that wait for a decision")
                .args([job, all, json_flag()])
                .args(page_flags()),
        )
        .subcommand(settle("accept", "Let one win over what its item ended with"))
        .subcommand(settle("dismiss", "Leave all as it is"))
}

pub(super) async fn run(matches: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    match matches.subcommand() {
        Some(("list", args)) => list(args, desk).await,
        Some(("accept", args)) => settle(args, desk, Resolution::Accepted).await,
        Some((_, args)) => settle(args, desk, Resolution::Dismissed).await,
        None => unreachable!("clap demands a subcommand"),
    }
}

async fn list(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let job = asked.parsed("job", "must be a job's id: a UUID")?;
    let query = KeptQuery { job, open: !asked.flag("all"), page: page_of(&asked)? };
    let found = desk.store(false).await?.kept_reports(query).await.map_err(out_of_reach)?;
    let rows: Vec<_> = found.rows.iter().map(row).collect();
    let table = columns(["number", "why", "says", "times", "since", "item", "decided"], &rows);
    page(&asked, &json!({"keptReports": found.rows, "next": found.next}), &table, found.next)
}

fn row(kept: &KeptReport) -> [String; 7] {
    let report = &kept.report;
    let says = report.tracking_number.as_ref().or(report.error_message.as_ref()).cloned().unwrap_or_default();
    [
        kept.id.to_string(),
        kept.verdict.name().into(),
        format!("{} {says}", report.outcome.name()),
        kept.times.to_string(),
        kept.received_at.to_string(),
        report.item_id.to_string(),
        kept.resolution.map_or("open", Resolution::name).into(),
    ]
}

async fn settle(args: &ArgMatches, desk: &Desk, resolution: Resolution) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let kept_id = asked.required("id", "must be a kept report's number")?;
    desk.operate(&asked, Operation::Resolve { kept_id, resolution }).await
}
