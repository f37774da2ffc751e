//! `jobs list`, and a job's items page by page.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use robot_callback_core::{ItemQuery, ItemStatus, Job, JobId, JobQuery, JobStatus, JobView};
use serde_json::json;

use super::super::CliError;
use super::super::asked::Asked;
use super::super::columns::columns;
use super::super::desk::{Desk, json_flag, out_of_reach, page, page_flags, page_of};
use super::super::table::table;

pub(super) fn command() -> Command {
    let overdue = Arg::new("overdue").long("overdue").action(ArgAction::SetTrue);
    let option = |name, value| Arg::new(name).long(name).value_name(value);
    Command::new("list")
        .about("List jobs, newest first")
        .args([
            option("workspace", "ID").help("Of that owner"),
            option("status", "STATUS").help("pending, processing, completed or failed"),
            overdue.help("Only those with open items whose deadline has passed"),
            option("created-from", "MOMENT").help("Made then or later"),
            option("created-before", "MOMENT").help("Made before then"),
            json_flag(),
        ])
        .args(page_flags())
}

pub(super) async fn run(asked: &Asked<'_>, desk: &Desk) -> Result<ExitCode, CliError> {
    const MOMENT: &str = "must be a moment such as 2026-11-23T15:04:05Z";
    let status = "must be pending, processing, completed or failed";
    let query = JobQuery {
        workspace: asked.parsed("workspace", "must be a UUID")?,
        status: asked.read("status", status, JobStatus::from_name)?,
        overdue: asked.flag("overdue"),
        created_from: asked.parsed("created-from", MOMENT)?,
        created_before: asked.parsed("created-before", MOMENT)?,
        page: page_of(asked)?,
    };
    let found = desk.store(false).await?.jobs(query).await.map_err(out_of_reach)?;
    let rows: Vec<_> = found.rows.iter().map(row).collect();
    let headings = ["job", "status", "run", "success", "error", "open", "made", "deadline", "workspace"];
    page(asked, &json!({"jobs": found.rows, "next": found.next}), &columns(headings, &rows), found.next)
}

fn row(job: &Job) -> [String; 9] {
    [
        job.id.to_string(),
        job.status.name().into(),
        job.run.to_string(),
        job.success_count.to_string(),
        job.error_count.to_string(),
        job.open_items().to_string(),
        job.created_at.to_string(),
        job.deadline.map_or("none".into(), |deadline| deadline.to_string()),
        job.workspace_id.to_string(),
    ]
}

pub(super) async fn items(asked: &Asked<'_>, desk: &Desk, id: JobId) -> Result<ExitCode, CliError> {
    let rule = "must be pending, processing, success or error";
    let status = asked.read("item-status", rule, ItemStatus::from_name)?;
    let query = ItemQuery { status, page: page_of(asked)? };
    let found = desk.store(false).await?.job_page(id, query).await.map_err(out_of_reach)?;
    let found = found.ok_or_else(|| CliError::Failed(format!("there is no job {id}")))?;
    let next = found.items.next;
    let view = JobView { job: found.job, items: found.items.rows };
    let mut shown = json!(view);
    shown["next"] = json!(next);
    page(asked, &shown, &table(&view), next)
}
