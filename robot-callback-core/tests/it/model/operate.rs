//! What operators ask: of the store, and of the model.

use proptest::sample::Index;
use robot_callback_core::{
    ActionQuery, Actor, Answer, Command, Deadline, Done, Effect, EntryId, ItemId, JobId, JobQuery, KeptQuery,
    LetterQuery, Objection, Operation, PageRequest, Resolution, Verdict,
};

use super::expected::{EntryState, Expected, nothing};
use super::run::Run;

impl Run {
    /// Asks the store and the model; both must say the same.
    pub(super) async fn operate(&mut self, operation: Operation, key: Option<u8>) {
        let expected = self.model.answer(&operation, key);
        let key = key.map(|key| key.to_string());
        let command = Command { operation, actor: Actor::new("ana"), key };
        let answer = self.world.store.operate(command).await.unwrap();
        match (answer, expected) {
            (Err(Objection::KeyReused(_)), Err(Objection::KeyReused(_))) => {}
            (answer, expected) => assert_eq!(answer, expected, "an operation does what the model says"),
        }
    }

    pub(super) fn some_job(&self, job: &Index) -> Option<JobId> {
        let jobs: Vec<JobId> = self.model.jobs.keys().copied().collect();
        (!jobs.is_empty()).then(|| *job.get(&jobs))
    }

    pub(super) async fn resolve(&mut self, kept: &Index, accept: bool) {
        if self.model.kept.is_empty() {
            return;
        }
        let place = kept.index(self.model.kept.len());
        let chosen = self.model.kept[place].clone();
        // A store may forget that an event was recorded once it was delivered long ago.
        if accept && self.model.may_announce_again(chosen.report.item_id) {
            return;
        }
        let of_job = self.model.kept[..place].iter().filter(|kept| kept.job_id == chosen.job_id).count();
        let query = KeptQuery { job: Some(chosen.job_id), page: PageRequest::first(1_000), open: false };
        let kept_id = self.world.store.kept_reports(query).await.unwrap().rows[of_job].id;
        self.model.kept_places.insert(kept_id, place);
        let resolution = if accept { Resolution::Accepted } else { Resolution::Dismissed };
        self.operate(Operation::Resolve { kept_id, resolution }, None).await;
    }

    pub(super) async fn drop_letter(&mut self, entry: &Index) {
        let seen: Vec<EntryId> = self.model.entries.iter().filter_map(|entry| entry.id).collect();
        let pruned = |id: &EntryId| {
            let entry = self.model.entries.iter().find(|entry| entry.id == Some(*id));
            entry.is_some_and(|entry| entry.state == EntryState::Pruned)
        };
        if seen.is_empty() || pruned(entry.get(&seen)) {
            return;
        }
        self.operate(Operation::Drop { entry_id: *entry.get(&seen), reason: "old".into() }, None).await;
    }

    /// Lists say what is there, and page by page each row once.
    pub(super) async fn compare_lists(&self) {
        let store = &self.world.store;
        let page = PageRequest::first(1_000);
        let actions = store.actions(ActionQuery { page, job: None }).await.unwrap().rows;
        let verbs: Vec<&str> = actions.iter().rev().map(|action| action.verb.as_str()).collect();
        assert_eq!(verbs, self.model.actions, "every change is recorded, and nothing else");
        let dropped = store.dead_letters(LetterQuery { dropped: true, page }).await.unwrap().rows;
        let expected = self.model.entries.iter().filter(|entry| entry.state == EntryState::Dropped).count();
        assert_eq!(dropped.len(), expected, "what was dropped is kept");
    }

    pub(super) async fn walk_jobs(&self) {
        let mut listed = Vec::new();
        let mut page = PageRequest::first(2);
        loop {
            let found = self.world.store.jobs(JobQuery { page, ..JobQuery::default() }).await.unwrap();
            listed.extend(found.rows.iter().map(|job| job.id));
            let Some(next) = found.next else { break };
            page.after = Some(next);
        }
        listed.sort();
        assert!(listed.iter().eq(self.model.jobs.keys()), "page by page, each job is listed once");
    }
}

impl Expected {
    fn answer(&mut self, operation: &Operation, key: Option<u8>) -> Answer {
        if let Some((before, effect)) = key.and_then(|key| self.done.get(&key)) {
            let effect = effect.clone();
            return if before == operation {
                Ok(Done { effect, repeated: true })
            } else {
                Err(Objection::KeyReused(0))
            };
        }
        let effect = self.carry_out(operation)?;
        if effect != Effect::Nothing || key.is_some() {
            self.actions.push(operation.verb());
        }
        self.done.extend(key.map(|key| (key, (operation.clone(), effect.clone()))));
        Ok(Done::now(effect))
    }

