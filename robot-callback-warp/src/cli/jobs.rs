//! `jobs create` and `jobs show`, on the store itself: a server may be running on it or not.

use std::io::Read;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use robot_callback_core::{Creation, JobId, JobView, NewJob, OperatorStore};

use super::table::table;
use super::{CliError, say, store};
use crate::config::Database;

pub(super) fn command() -> Command {
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON, not a table");
    let file = Arg::new("file")
        .long("file")
        .value_name("FILE")
        .required(true)
        .help("The job as JSON, as POST /api/jobs takes it; - for stdin");
    let key = Arg::new("idempotency-key")
        .long("idempotency-key")
        .value_name("KEY")
        .help("Under the same key no second job is made");
    let id = Arg::new("id").value_name("JOB").required(true).help("The job's id");
    Command::new("jobs")
        .about("Make a job, or look at one")
        .subcommand_required(true)
        .subcommand(Command::new("create").about("Make a job from a file of orders").args([
            file,
            key,
            json(),
        ]))
        .subcommand(Command::new("show").about("Show a job with its items").args([id, json()]))
}

pub(super) async fn run(matches: &ArgMatches, database: &Database) -> Result<ExitCode, CliError> {
    match matches.subcommand() {
        Some(("create", args)) => create(args, database).await,
        Some((_, args)) => show(args, database).await,
        None => unreachable!("clap demands a subcommand"),
    }
}

async fn create(args: &ArgMatches, database: &Database) -> Result<ExitCode, CliError> {
    let file = text(args, "file").unwrap_or_default();
    let body = read(&file).map_err(|error| CliError::failed(&format!("reading {file}"), &error))?;
    let job = NewJob::from_json(&body, text(args, "idempotency-key"))
        .map_err(|error| CliError::Failed(format!("{file}: {error}")))?;
    let store = store::open_beside(database, true).await?;
    let created = store.create_job(job).await.map_err(|error| CliError::failed("making the job", &error))?;
    match created {
        Creation::Created(id) | Creation::Existing(id) => print(&*store, id, args.get_flag("json")).await,
        Creation::KeyReused(id) => {
            let already = format!("job {id} was made under this idempotency key from another request");
            Err(CliError::Failed(already))
        }
        Creation::Refused(error) => Err(CliError::Failed(format!("{file}: {error}"))),
    }
}

async fn show(args: &ArgMatches, database: &Database) -> Result<ExitCode, CliError> {
    let id = text(args, "id").unwrap_or_default();
    let id = id.parse().map_err(|_| CliError::Failed(format!("{id} is no job's id: it must be a UUID")))?;
    print(&*store::open_beside(database, false).await?, id, args.get_flag("json")).await
}

async fn print(store: &dyn OperatorStore, id: JobId, json: bool) -> Result<ExitCode, CliError> {
    let view = store.job(id).await.map_err(|error| CliError::failed("reading the job", &error))?;
    let view = view.ok_or_else(|| CliError::Failed(format!("there is no job {id}")))?;
    say(if json { as_json(&view)? } else { table(&view) });
    Ok(ExitCode::SUCCESS)
}

fn as_json(view: &JobView) -> Result<String, CliError> {
    serde_json::to_string_pretty(view).map_err(|error| CliError::failed("writing JSON", &error))
}

fn text(args: &ArgMatches, name: &str) -> Option<String> {
    args.get_one::<String>(name).cloned()
}

fn read(file: &str) -> std::io::Result<Vec<u8>> {
    if file != "-" {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}
