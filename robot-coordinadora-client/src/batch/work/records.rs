//! What the work on a batch writes down, and when a result leaves for the sink.

use std::io;
use std::sync::PoisonError;

use robot_callback_core::{ItemId, Report};

use super::super::blocking;
use super::super::calls::caught;
use super::{Ended, Work};
use crate::journal::Record;
use crate::sink::HandError;
use crate::step::passed;

impl Work {
    /// Writes down what became of an order. While the disk does not take that, the result of a submission is handed over
    /// all the same: it is known nowhere else. That of an order that was never submitted is not: after a restart the
    /// order would be submitted after all, though it was reported as failed.
    pub(super) async fn conclude(&mut self, report: Report) -> Ended {
        let report = self.ledger.batch.on_attempt(report);
        let item = report.item_id;
        let known_here_alone = self.ledger.is_intended(item).then_some(&report);
        match self.written(Record::Result(report.clone()), known_here_alone).await {
            None => return Ended::Stopped,
            Some(true) => self.handed(item).await,
            Some(false) => {}
        }
        Ended::Done
    }

    /// Writes a record, and waits for a disk that does not take it: nothing is done that is not on it.
    pub(super) async fn record(&mut self, record: Record) -> Ended {
        self.written(record, None).await.map_or(Ended::Stopped, |_| Ended::Done)
    }

    /// Writes a record, however long the disk does not take it. Meanwhile that report is handed over; says whether it was.
    /// `None` when the robot is to stop before.
    async fn written(&mut self, record: Record, meanwhile: Option<&Report>) -> Option<bool> {
        let mut handed = false;
        while let Err(error) = self.append(record.clone()).await {
            let job = self.ledger.batch.job_id;
            tracing::error!(job.id = %job, %error, "the journal can't be written; the batch waits for it");
            if let Some(report) = meanwhile.filter(|_| !handed) {
                handed = self.hand(report).await;
            }
            if !self.shared.wait(self.shared.options.again_after).await {
                return None;
            }
        }
        self.ledger.apply(record);
        Some(handed)
    }

    fn append(&self, record: Record) -> impl Future<Output = io::Result<()>> + use<> {
        let file = self.file.clone();
        blocking(move || file.lock().unwrap_or_else(PoisonError::into_inner).append(&record))
    }

    /// Hands over the results that are still here; whether all of them were taken.
    pub(super) async fn hand_over(&mut self) -> bool {
        for report in self.ledger.unhanded().cloned().collect::<Vec<_>>() {
            if !self.hand(&report).await {
                return false;
            }
            self.handed(report.item_id).await;
        }
        true
    }

    /// Hands over a result; whether nothing is left to be done for it.
    async fn hand(&mut self, report: &Report) -> bool {
        let (to, item) = (self.ledger.batch.destination(), report.item_id);
        passed("before a result is handed over");
        match caught(self.shared.sink.report_result(&to, report)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error @ HandError::Invalid(_))) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(item.id = %item, error, "a result can never be reported, and is given up");
            }
            Ok(Err(error @ HandError::Unsafe(_))) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(item.id = %item, error, "a result was not taken; it will be handed over again");
                return false;
            }
            Err(words) => {
                tracing::error!(item.id = %item, words, "handing over a result broke off; it is done again");
                return false;
            }
        }
        passed("after a result is handed over");
        true
    }

    /// Writes down that a result is the sink's.
    async fn handed(&mut self, item: ItemId) {
        if let Err(error) = self.append(Record::Handed(item)).await {
            tracing::warn!(item.id = %item, %error, "a hand-over is not written down; it may be done again");
        }
        self.ledger.apply(Record::Handed(item));
    }
}
