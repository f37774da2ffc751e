//! What whoever runs the robot asks of a spool.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use robot_callback_core::Report;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Spool;
use super::record::{Record, Seq};
use super::shared::{Shared, Unread};
use super::status::{DeadReport, SpoolError, SpoolStatus, StoppedDestination};
use super::writer::{NotWritten, Work};
use crate::sink::NamedDestination;

impl Spool {
    /// How it stands.
    #[must_use]
    pub fn status(&self) -> SpoolStatus {
        let disk_error = self.shared.disk_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let index = self.shared.index();
        let stopped = index.stopped().map(|(to, stopped, waiting)| StoppedDestination {
            destination: NamedDestination::clone(to),
            reason: stopped.reason.clone(),
            waiting,
        });
        let mut stopped: Vec<_> = stopped.collect();
        stopped.sort_by(|one, other| one.destination.cmp(&other.destination));
        SpoolStatus {
            waiting: index.count_waiting(),
            dead: index.count_dead(),
            bytes: index.segments.needed(),
            stopped,
            damaged: self.count_damaged(),
            disk_error,
        }
    }

    /// Waits until every report is delivered or a dead letter, but no longer than `within`, and not for destinations
    /// that are stopped. Says how the spool stands then. Hurries nothing: what is to be tried again tomorrow waits.
    pub async fn flush(&self, within: Duration) -> SpoolStatus {
        drop(timeout(within, self.shared.done()).await);
        // What was settled is settled after a crash, too; if not, it is sent again.
        drop(self.durably(Vec::new()).await);
        self.status()
    }

    /// Flushes, then stops sending and writing and gives the folder back. What is left is sent once the spool is opened
    /// again. Results handed over from now on are not spooled.
    pub async fn shutdown(&self, within: Duration) -> SpoolStatus {
        let status = self.flush(within).await;
        self.close();
        status
    }

    /// The reports that were given up, oldest first.
    ///
    /// # Errors
    /// [`SpoolError::Disk`] when they can't be read.
    pub async fn dead_letters(&self) -> Result<Vec<DeadReport>, SpoolError> {
        let shared = self.shared.clone();
        let read = spawn_blocking(move || shared.dead_letters()).await;
        read.unwrap_or_else(|panicked| Err(io::Error::other(panicked))).map_err(SpoolError::Disk)
    }

    /// Sends dead letters again, from the beginning of the schedule. Says how many of these there were.
    ///
    /// # Errors
    /// [`SpoolError::Disk`] when that can't be written: after a restart some may be dead letters again.
    pub async fn redrive(&self, ids: &[u64]) -> Result<usize, SpoolError> {
        let now = self.shared.now();
        let redriven: Vec<Seq> = {
            let mut index = self.shared.index();
            ids.iter().copied().filter(|seq| index.redrive(*seq, now)).collect()
        };
        self.shared.wake.notify_one();
        self.write_of_each(&redriven, |seq| Record::Again { seq }).await
    }

    /// Lets go of dead letters for good. Says how many of these there were.
    ///
    /// # Errors
    /// [`SpoolError::Disk`] when that can't be written: after a restart some may be there again.
    pub async fn discard(&self, ids: &[u64]) -> Result<usize, SpoolError> {
        let discarded: Vec<Seq> = {
            let mut index = self.shared.index();
            let dead: Vec<_> = ids.iter().copied().filter(|seq| index.is_dead(*seq)).collect();
            dead.iter().for_each(|seq| index.settled(*seq));
            dead
        };
        self.write_of_each(&discarded, |seq| Record::Settled { seq }).await
    }

    /// Sends to a destination again that was stopped.
    pub fn resume(&self, destination: &NamedDestination) {
        self.shared.resume(destination);
    }

    async fn write_of_each(
        &self,
        seqs: &[Seq],
        record: impl Fn(Seq) -> Record<'static>,
    ) -> Result<usize, SpoolError> {
        let frames: Result<Vec<_>, _> = seqs.iter().map(|seq| record(*seq).frame()).collect();
        let frames = frames.map_err(|error| SpoolError::Disk(error.into()))?;
        self.durably(frames.concat()).await.map_err(|not_written| match not_written {
            NotWritten::Closed => SpoolError::Closed,
            other => SpoolError::Disk(io::Error::other(other)),
        })?;
        Ok(seqs.len())
    }

    /// Returns when these records are on the disk, and all that were noted before.
    async fn durably(&self, frames: Vec<u8>) -> Result<(), NotWritten> {
        let (told, hears) = oneshot::channel();
        drop(self.shared.work.send(Work::Durably(frames, told)));
        hears.await.unwrap_or(Err(NotWritten::Closed))
    }
}

impl Shared {
    /// Resolves when nothing waits but for destinations that are stopped.
    async fn done(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_done() {
                return;
            }
            changed.await;
        }
    }

    /// Whether nothing waits but for destinations that are stopped.
    fn is_done(&self) -> bool {
        let index = self.index();
        let held_up: usize = index.stopped().map(|(_, _, waiting)| waiting).sum();
        index.count_waiting() == held_up
    }

    fn dead_letters(self: Arc<Self>) -> io::Result<Vec<DeadReport>> {
        let dead = self.index().dead();
        let letters = dead.into_iter().filter_map(|seq| self.dead_letter(seq).transpose());
        letters.collect()
    }

    /// `None` when it is no dead letter any longer, or damaged.
    fn dead_letter(&self, id: Seq) -> io::Result<Option<DeadReport>> {
        let death = self.index().standing(id).and_then(|standing| standing.death);
        let Some(death) = death else { return Ok(None) };
        let frame = match self.read(id) {
            Ok(frame) => frame,
            Err(Unread::Disk(error)) => return Err(error),
            Err(Unread::Gone) => return Ok(None),
            Err(Unread::Damaged) => {
                drop(self.work.send(Work::Damaged(id)));
                return Ok(None);
            }
        };
        let Some(Record::Report(spooled)) = Record::of_frame(&frame) else { return Ok(None) };
        let report = Report::parse(spooled.report.get().as_bytes()).map_err(io::Error::other)?;
        let destination = spooled.to();
        Ok(Some(DeadReport { id, destination, report, reason: death.reason, at: death.at }))
    }
}
