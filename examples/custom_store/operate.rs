//! What operators ask of the store. Runs under the file's lock; asks `change` for every decision.

use robot_callback_core::change::{self, Change};
use robot_callback_core::{
    Action, Answer, Command, Deadline, Done, Effect, Event, ItemId, JobId, Objection, Operation, Resolution,
    Rules, Timestamp,
};

use super::state::State;

impl State {
    pub(crate) fn operate(&mut self, command: &Command, rules: Rules, now: Timestamp) -> Answer {
        let before = self.actions.iter().position(|row| row.key.is_some() && row.key == command.key);
        if let Some(before) = before {
            return command.done_before(&self.action(before));
        }
        let effect = self.carry_out(&command.operation, rules, now)?;
        if let Some(action) = Action::of(command, &effect, now) {
            self.record(&action);
        }
        Ok(Done::now(effect))
    }

    pub(crate) fn record(&mut self, action: &Action) {
        self.actions.push(action.into());
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
            Operation::SetDeadline { job_id, deadline } => {
                let row = self.jobs.get_mut(job_id).ok_or(Objection::NO_JOB)?;
                let Some(job) = change::set_deadline(row.job.clone(), *deadline, now)? else {
                    return Ok(Effect::Nothing);
                };
                row.job = job;
                Ok(Effect::DeadlineSet { deadline: row.job.deadline })
            }
            Operation::Resolve { kept_id, resolution } => self.resolve(*kept_id, *resolution, rules, now),
            Operation::Redrive { entries } => {
                let entries = self.outbox.redrive(entries.as_deref(), now);
                Ok(if entries.is_empty() { Effect::Nothing } else { Effect::Redriven { entries } })
            }
            Operation::Drop { entry_id, reason } => self.outbox.give_up(*entry_id, reason, now),
            Operation::Acknowledge { job_id, run } => {
                let row = self.jobs.get(job_id).ok_or(Objection::NO_JOB)?;
                let run = Objection::unless_complete(&row.job, *run)?;
                let news = self.outbox.acknowledge(&Event::completion_id(*job_id, run));
                Ok(if news { Effect::Acknowledged { run } } else { Effect::Nothing })
            }
        }
    }

    /// Nobody who waits for the new run is told of the old one.
    fn retry(
        &mut self,
        job: JobId,
        only: Option<&[ItemId]>,
        run: Option<u32>,
        deadline: Deadline,
        now: Timestamp,
    ) -> Result<Effect, Objection> {
        let row = self.jobs.get_mut(&job).ok_or(Objection::NO_JOB)?;
        Objection::unless_in_run(&row.job, run)?;
        let items = row.items().filter(|item| only.is_none_or(|only| only.contains(&item.id))).collect();
        let over = Event::completion_id(job, row.job.run);
        let Some((job, items)) = change::reopen(row.job.clone(), items, deadline, now) else {
            return Ok(Effect::Nothing);
        };
        row.job = job;
        let (run, deadline) = (row.job.run, row.job.deadline);
        let reopened = items.iter().map(|item| item.id).collect();
        items.into_iter().for_each(|item| row.put(item));
        self.outbox.acknowledge(&over);
        Ok(Effect::Reopened { run, items: reopened, deadline })
    }

    fn resolve(
        &mut self,
        id: i64,
        resolution: Resolution,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Effect, Objection> {
        let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let kept = place.and_then(|place| self.kept.get_mut(place)).ok_or(Objection::NO_KEPT_REPORT)?;
        match kept.resolution {
            Some(before) if before == resolution => return Ok(Effect::Nothing),
            Some(before) => return Err(Objection::Settled(before)),
            None => {}
        }
        let Ok(report) = kept.read(id).map(|kept| kept.report) else { return Ok(Effect::Nothing) };
        kept.resolution = Some(resolution);
        let (job, verdict) = (kept.job_id, kept.verdict);
        let Some(scene) = self.scene(report.item_id) else { return Ok(Effect::Nothing) };
        let attempt = scene.item.attempt;
        let change = match resolution {
            Resolution::Accepted => change::accept(scene, &report, rules, now),
            Resolution::Dismissed => Change::none(verdict),
        };
        Ok(Effect::Resolved(self.write(job, attempt, change, now)))
    }
}
