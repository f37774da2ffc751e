//! What operators ask, each in the one transaction of its command.

use tokio_postgres::types::Type;

use super::error::PostgresError;
use super::rows::{self, system_time};
use super::session::{Session, Statement};
use super::writes::Writes;
use super::{actions, jobs, kept, letters, outbox, runs};
use crate::action::Action;
use crate::change::{self, Rules};
use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::id::{ItemId, JobId};
use crate::operation::{Answer, Command, Done, Effect, Objection, Operation};

/// A job that the CRM made has no row here until something is said about it.
static PUT_RUN: Statement = Statement {
    sql: "INSERT INTO robot_callback.job_state (job_id, run, deadline) VALUES ($1, $2, $3)
        ON CONFLICT (job_id) DO UPDATE SET run = excluded.run, deadline = excluded.deadline",
    types: &[Type::UUID, Type::INT4, Type::TIMESTAMPTZ],
};

/// An objection is found before anything is written.
type Carried = Result<Result<Effect, Objection>, PostgresError>;

pub(super) async fn operate(
    db: &Session,
    command: &Command,
    rules: Rules,
    now: Timestamp,
) -> Result<Answer, PostgresError> {
    if let Some(key) = &command.key
        && let Some(before) = actions::under(db, key).await?
    {
        return Ok(command.done_before(&before));
    }
    let effect = match carry_out(db, &command.operation, rules, now).await? {
        Ok(effect) => effect,
        Err(objection) => return Ok(Err(objection)),
    };
    if let Some(action) = Action::of(command, &effect, now) {
        actions::record(db, &action).await?;
    }
    Ok(Ok(Done::now(effect)))
}

async fn carry_out(db: &Session, operation: &Operation, rules: Rules, now: Timestamp) -> Carried {
    match operation {
        Operation::Retry { job_id, items, run, deadline } => {
            retry(db, *job_id, items.as_deref(), *run, *deadline, now).await
        }
        Operation::SetDeadline { job_id, deadline } => set_deadline(db, *job_id, *deadline, now).await,
        Operation::Resolve { kept_id, resolution } => {
            kept::resolve(db, *kept_id, *resolution, rules, now).await
        }
        Operation::Redrive { entries } => {
            let entries = letters::redrive(db, entries.as_deref(), now).await?;
            Ok(Ok(if entries.is_empty() { Effect::Nothing } else { Effect::Redriven { entries } }))
        }
        Operation::Drop { entry_id, reason } => letters::give_up(db, *entry_id, reason, now).await,
        Operation::Acknowledge { job_id, run } => acknowledge(db, *job_id, *run, now).await,
    }
}

async fn retry(
    db: &Session,
    id: JobId,
    only: Option<&[ItemId]>,
    run: Option<u32>,
    deadline: Deadline,
    now: Timestamp,
) -> Carried {
    let Some(job) = jobs::lock(db, id).await? else { return Ok(Err(Objection::NO_JOB)) };
    if let Err(objection) = Objection::unless_in_run(&job, run) {
        return Ok(Err(objection));
    }
    let (mut scenes, mut ids) = jobs::lock_items(db, id, &["error"]).await?;
    ids.retain(|item| only.is_none_or(|only| only.contains(item)));
    let failed = ids.iter().filter_map(|item| scenes.items.get(*item)).cloned().collect();
    let over = Event::completion_id(id, job.run);
    let Some((job, items)) = change::reopen(job, failed, deadline, now) else {
        return Ok(Ok(Effect::Nothing));
    };
    outbox::acknowledge(db, &over, now).await?;
    let (run, deadline) = (job.run, job.deadline);
    db.execute(&PUT_RUN, &[&id.0, &rows::integer(run), &deadline.map(system_time)]).await?;
    let reopened: Vec<ItemId> = items.iter().map(|item| item.id).collect();
    let mut writes = Writes::default();
    writes.replace(&mut scenes, job, items);
    writes.write(db, &scenes, now).await?;
    Ok(Ok(Effect::Reopened { run, items: reopened, deadline }))
}

async fn set_deadline(db: &Session, id: JobId, deadline: Deadline, now: Timestamp) -> Carried {
    let mut job = jobs::lock(db, id).await?;
    if job.is_some() && runs::begin_next(db, &[id.0]).await? {
        job = jobs::find(db, id).await?;
    }
    let Some(job) = job else { return Ok(Err(Objection::NO_JOB)) };
    Ok(match change::set_deadline(job, deadline, now) {
        Ok(Some(job)) => {
            let deadline = job.deadline;
            db.execute(&PUT_RUN, &[&id.0, &rows::integer(job.run), &deadline.map(system_time)]).await?;
            Ok(Effect::DeadlineSet { deadline })
        }
        Ok(None) => Ok(Effect::Nothing),
        Err(objection) => Err(objection),
    })
}

async fn acknowledge(db: &Session, id: JobId, run: Option<u32>, now: Timestamp) -> Carried {
    let Some(job) = jobs::find(db, id).await? else { return Ok(Err(Objection::NO_JOB)) };
    let run = match Objection::unless_complete(&job, run) {
        Ok(run) => run,
        Err(objection) => return Ok(Err(objection)),
    };
    let news = outbox::acknowledge(db, &Event::completion_id(id, run), now).await?;
    Ok(Ok(if news { Effect::Acknowledged { run } } else { Effect::Nothing }))
}
