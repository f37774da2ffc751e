//! The one thread that writes, and its group commit: what has queued up while the last group was being synced is
//! appended together and synced once, and only then is everybody told.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::group::{Group, Handover};
use super::log::{End, Log};
use super::record::Seq;
use super::segment::Number;
use super::shared::Shared;

/// The most pieces of work in one group. A bound on the wait of the first of them, not a target.
pub(super) const GROUP: usize = 512;
/// How long something that nobody waits for stays unsynced.
const LINGER: Duration = Duration::from_secs(1);

/// Something to write.
#[derive(Debug)]
pub(super) enum Work {
    /// A report that is handed over, and whom to tell when it is safe.
    Add(Box<Handover>),
    /// A record in its frame, of which nobody needs to hear.
    Note(Vec<u8>),
    /// Records in their frames, and whom to tell when they are safe. All that came before is safe then, too.
    Durably(Vec<u8>, Told),
    /// A report whose record is damaged.
    Damaged(Seq),
    /// Write what came before, and end.
    Stop,
}

/// Whom to tell that something is on the disk, or why it is not.
pub(super) type Told = oneshot::Sender<Result<(), NotWritten>>;

/// Why something is not on the disk.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("the spool is full: its reports take {taken} of {most} bytes")]
    Full { taken: u64, most: u64 },
    #[error("the disk did not take it ({0})")]
    Disk(Arc<io::Error>),
    #[error("the spool was shut down")]
    Closed,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) shared: Arc<Shared>,
    /// Whether clearing away failed the last time: that is told once.
    pub(super) untidy: bool,
}

impl Writer {
    /// Writes until it is stopped. First clears away the segments named.
    pub(super) fn run(mut self, queue: &Receiver<Work>, damaged: &[Number]) {
        self.clear_all(damaged);
        while let Some(first) = self.first(queue) {
            let waiting = std::iter::once(first).chain(queue.try_iter().take(GROUP - 1));
            let mut stop = false;
            let go_on = |work: &Work| {
                stop = matches!(work, Work::Stop);
                !stop
            };
            let works: Vec<_> = waiting.take_while(go_on).collect();
            self.write(works);
            self.tidy();
            if stop {
                break;
            }
        }
        self.sync();
    }

    /// Waits for work. What has lingered unsynced for long enough is synced first, however much work there is.
    fn first(&mut self, queue: &Receiver<Work>) -> Option<Work> {
        if let Some(since) = self.log.dirty {
            let left = LINGER.saturating_sub(since.elapsed());
            let waited =
                if left.is_zero() { Err(RecvTimeoutError::Timeout) } else { queue.recv_timeout(left) };
            match waited {
                Ok(work) => return Some(work),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.sync(),
            }
        }
        queue.recv().ok()
    }

    fn sync(&mut self) {
        if self.log.dirty.is_some() {
            let synced = self.log.sync();
            self.heard(&synced.map_err(Arc::new));
        }
    }

    fn write(&mut self, works: Vec<Work>) {
        let mut group = Group::new(&self.shared);
        let mut damaged = Vec::new();
        let room = self.room(&works);
        for work in works {
            match work {
                Work::Add(handover) => group.add(self.log.number(), *handover),
                Work::Note(frame) => group.note(&frame),
                Work::Durably(frames, told) => group.durably(&frames, told),
                Work::Damaged(seq) => damaged.push(seq),
                Work::Stop => {}
            }
        }
        let written = room.and_then(|end| self.append(&group, end)).map_err(Arc::new);
        self.heard(&written);
        if written.is_err() {
            self.free();
        }
        group.tell(&self.shared, written);
        for seq in damaged {
            if let Err(error) = self.put_aside(seq) {
                tracing::error!(%error, "a damaged report of the spool could not be moved; it stays where it is");
            }
        }
    }

    /// Makes room, if something is going to be appended.
    fn room(&mut self, works: &[Work]) -> io::Result<Option<End>> {
        let appends = |work: &Work| match work {
            Work::Add(_) | Work::Note(_) => true,
            Work::Durably(frames, _) => !frames.is_empty(),
            Work::Damaged(_) | Work::Stop => false,
        };
        if works.iter().any(appends) { self.begin().map(Some) } else { Ok(None) }
    }

    /// Makes room for something to be appended, and says where.
    pub(super) fn begin(&mut self) -> io::Result<End> {
        if let Some((number, file, bytes)) = self.log.make_room()? {
            self.shared.index().segments.add(number, file, bytes);
        }
        self.log.end()
    }

    fn append(&mut self, group: &Group, end: Option<End>) -> io::Result<Option<End>> {
        match end {
            Some(_) => self.log.append(group.bytes(), group.is_awaited())?,
            None if group.is_awaited() && self.log.dirty.is_some() => self.log.sync()?,
            None => {}
        }
        Ok(end)
    }

    /// Ends the newest segment if it is the only one and nothing in it is needed: removed, it leaves the disk some room.
    fn free(&mut self) {
        let oldest = self.shared.index().segments.oldest();
        if let Some((number, false)) = oldest
            && self.log.grows(number)
        {
            self.log.end_newest();
        }
    }

    /// Remembers how the disk is doing.
    fn heard<T>(&self, written: &Result<T, Arc<io::Error>>) {
        self.shared.disk_said(written.as_ref().err().map(|error| &**error));
    }
}

#[cfg(test)]
mod tests;
