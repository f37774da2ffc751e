//! What operators look at in a memory store, page by page. Runs under the store's lock.

use super::state::State;
use crate::action::Action;
use crate::clock::Timestamp;
use crate::id::JobId;
use crate::job::Job;
use crate::kept::KeptReport;
use crate::page::{Cursor, Page};
use crate::query::{ActionQuery, ItemQuery, JobQuery, KeptQuery};
use crate::view::JobPage;

impl State {
    pub(super) fn jobs(&self, query: &JobQuery, now: Timestamp) -> Page<Job> {
        let admitted = self.jobs.values().filter(|job| query.admits(job, now));
        let mut jobs: Vec<(Cursor, Job)> = admitted.map(|job| (JobQuery::cursor(job), job.clone())).collect();
        jobs.sort_unstable_by_key(|(cursor, _)| std::cmp::Reverse(*cursor));
        Page::cut(jobs, query.page.limit)
    }

    pub(super) fn job_page(&self, id: JobId, query: &ItemQuery) -> Option<JobPage> {
        let job = self.jobs.get(&id)?.clone();
        let placed = (0..).map(Cursor::at).zip(self.items_of(id));
        let admitted = placed.filter(|(cursor, item)| query.admits(item, *cursor));
        let views = admitted.map(|(cursor, item)| (cursor, self.item_view(item)));
        Some(JobPage { job, items: Page::cut(views, query.page.limit) })
    }

    pub(super) fn kept_reports(&self, query: &KeptQuery) -> Page<KeptReport> {
        let admitted = self.kept.iter().filter(|kept| query.admits(kept));
        Page::cut(admitted.map(|kept| (Cursor::at(kept.id), kept.clone())), query.page.limit)
    }

    pub(super) fn actions(&self, query: &ActionQuery) -> Page<Action> {
        let newest_first = self.actions.iter().rev().filter(|action| query.admits(action));
        Page::cut(newest_first.map(|action| (Cursor::at(action.id), action.clone())), query.page.limit)
    }
}
