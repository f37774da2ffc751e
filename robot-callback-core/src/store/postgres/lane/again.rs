//! What is tried when a set has failed: it is tried again by itself for as long as one of its callers may still wait while
//! other transactions are in the way, and one by one when the database refuses something in it, or somebody else keeps a
//! row of it locked, so that it spoils nobody else's.

use std::sync::Arc;

use super::super::super::Applied;
use super::super::error::PostgresError;
use super::super::runs;
use super::super::scenes::Scenes;
use super::super::session::{Session, Sessions};
use super::set::{Answer, Set};
use super::work::{Work, decide};
use crate::id::JobId;
use crate::report::Report;

impl Work {
    pub(super) async fn again(&self, set: Set, mut error: PostgresError) {
        if error.is_contention() {
            let work = async |db: &Session| self.transact(db, &set.reports).await;
            match self.sessions.transact_after(error, set.deadline, work).await {
                Ok(applied) => return set.answer(applied.into_iter().map(Ok)),
                Err(other) => error = other,
            }
        }
        let one_is_to_blame = error.is_blocked() || error.is_refusal();
        if error.is_second_completion() || (one_is_to_blame && set.reports.len() > 1) {
            // A row that was waited for once is not waited for as long again.
            let sessions = if error.is_blocked() { &self.impatient } else { &self.sessions };
            let answers = self.one_by_one(&set, sessions).await;
            set.answer(answers);
        } else {
            set.fail(error);
        }
    }

    async fn one_by_one(&self, set: &Set, sessions: &Sessions) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(set.reports.len());
        for report in set.reports.iter().map(std::slice::from_ref) {
            let work = async |db: &Session| self.transact(db, report).await;
            let alone = match sessions.transact_until(set.deadline, work).await {
                Err(error) if error.is_second_completion() => {
                    let work = async |db: &Session| self.transact_in_next_run(db, report).await;
                    sessions.transact_until(set.deadline, work).await
                }
                done => done,
            };
            answers.push(alone.map(|mut applied| applied.pop().flatten()).map_err(Arc::new));
        }
        answers
    }

    /// The same, once the jobs that their owner re-opened have begun their next run.
    async fn transact_in_next_run(
        &self,
        db: &Session,
        reports: &[Report],
    ) -> Result<Vec<Option<Applied>>, PostgresError> {
        let scenes = Scenes::of_reports(db, reports).await?;
        let jobs: Vec<_> = scenes.jobs.ids().map(|JobId(id)| id).collect();
        runs::begin_next(db, &jobs).await?;
        self.transact(db, reports).await
    }

    /// Within a transaction of their own.
    async fn transact(
        &self,
        db: &Session,
        reports: &[Report],
    ) -> Result<Vec<Option<Applied>>, PostgresError> {
        let (scenes, now) = (Scenes::of_reports(db, reports).await?, self.clock.now());
        let (applied, writes, scenes) = decide(reports, scenes, self.rules, now)?;
        if !writes.is_empty(&scenes) {
            writes.write(db, &scenes, now).await?;
        }
        Ok(applied)
    }
}
