//! `dead-letters` and `outbox`: what waits to leave, and what would not.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use robot_callback_core::{Clock, DeadLetter, EntryId, FieldError, LetterQuery, Operation, SystemClock};
use serde_json::json;

use super::columns::columns;
use super::desk::{Desk, asked, json_flag, key_flag, out_of_reach, page, page_flags, page_of, show};
use super::{CliError, say};

pub(super) fn outbox_command() -> Command {
    Command::new("outbox")
        .about("How much waits to be sent, since when, and how much is dead")
        .arg(json_flag())
}

pub(super) fn command() -> Command {
    let dropped =
        Arg::new("dropped").long("dropped").action(ArgAction::SetTrue).help("Those that were dropped");
    let numbers = Arg::new("id").value_name("NUMBER").num_args(1..).help("The dead letters' numbers");
    let all = Arg::new("all").long("all").action(ArgAction::SetTrue).conflicts_with("id").help("All of them");
    let number = Arg::new("id").value_name("NUMBER").required(true).help("The dead letter's number");
    let reason = Arg::new("reason")
        .long("reason")
        .value_name("WHY")
        .required(true)
        .help("Why, for whoever asks later");
    Command::new("dead-letters")
        .about("Events that were refused for good: list, redrive, drop")
        .subcommand_required(true)
        .subcommand(Command::new("list").about("List them").args([dropped, json_flag()]).args(page_flags()))
        .subcommand(Command::new("redrive").about("Send some of them, or all, once more").args([
            numbers,
            all,
            key_flag(),
            json_flag(),
        ]))
        .subcommand(Command::new("drop").about("Give one up for good; it is kept with the reason").args([
            number,
            reason,
            key_flag(),
            json_flag(),
        ]))
}

pub(super) async fn run(matches: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    match matches.subcommand() {
        Some(("list", args)) => list(args, desk).await,
        Some(("redrive", args)) => redrive(args, desk).await,
        Some((_, args)) => drop(args, desk).await,
        None => unreachable!("clap demands a subcommand"),
    }
}

pub(super) async fn outbox(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let depth = desk.store(false).await?.outbox_depth().await.map_err(out_of_reach)?;
    let age = depth.oldest.map(|oldest| SystemClock.now().since(oldest).as_secs());
    if asked(args).json() {
        let mut json = json!(depth);
        json["oldestAgeSecs"] = json!(age);
        return show(&json);
    }
    let since = age.map_or(String::new(), |secs| format!(", the oldest for {secs} s"));
    say(format_args!("{} events wait{since}; {} are dead letters", depth.pending, depth.dead));
    Ok(ExitCode::SUCCESS)
}

async fn list(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let query = LetterQuery { dropped: asked.flag("dropped"), page: page_of(&asked)? };
    let found = desk.store(false).await?.dead_letters(query).await.map_err(out_of_reach)?;
    let rows: Vec<_> = found.rows.iter().map(row).collect();
    let table = columns(["number", "event", "failures", "recorded", "reason", "dropped"], &rows);
    page(&asked, &json!({"deadLetters": found.rows, "next": found.next}), &table, found.next)
}

fn row(letter: &DeadLetter) -> [String; 6] {
    let dropped = letter.dropped.as_ref().map(|dropped| format!("{}: {}", dropped.at, dropped.reason));
    [
        letter.id.to_string(),
        letter.event.id.clone(),
        letter.failures.to_string(),
        letter.recorded_at.to_string(),
        letter.reason.chars().take(80).collect(),
        dropped.unwrap_or_default(),
    ]
}

async fn redrive(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let numbers = asked.all("id").iter().map(|text| text.parse()).collect::<Result<Vec<EntryId>, _>>();
    let numbers = numbers.map_err(|_| FieldError::new("id", "must be a dead letter's number"))?;
    if numbers.is_empty() && !asked.flag("all") {
        return Err(FieldError::new("id", "is required, or --all").into());
    }
    let entries = (!numbers.is_empty()).then_some(numbers);
    desk.operate(&asked, Operation::Redrive { entries }).await
}

async fn drop(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let entry_id = asked.required("id", "must be a dead letter's number")?;
    let reason = asked.read("reason", "must be 1 to 500 characters long", |text| {
        let text = text.trim();
        (1..=500).contains(&text.chars().count()).then(|| text.to_owned())
    })?;
    let reason = reason.unwrap_or_default();
    desk.operate(&asked, Operation::Drop { entry_id, reason }).await
}