    fn carry_out(&mut self, operation: &Operation) -> Result<Effect, Objection> {
        match operation {
            Operation::Retry { job_id, items, run, deadline } => {
                let before = self.jobs[job_id].run;
                if run.is_some_and(|run| run != before) {
                    return Err(Objection::RunIs(before));
                }
                let reopened = self.reopen(*job_id, items.as_deref(), *deadline);
                if reopened.is_empty() {
                    return Ok(Effect::Nothing);
                }
                self.acknowledge(*job_id, before);
                let job = &self.jobs[job_id];
                Ok(Effect::Reopened { run: job.run, items: reopened, deadline: job.deadline })
            }
            Operation::SetDeadline { job_id, deadline } => {
                let open = self.open_items(*job_id);
                if open == 0 {
                    return Err(Objection::NothingOpen);
                }
                let deadline = deadline.moment(self.now(), open);
                let job = self.jobs.get_mut(job_id).expect("a known job");
                let same = job.deadline == deadline;
                job.deadline = deadline;
                Ok(if same { Effect::Nothing } else { Effect::DeadlineSet { deadline } })
            }
            Operation::Resolve { kept_id, resolution } => {
                self.settle_kept(self.kept_places[kept_id], *resolution)
            }
            Operation::Redrive { entries } => {
                let entries = self.redrive(entries.as_deref());
                Ok(if entries.is_empty() { Effect::Nothing } else { Effect::Redriven { entries } })
            }
            Operation::Drop { entry_id, .. } => {
                let entry = self.entries.iter_mut().find(|entry| entry.id == Some(*entry_id));
                let entry = entry.expect("an entry that was seen");
                match entry.state {
                    EntryState::Dropped => Ok(Effect::Nothing),
                    EntryState::Dead => {
                        entry.state = EntryState::Dropped;
                        Ok(Effect::Dropped { event_id: entry.event_id.clone() })
                    }
                    _ => Err(Objection::NotDead),
                }
            }
            Operation::Acknowledge { job_id, run } => {
                let current = self.jobs[job_id].run;
                let run = run.unwrap_or(current);
                if run > current || run == 0 {
                    return Err(Objection::RunIs(current));
                }
                if run == current && self.open_items(*job_id) > 0 {
                    return Err(Objection::NotComplete);
                }
                let news = self.acknowledge(*job_id, run);
                Ok(if news { Effect::Acknowledged { run } } else { Effect::Nothing })
            }
        }
    }

    fn open_items(&self, job: JobId) -> u32 {
        u32::try_from(self.items_of(job).filter(|item| item.end.is_none()).count()).expect("few")
    }

    fn reopen(&mut self, job: JobId, only: Option<&[ItemId]>, deadline: Deadline) -> Vec<ItemId> {
        let reopened = self.retry(job, only);
        if !reopened.is_empty() {
            let moment = deadline.moment(self.now(), self.open_items(job));
            self.jobs.get_mut(&job).expect("a known job").deadline = moment;
        }
        reopened
    }

    /// Says whether that is news.
    fn acknowledge(&mut self, job: JobId, run: u32) -> bool {
        let id = format!("robot/job.batch_completed:{job}:{run}");
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.event_id == id) else { return false };
        if entry.state == EntryState::Pruned {
            return false;
        }
        if let EntryState::Delivered(_, again) = &mut entry.state {
            *again = None;
        }
        !std::mem::replace(&mut entry.acknowledged, true)
    }

    fn redrive(&mut self, only: Option<&[EntryId]>) -> Vec<EntryId> {
        let now = self.now();
        let mut redriven = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.state == EntryState::Dead) {
            let id = entry.id.expect("what is dead was seen");
            if only.is_none_or(|only| only.contains(&id)) {
                entry.state = EntryState::Due(now, None);
                redriven.push(id);
            }
        }
        redriven
    }

    fn settle_kept(&mut self, place: usize, resolution: Resolution) -> Result<Effect, Objection> {
        let kept = &mut self.kept[place];
        match kept.resolution {
            Some(before) if before == resolution => return Ok(Effect::Nothing),
            Some(before) => return Err(Objection::Settled(before)),
            None => kept.resolution = Some(resolution),
        }
        let (report, verdict) = (kept.report.clone(), kept.verdict);
        Ok(Effect::Resolved(if resolution == Resolution::Accepted {
            self.close(&report, Verdict::Applied)
        } else {
            nothing(&self.items[self.index(report.item_id)], verdict)
        }))
    }
}
