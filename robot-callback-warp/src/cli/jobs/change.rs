//! `jobs retry`, `jobs deadline` and `jobs acknowledge`.

use std::process::ExitCode;

use robot_callback_core::{Deadline, FieldError, ItemId, Operation};

use super::super::CliError;
use super::super::asked::Asked;
use super::super::desk::Desk;
use super::job_id;

pub(super) async fn retry(asked: &Asked<'_>, desk: &Desk) -> Result<ExitCode, CliError> {
    let job_id = job_id(asked)?;
    let items = asked.all("item").iter().map(|text| text.parse()).collect::<Result<Vec<ItemId>, _>>();
    let items = items.map_err(|_| FieldError::new("item", "must be an item's id: a UUID"))?;
    let items = (!items.is_empty()).then_some(items);
    let run = run(asked)?;
    if run.is_none() && asked.key()?.is_none() {
        return Err(FieldError::new("run", "is required where there is no --key").into());
    }
    let deadline = desk.deadline(asked)?;
    desk.operate(asked, Operation::Retry { job_id, items, run, deadline }).await
}

pub(super) async fn deadline(asked: &Asked<'_>, desk: &Desk) -> Result<ExitCode, CliError> {
    let job_id = job_id(asked)?;
    let deadline = asked.deadline()?;
    if deadline == Deadline::Unsaid {
        return Err(FieldError::new("deadline", "is required: a moment, none, or a formula").into());
    }
    desk.operate(asked, Operation::SetDeadline { job_id, deadline }).await
}

pub(super) async fn acknowledge(asked: &Asked<'_>, desk: &Desk) -> Result<ExitCode, CliError> {
    let job_id = job_id(asked)?;
    let run = run(asked)?;
    desk.operate(asked, Operation::Acknowledge { job_id, run }).await
}

fn run(asked: &Asked<'_>) -> Result<Option<u32>, CliError> {
    Ok(asked.parsed("run", "must be a run's number, counted from 1")?)
}
