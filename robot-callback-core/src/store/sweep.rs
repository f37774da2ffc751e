//! A sweep over the jobs whose deadline has passed: one that can't be closed leaves no other open.

use std::error::Error;

use crate::error::chain;
use crate::id::JobId;

/// What was closed so far, and where the sweep stands: `P` is the place of a job in the order of the deadlines.
pub(super) struct Sweep<P, E> {
    limit: usize,
    expired: Vec<JobId>,
    failed: Option<E>,
    after: Option<P>,
    over: bool,
}

impl<P: Copy, E: Error + 'static> Sweep<P, E> {
    /// One that closes so many jobs at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, expired: Vec::new(), failed: None, after: None, over: limit == 0 }
    }

    /// After which place the next page begins, and how many jobs it may have; `None` when the sweep is over.
    pub(super) fn next(&self) -> Option<(Option<P>, usize)> {
        (!self.over).then_some((self.after, self.limit - self.expired.len()))
    }

    /// Takes a page in: its jobs are to be closed now.
    pub(super) fn page(&mut self, page: Result<Vec<(P, JobId)>, E>) -> Vec<JobId> {
        let wanted = self.limit - self.expired.len();
        let page = page.unwrap_or_else(|error| {
            self.failed = Some(error);
            Vec::new()
        });
        self.over = page.len() < wanted;
        self.after = page.last().map(|(place, _)| *place);
        page.into_iter().map(|(_, job)| job).collect()
    }

    /// Takes in what came of closing a job: whether there was anything to close.
    pub(super) fn closed(&mut self, job: JobId, closed: Result<bool, E>) {
        match closed {
            Ok(closed) => self.expired.extend(closed.then_some(job)),
            Err(error) => {
                tracing::error!(%job, error = chain(&error), "a job's deadline can't be kept for now");
                self.failed = Some(error);
            }
        }
        self.over |= self.expired.len() >= self.limit;
    }

    /// Which jobs were closed; the last error, if none was.
    pub(super) fn end(self) -> Result<Vec<JobId>, E> {
        match self.failed {
            Some(error) if self.expired.is_empty() => Err(error),
            _ => Ok(self.expired),
        }
    }
}
