//! The lane: the one thread of a process that applies reports, on a connection of its own, and its group commit.
//!
//! Reports queue up while a set is being written; the next set is what is waiting then. Each caller hears of its own
//! report after the commit of all. A thread of its own, because what the database has answered must not stand in line
//! behind the requests of everybody who was answered just before.

mod again;
mod set;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use self::set::{Answer, Waiting};
use self::work::Work;
use super::super::Applied;
use super::PostgresOptions;
use super::error::PostgresError;
use super::hand_over::HandOver;
use super::session::Sessions;
use crate::error::StoreError;
use crate::report::Report;

/// How many may wait before callers wait for a place in the queue.
const QUEUE: usize = 4096;

pub(super) struct Lane {
    queue: mpsc::Sender<Waiting>,
    patience: Duration,
}

impl Lane {
    /// Starts the thread. It ends, after all that was queued, when the lane is dropped.
    pub(super) fn start(
        sessions: Sessions,
        options: &PostgresOptions,
        hand_over: Arc<HandOver>,
    ) -> Result<Self, PostgresError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let sessions = sessions.by_key();
        let work = Work {
            impatient: sessions.impatient(options.lock_timeout / 20),
            sessions: sessions.impatient(options.lock_timeout),
            rules: options.rules,
            clock: options.clock.clone(),
            queue: waiting,
            hand_over,
            warm_up: options.connect_timeout,
            begun: 0,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(PostgresError::LaneStart)?;
        let thread = std::thread::Builder::new().name("postgres-lane".into());
        thread.spawn(move || runtime.block_on(work.run())).map_err(PostgresError::LaneStart)?;
        Ok(Self { queue, patience: options.report_deadline })
    }

    pub(super) async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        let deadline = Instant::now() + self.patience;
        let applied = timeout_at(deadline, self.apply_before(deadline, report)).await;
        Ok(applied.unwrap_or_else(|_| Err(Arc::new(PostgresError::Timeout)))?)
    }

    async fn apply_before(&self, deadline: Instant, report: Report) -> Answer {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { report, deadline, reply };
        self.queue.send(waiting).await.map_err(|_| PostgresError::LaneGone)?;
        answer.await.map_err(|_| PostgresError::LaneGone)?
    }
}
