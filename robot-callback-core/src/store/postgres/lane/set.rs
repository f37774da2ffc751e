//! Reports that are applied together, and who waits for them.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::super::Applied;
use super::super::error::PostgresError;
use crate::report::Report;

pub(super) type Answer = Result<Option<Applied>, Arc<PostgresError>>;

/// A report in the queue.
pub(super) struct Waiting {
    pub(super) report: Report,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// Reports that are applied together, in the order in which they came.
pub(super) struct Set {
    pub(super) reports: Vec<Report>,
    /// When the last of the callers has gone.
    pub(super) deadline: Instant,
    replies: Vec<oneshot::Sender<Answer>>,
}

impl Set {
    /// Of those somebody still waits for; what nobody waits for any more is left alone. `None` when nobody does.
    pub(super) fn of(waiting: impl Iterator<Item = Waiting>) -> Option<Self> {
        let mut set: Option<Self> = None;
        for Waiting { report, deadline, reply } in waiting.filter(|waiting| !waiting.reply.is_closed()) {
            let set = set.get_or_insert_with(|| Self { reports: Vec::new(), deadline, replies: Vec::new() });
            set.deadline = set.deadline.max(deadline);
            set.reports.push(report);
            set.replies.push(reply);
        }
        set
    }

    /// Tells everybody, in the order of the reports.
    pub(super) fn answer(self, answers: impl IntoIterator<Item = Answer>) {
        for (reply, answer) in self.replies.into_iter().zip(answers) {
            _ = reply.send(answer); // the caller may have gone away; what was done stays done
        }
    }

    pub(super) fn fail(self, error: PostgresError) {
        let error = Arc::new(error);
        self.answer(std::iter::repeat_with(|| Err(error.clone())));
    }
}
