//! What operators look at, page by page.

use robot_callback_core::{
    Action, ActionQuery, Cursor, ItemQuery, Job, JobId, JobPage, JobQuery, KeptQuery, KeptReport, Page,
    ReportError, Timestamp,
};

use super::state::State;

impl State {
    pub(crate) fn jobs(&self, query: &JobQuery, now: Timestamp) -> Page<Job> {
        let jobs = self.jobs.values().map(|row| &row.job).filter(|job| query.admits(job, now));
        let mut jobs: Vec<(Cursor, Job)> = jobs.map(|job| (JobQuery::cursor(job), job.clone())).collect();
        jobs.sort_unstable_by_key(|(cursor, _)| std::cmp::Reverse(*cursor));
        Page::cut(jobs, query.page.limit)
    }

    pub(crate) fn job_page(&self, id: JobId, query: &ItemQuery) -> Option<JobPage> {
        let row = self.jobs.get(&id)?;
        let placed = (0..).map(Cursor::at).zip(row.items());
        let admitted = placed.filter(|(cursor, item)| query.admits(item, *cursor));
        let views = admitted.map(|(cursor, item)| (cursor, self.item_view(item)));
        Some(JobPage { job: row.job.clone(), items: Page::cut(views, query.page.limit) })
    }

    pub(crate) fn kept_reports(&self, query: &KeptQuery) -> Result<Page<KeptReport>, ReportError> {
        let all = self.kept.iter().zip(1..).map(|(row, id)| row.read(id));
        let all = all.collect::<Result<Vec<KeptReport>, _>>()?;
        let admitted = all.into_iter().filter(|kept| query.admits(kept));
        Ok(Page::cut(admitted.map(|kept| (Cursor::at(kept.id), kept)), query.page.limit))
    }

    /// A number is a place, counted from 1.
    pub(crate) fn action(&self, place: usize) -> Action {
        self.actions[place].read(i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1))
    }

    pub(crate) fn actions(&self, query: &ActionQuery) -> Page<Action> {
        let newest_first = (0..self.actions.len()).rev().map(|place| self.action(place));
        let admitted = newest_first.filter(|action| query.admits(action));
        Page::cut(admitted.map(|action| (Cursor::at(action.id), action)), query.page.limit)
    }
}
