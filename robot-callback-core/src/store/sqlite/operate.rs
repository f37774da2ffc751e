//! What operators ask. The writer holds the file's write lock, so what is read here stays true until the commit.

use rusqlite::Connection;

use super::{actions, apply, jobs, kept, outbox};
use crate::action::Action;
use crate::change::{self, Rules};
use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::id::{ItemId, JobId};
use crate::operation::{Answer, Command, Done, Effect, Objection, Operation};

/// An objection is found before anything is written.
type Carried = rusqlite::Result<Result<Effect, Objection>>;

pub(super) fn operate(
    db: &Connection,
    command: &Command,
    rules: Rules,
    now: Timestamp,
) -> rusqlite::Result<Answer> {
    let before = command.key.as_deref().map(|key| actions::under(db, key)).transpose()?.flatten();
    if let Some(before) = before {
        return Ok(command.done_before(&before));
    }
    let effect = match carry_out(db, &command.operation, rules, now)? {
        Ok(effect) => effect,
        Err(objection) => return Ok(Err(objection)),
    };
    if let Some(action) = Action::of(command, &effect, now) {
        actions::record(db, &action)?;
    }
    Ok(Ok(Done::now(effect)))
}

fn carry_out(db: &Connection, operation: &Operation, rules: Rules, now: Timestamp) -> Carried {
    match operation {
        Operation::Retry { job_id, items, run, deadline } => {
            retry(db, *job_id, items.as_deref(), *run, *deadline, now)
        }
        Operation::SetDeadline { job_id, deadline } => set_deadline(db, *job_id, *deadline, now),
        Operation::Resolve { kept_id, resolution } => kept::resolve(db, *kept_id, *resolution, rules, now),
        Operation::Redrive { entries } => {
            let entries = outbox::redrive(db, entries.as_deref(), now)?;
            Ok(Ok(if entries.is_empty() { Effect::Nothing } else { Effect::Redriven { entries } }))
        }
        Operation::Drop { entry_id, reason } => outbox::give_up(db, *entry_id, reason, now),
        Operation::Acknowledge { job_id, run } => acknowledge(db, *job_id, *run, now),
    }
}

fn retry(
    db: &Connection,
    id: JobId,
    only: Option<&[ItemId]>,
    run: Option<u32>,
    deadline: Deadline,
    now: Timestamp,
) -> Carried {
    let Some(job) = jobs::find(db, id)? else { return Ok(Err(Objection::NO_JOB)) };
    if let Err(objection) = Objection::unless_in_run(&job, run) {
        return Ok(Err(objection));
    }
    let items = jobs::items(db, id)?.into_iter().map(|view| view.item);
    let named = items.filter(|item| only.is_none_or(|only| only.contains(&item.id))).collect();
    let over = Event::completion_id(id, job.run);
    let Some((job, items)) = change::reopen(job, named, deadline, now) else {
        return Ok(Ok(Effect::Nothing));
    };
    outbox::acknowledge(db, &over, now)?;
    apply::write_job(db, &job)?;
    for item in &items {
        apply::write_item(db, item)?;
    }
    let items = items.iter().map(|item| item.id).collect();
    Ok(Ok(Effect::Reopened { run: job.run, items, deadline: job.deadline }))
}

fn set_deadline(db: &Connection, id: JobId, deadline: Deadline, now: Timestamp) -> Carried {
    let Some(job) = jobs::find(db, id)? else { return Ok(Err(Objection::NO_JOB)) };
    Ok(match change::set_deadline(job, deadline, now) {
        Ok(Some(job)) => {
            apply::write_job(db, &job)?;
            Ok(Effect::DeadlineSet { deadline: job.deadline })
        }
        Ok(None) => Ok(Effect::Nothing),
        Err(objection) => Err(objection),
    })
}

fn acknowledge(db: &Connection, id: JobId, run: Option<u32>, now: Timestamp) -> Carried {
    let Some(job) = jobs::find(db, id)? else { return Ok(Err(Objection::NO_JOB)) };
    let run = match Objection::unless_complete(&job, run) {
        Ok(run) => run,
        Err(objection) => return Ok(Err(objection)),
    };
    let news = outbox::acknowledge(db, &Event::completion_id(id, run), now)?;
    Ok(Ok(if news { Effect::Acknowledged { run } } else { Effect::Nothing }))
}
