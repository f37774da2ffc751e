//! `jobs`: made, listed, shown, re-opened, given deadlines, acknowledged; on the store itself: a server may be running
//! on it or not.

mod change;
mod list;

use std::io::Read;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use robot_callback_core::{Creation, JobId, JobView, NewJob, OperatorStore};

use super::asked::Asked;
use super::desk::{Desk, asked, json_flag, key_flag, out_of_reach, page_flags};
use super::table::table;
use super::{CliError, actor, say};

pub(super) fn command() -> Command {
    let file = Arg::new("file")
        .long("file")
        .value_name("FILE")
        .required(true)
        .help("The job as JSON, as POST /api/jobs takes it; - for stdin");
    let key = Arg::new("idempotency-key")
        .long("idempotency-key")
        .visible_alias("key")
        .value_name("KEY")
        .help("Under the same key no second job is made");
    let run = || Arg::new("run").long("run").value_name("N").help("Only while the job is in that run");
    let item = Arg::new("item").long("item").value_name("ITEM").action(ArgAction::Append);
    let status = Arg::new("item-status").long("item-status").value_name("STATUS");
    Command::new("jobs")
        .about("Jobs: create, list, show, retry, deadline, acknowledge")
        .subcommand_required(true)
        .subcommand(Command::new("create").about("Make a job from a file of orders").args([
            file,
            key,
            json_flag(),
        ]))
        .subcommand(list::command())
        .subcommand(
            Command::new("show")
                .about("Show a job with its items, all or a page of them")
                .args([id(), status.help("Only items that stand there"), json_flag()])
                .args(page_flags()),
        )
        .subcommand(
            Command::new("retry")
                .about(
                    "Re-open failed items; takes --run or --key, so that repeating it re-opens nothing twice",
                )
                .args([
                    id(),
                    item.help("That item; may be given several times"),
                    run(),
                    key_flag(),
                    json_flag(),
                ])
                .args(deadline_flags()),
        )
        .subcommand(
            Command::new("deadline")
                .about("Set a job's deadline, or take it away")
                .args([id(), key_flag(), json_flag()])
                .args(deadline_flags()),
        )
        .subcommand(
            Command::new("acknowledge")
                .about("Say that a completion has arrived: it is not sent again")
                .args([id(), run(), key_flag(), json_flag()]),
        )
}

fn id() -> Arg {
    Arg::new("id").value_name("JOB").required(true).help("The job's id")
}

fn deadline_flags() -> [Arg; 3] {
    [
        Arg::new("deadline").long("deadline").value_name("MOMENT|none").help("When open items are closed"),
        Arg::new("secs-per-order")
            .long("secs-per-order")
            .value_name("SECS")
            .help("So long for each open order …"),
        Arg::new("plus-secs").long("plus-secs").value_name("SECS").help("… plus so long"),
    ]
}

pub(super) async fn run(matches: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    match matches.subcommand() {
        Some(("create", args)) => create(args, desk).await,
        Some(("list", args)) => list::run(&asked(args), desk).await,
        Some(("retry", args)) => change::retry(&asked(args), desk).await,
        Some(("deadline", args)) => change::deadline(&asked(args), desk).await,
        Some(("acknowledge", args)) => change::acknowledge(&asked(args), desk).await,
        Some((_, args)) => show(&asked(args), desk).await,
        None => unreachable!("clap demands a subcommand"),
    }
}

async fn create(args: &ArgMatches, desk: &Desk) -> Result<ExitCode, CliError> {
    let asked = asked(args);
    let file = asked.text("file").unwrap_or_default();
    let body = read(&file).map_err(|error| CliError::failed(&format!("reading {file}"), &error))?;
    let mut job = NewJob::from_json(&body, asked.text("idempotency-key"))
        .map_err(|error| CliError::Failed(format!("{file}: {error}")))?;
    job.actor = actor::actor();
    job.deadline = desk.default_deadline(job.deadline);
    let store = desk.store(true).await?;
    let created = store.create_job(job).await.map_err(|error| CliError::failed("making the job", &error))?;
    match created {
        Creation::Created(id) | Creation::Existing(id) => print(&*store, id, asked.json()).await,
        Creation::KeyReused(id) => {
            let already = format!("job {id} was made under this idempotency key from another request");
            Err(CliError::Failed(already))
        }
        Creation::Refused(error) => Err(CliError::Failed(format!("{file}: {error}"))),
    }
}

async fn show(asked: &Asked<'_>, desk: &Desk) -> Result<ExitCode, CliError> {
    let id = job_id(asked)?;
    if ["item-status", "limit", "cursor"].into_iter().any(|name| asked.text(name).is_some()) {
        return list::items(asked, desk, id).await;
    }
    print(&*desk.store(false).await?, id, asked.json()).await
}

fn job_id(asked: &Asked<'_>) -> Result<JobId, CliError> {
    let id = asked.text("id").unwrap_or_default();
    id.parse().map_err(|_| CliError::Failed(format!("{id} is no job's id: it must be a UUID")))
}

async fn print(store: &dyn OperatorStore, id: JobId, json: bool) -> Result<ExitCode, CliError> {
    let view = store.job(id).await.map_err(out_of_reach)?;
    let view = view.ok_or_else(|| CliError::Failed(format!("there is no job {id}")))?;
    say(if json { as_json(&view)? } else { table(&view) });
    Ok(ExitCode::SUCCESS)
}

fn as_json(view: &JobView) -> Result<String, CliError> {
    serde_json::to_string_pretty(view).map_err(|error| CliError::failed("writing JSON", &error))
}

fn read(file: &str) -> std::io::Result<Vec<u8>> {
    if file != "-" {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}
