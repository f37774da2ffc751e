//! What the parts of a spool share: the index under its lock, the way to the writer, and whom to wake.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use robot_callback_core::{Clock, SystemClock, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::index::Index;
use super::options::SpoolOptions;
use super::post::Post;
use super::record::{Record, Seq};
use super::segment::Place;
use super::status::SpoolAlarm;
use super::writer::Work;
use crate::disk::Growing;
use crate::keyring::Keyring;

pub(super) struct Shared {
    index: Mutex<Index>,
    pub(super) work: Sender<Work>,
    /// Wakes the sender.
    pub(super) wake: Notify,
    /// Tells whoever flushes that something was settled.
    pub(super) changed: Notify,
    pub(super) post: Arc<dyn Post>,
    pub(super) keyring: Arc<dyn Keyring>,
    pub(super) options: SpoolOptions,
    pub(super) rng: Mutex<fastrand::Rng>,
    pub(super) disk_error: Mutex<Option<String>>,
    /// Nothing is sent any longer.
    pub(super) closed: AtomicBool,
    clock: SteadyClock,
}

/// The time of day when the spool was opened, and what has gone by since: no correction of the machine's clock
/// shortens a wait or draws it out.
#[derive(Clone, Copy, Debug)]
pub(super) struct SteadyClock {
    opened: Timestamp,
    since: Instant,
}

impl SteadyClock {
    pub(super) fn start() -> Self {
        Self { opened: SystemClock.now(), since: Instant::now() }
    }

    pub(super) fn now(self) -> Timestamp {
        self.opened.after(self.since.elapsed())
    }
}

/// Why a record can't be read back.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is no longer there: settled in the meantime.
    Gone,
    /// The disk does not give it just now.
    Disk(io::Error),
    /// The disk gives something else than was written.
    Damaged,
}

impl Shared {
    pub(super) fn new(
        index: Index,
        work: Sender<Work>,
        (post, keyring): (Arc<dyn Post>, Arc<dyn Keyring>),
        options: SpoolOptions,
        clock: SteadyClock,
    ) -> Self {
        let rng = Mutex::new(fastrand::Rng::with_seed(options.seed));
        let (wake, changed, disk_error) = (Notify::new(), Notify::new(), Mutex::new(None));
        let (index, closed) = (Mutex::new(index), AtomicBool::new(false));
        Self { index, work, wake, changed, post, keyring, options, rng, disk_error, closed, clock }
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Until that moment.
    pub(super) fn until(&self, moment: Timestamp) -> Duration {
        moment.since(self.now())
    }

    /// Reads a report's record back. Blocks for the disk.
    pub(super) fn read(&self, seq: Seq) -> Result<Vec<u8>, Unread> {
        let (place, file) = self.whereabouts(seq).map_err(Unread::Disk)?.ok_or(Unread::Gone)?;
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        let frame = file.read(place.at, length).map_err(Unread::Disk)?;
        match Record::of_frame(&frame) {
            Some(Record::Report(spooled)) if spooled.seq == seq => Ok(frame),
            _ => Err(Unread::Damaged),
        }
    }

    /// Where a report's record is, if it is needed.
    pub(super) fn whereabouts(&self, seq: Seq) -> io::Result<Option<(Place, Growing)>> {
        let index = self.index();
        let Some(place) = index.place(seq) else { return Ok(None) };
        Ok(Some((place, index.segments.file(place.segment)?)))
    }

    /// Remembers how the disk is doing, and tells when that changes.
    pub(super) fn disk_said(&self, error: Option<&io::Error>) {
        let mut last = self.disk_error.lock().unwrap_or_else(PoisonError::into_inner);
        match (error, last.is_some()) {
            (Some(error), false) => tracing::error!(%error, "the disk does not take results"),
            (None, true) => tracing::info!("the disk takes results again"),
            _ => {}
        }
        *last = error.map(ToString::to_string);
    }

    /// Puts a record on the disk some time soon. That it gets lost with a crash costs a repetition and no more.
    pub(super) fn note(&self, record: &Record<'_>) {
        // A spool that has been shut down notes nothing.
        record.frame().into_iter().for_each(|frame| drop(self.work.send(Work::Note(frame))));
    }

    pub(super) fn alarm(&self, alarm: &SpoolAlarm) {
        match alarm {
            SpoolAlarm::Stopped { destination, reason } => {
                tracing::error!(
                    ?destination,
                    reason,
                    "a destination is stopped until somebody acts, but for a try every 15 minutes; all is kept"
                );
            }
            SpoolAlarm::Dead { id, destination, reason } => {
                tracing::error!(report.id = id, ?destination, reason, "a report is given up, and kept");
            }
            SpoolAlarm::Damaged { kept_in } => {
                tracing::error!(file = %kept_in.display(), "some bytes of the spool are damaged, and kept there");
            }
        }
        if let Some(hook) = &self.options.on_alarm
            && catch_unwind(AssertUnwindSafe(|| hook(alarm))).is_err()
        {
            tracing::error!("whoever is told of alarms panicked; the spool goes on");
        }
    }

    pub(super) fn damaged(&self, kept_in: PathBuf) {
        self.alarm(&SpoolAlarm::Damaged { kept_in });
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}
