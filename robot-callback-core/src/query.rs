//! What an operator looks for: which jobs, items, kept reports, dead letters and actions. Values, and pure tests of them.

use crate::action::Action;
use crate::clock::Timestamp;
use crate::id::{JobId, WorkspaceId};
use crate::job::{Item, ItemStatus, Job, JobStatus};
use crate::kept::KeptReport;
use crate::page::{Cursor, PageRequest};

/// Which jobs, newest first. Every field that is set narrows.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobQuery {
    /// Of that owner.
    pub workspace: Option<WorkspaceId>,
    /// Standing there.
    pub status: Option<JobStatus>,
    /// Only those with open items whose deadline has passed.
    pub overdue: bool,
    /// Made then or later.
    pub created_from: Option<Timestamp>,
    /// Made before then.
    pub created_before: Option<Timestamp>,
    /// Which page.
    pub page: PageRequest,
}

impl JobQuery {
    /// Whether that job is among them.
    #[must_use]
    pub fn admits(&self, job: &Job, now: Timestamp) -> bool {
        self.workspace.is_none_or(|workspace| job.workspace_id == workspace)
            && self.status.is_none_or(|status| job.status == status)
            && (!self.overdue || job.is_overdue(now))
            && self.created_from.is_none_or(|from| job.created_at >= from)
            && self.created_before.is_none_or(|before| job.created_at < before)
            && self.page.after.is_none_or(|after| Self::cursor(job) < after)
    }

    /// Where a job stands in the list, which runs from the highest to the lowest.
    #[must_use]
    pub fn cursor(job: &Job) -> Cursor {
        Cursor { place: 0, moment: job.created_at.as_millis(), id: job.id.0 }
    }
}

/// Which items of a job, in the order they were given.
#[derive(Clone, Copy, Debug, Default)]
pub struct ItemQuery {
    /// Standing there.
    pub status: Option<ItemStatus>,
    /// Which page.
    pub page: PageRequest,
}

impl ItemQuery {
    /// Whether the item that stands there is among them.
    #[must_use]
    pub fn admits(&self, item: &Item, cursor: Cursor) -> bool {
        self.status.is_none_or(|status| item.status == status)
            && self.page.after.is_none_or(|after| cursor > after)
    }
}

/// Which kept reports, oldest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeptQuery {
    /// Of that job's items.
    pub job: Option<JobId>,
    /// Only those that nobody has settled.
    pub open: bool,
    /// Which page.
    pub page: PageRequest,
}

impl KeptQuery {
    /// Whether that one is among them.
    #[must_use]
    pub fn admits(&self, kept: &KeptReport) -> bool {
        self.job.is_none_or(|job| kept.job_id == job)
            && (!self.open || kept.resolution.is_none())
            && self.page.after.is_none_or(|after| kept.id > after.place)
    }
}

/// Which dead letters, oldest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct LetterQuery {
    /// Those that were dropped, instead of those that still may be redriven.
    pub dropped: bool,
    /// Which page.
    pub page: PageRequest,
}

/// Which actions, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActionQuery {
    /// On that job.
    pub job: Option<JobId>,
    /// Which page.
    pub page: PageRequest,
}

impl ActionQuery {
    /// Whether that one is among them.
    #[must_use]
    pub fn admits(&self, action: &Action) -> bool {
        (self.job.is_none() || action.job_id == self.job)
            && self.page.after.is_none_or(|after| action.id < after.place)
    }
}
