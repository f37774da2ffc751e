//! What operators ask of a memory store. Runs under the store's lock.

use super::state::State;
use crate::action::Action;
use crate::change::{self, Change, Rules};
use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::id::{ItemId, JobId};
use crate::kept::Resolution;
use crate::operation::{Answer, Command, Done, Effect, Objection, Operation};

impl State {
    pub(super) fn operate(&mut self, command: &Command, rules: Rules, now: Timestamp) -> Answer {
        let before = self.actions.iter().find(|action| action.key.is_some() && action.key == command.key);
        if let Some(before) = before {
            return command.done_before(before);
        }
        let effect = self.carry_out(&command.operation, rules, now)?;
        if let Some(action) = Action::of(command, &effect, now) {
            self.record(action);
        }
        Ok(Done::now(effect))
    }

    pub(super) fn record(&mut self, action: Action) {
        let id = i64::try_from(self.actions.len() + 1).unwrap_or(i64::MAX);
        self.actions.push(Action { id, ..action });
    }

    fn carry_out(
        &mut self,
        operation: &Operation,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Effect, Objection> {
        match operation {
            Operation::Retry { job_id, items, run, deadline } => {
                self.retry(*job_id, items.as_deref(), *run, *deadline, now)
            }
            Operation::SetDeadline { job_id, deadline } => self.set_deadline(*job_id, *deadline, now),
            Operation::Resolve { kept_id, resolution } => self.resolve(*kept_id, *resolution, rules, now),
            Operation::Redrive { entries } => {
                let entries = self.outbox.redrive(entries.as_deref(), now);
                Ok(if entries.is_empty() { Effect::Nothing } else { Effect::Redriven { entries } })
            }
            Operation::Drop { entry_id, reason } => self.outbox.drop(*entry_id, reason, now),
            Operation::Acknowledge { job_id, run } => self.acknowledge(*job_id, *run),
        }
    }

    fn retry(
        &mut self,
        job: JobId,
        only: Option<&[ItemId]>,
        run: Option<u32>,
        deadline: Deadline,
        now: Timestamp,
    ) -> Result<Effect, Objection> {
        let job = self.jobs.get(&job).ok_or(Objection::NO_JOB)?.clone();
        Objection::unless_in_run(&job, run)?;
        let mut items = self.items_of(job.id);
        items.retain(|item| only.is_none_or(|only| only.contains(&item.id)));
        let over = Event::completion_id(job.id, job.run);
        let Some((job, items)) = change::reopen(job, items, deadline, now) else {
            return Ok(Effect::Nothing);
        };
        self.outbox.acknowledge(&over);
        let reopened = items.iter().map(|item| item.id).collect();
        let effect = Effect::Reopened { run: job.run, items: reopened, deadline: job.deadline };
        self.jobs.insert(job.id, job);
        self.items.extend(items.into_iter().map(|item| (item.id, item)));
        Ok(effect)
    }

    fn set_deadline(&mut self, job: JobId, deadline: Deadline, now: Timestamp) -> Result<Effect, Objection> {
        let job = self.jobs.get(&job).ok_or(Objection::NO_JOB)?.clone();
        let Some(job) = change::set_deadline(job, deadline, now)? else { return Ok(Effect::Nothing) };
        let effect = Effect::DeadlineSet { deadline: job.deadline };
        self.jobs.insert(job.id, job);
        Ok(effect)
    }

    fn resolve(
        &mut self,
        id: i64,
        resolution: Resolution,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Effect, Objection> {
        let kept = self.kept.iter_mut().find(|kept| kept.id == id).ok_or(Objection::NO_KEPT_REPORT)?;
        match kept.resolution {
            Some(before) if before == resolution => return Ok(Effect::Nothing),
            Some(before) => return Err(Objection::Settled(before)),
            None => kept.resolution = Some(resolution),
        }
        let kept = kept.clone();
        let Some(scene) = self.scene(kept.report.item_id) else { return Ok(Effect::Nothing) };
        let attempt = scene.item.attempt;
        let change = match resolution {
            Resolution::Accepted => change::accept(scene, &kept.report, rules, now),
            Resolution::Dismissed => Change::none(kept.verdict),
        };
        Ok(Effect::Resolved(self.write(kept.job_id, attempt, change, now)))
    }

    fn acknowledge(&mut self, job: JobId, run: Option<u32>) -> Result<Effect, Objection> {
        let run = Objection::unless_complete(self.jobs.get(&job).ok_or(Objection::NO_JOB)?, run)?;
        let news = self.outbox.acknowledge(&Event::completion_id(job, run));
        Ok(if news { Effect::Acknowledged { run } } else { Effect::Nothing })
    }
}
