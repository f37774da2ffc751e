//! The spool: results on the disk until they are delivered.
//!
//! # On the disk
//! A folder of segments, each a file of framed records. What was handed over, and later what became of it, is appended
//! to the newest segment by one thread ([`writer`]), which syncs whole groups at a time. The oldest segment is removed
//! once nothing in it is needed ([`clearing`]). When a spool is opened, all segments are read ([`recovery`]).
//!
//! # In memory
//! An index: where each report is, and how it stands ([`index`], [`lane`]). A task hands out what is due ([`sender`]),
//! and one place decides what becomes of it ([`landing`]).

mod clearing;
mod group;
mod handing;
mod index;
mod landing;
mod lane;
mod log;
mod operator;
mod options;
mod post;
mod record;
mod recovery;
mod schedule;
mod segment;
mod sender;
mod shared;
mod status;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

pub use options::{AlarmHook, SpoolOptions};
pub use status::{DeadReport, SpoolAlarm, SpoolError, SpoolStatus, StoppedDestination};

use self::log::{Log, damaged_folder};
use self::post::Post;
use self::recovery::recover;
use self::shared::{Shared, SteadyClock};
use self::writer::{Work, Writer};
use crate::client::Client;
use crate::disk::{self, FolderLock, Medium, TheDisk};
use crate::keyring::Keyring;

/// Takes results and answers for them: on the disk when [`report_result`](Self::report_result) returns, and sent from
/// there until they are delivered or refused, also after a restart.
///
/// Dropping it stops at once; what it holds stays on the disk, and is sent once it is opened again.
/// [`shutdown`](Self::shutdown) gives it time first.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    shared: Arc<Shared>,
    sender: AbortHandle,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Spool {
    /// Opens the spool in `folder`, and begins to send what it holds. If the folder is not there it is made, so that only
    /// its owner may enter it; one that is there keeps its permissions, and should let in nobody else (`chmod 700`).
    /// Secrets are not in there, but reports are, and callback URLs as they are given, with their queries.
    ///
    /// It reads all the folder holds before it returns. It must be called inside a Tokio runtime, in which it sends.
    ///
    /// # Errors
    /// [`SpoolError::InUse`] when another process has the folder (it is free once that process is dead, however it
    /// died), [`SpoolError::Disk`] when it can't be worked with, or when a file of it can't be read just now: that one is
    /// named and stays as it is, since it may be whole (for good, by a broken disk for instance, it takes somebody to
    /// move it away), [`SpoolError::Version`] when a newer version wrote it, [`SpoolError::NoRuntime`],
    /// [`SpoolError::Thread`]. Damage is no error: what is read and is not what was written is moved into the folder
    /// `damaged` and told.
    pub fn open(
        folder: impl Into<PathBuf>,
        client: Client,
        keyring: Arc<dyn Keyring>,
        options: SpoolOptions,
    ) -> Result<Self, SpoolError> {
        Self::open_with(folder.into(), Arc::new(client), keyring, options, Arc::new(TheDisk))
    }

    fn open_with(
        folder: PathBuf,
        post: Arc<dyn Post>,
        keyring: Arc<dyn Keyring>,
        options: SpoolOptions,
        medium: Arc<dyn Medium>,
    ) -> Result<Self, SpoolError> {
        let runtime = Handle::try_current().map_err(|_| SpoolError::NoRuntime)?;
        let lock = take(&folder)?;
        let clock = SteadyClock::start();
        let latest = clock.now().after(schedule::longest(&options).mul_f64(1.2));
        let found = recover(&folder, clock.now(), latest)?;
        let log = Log::new(&folder, lock, medium, found.next, options.segment_bytes);
        // What is good in segments with damage is written anew, so that the damage is told once.
        let rewrite = !found.damage.is_empty() && found.all_kept;
        let segments = if rewrite { found.index.segments.numbers() } else { Vec::new() };
        let (work, queue) = mpsc::channel();
        let shared = Arc::new(Shared::new(found.index, work, (post, keyring), options, clock));
        found.damage.into_iter().for_each(|kept_in| shared.damaged(kept_in));
        let writer = Writer { log, shared: shared.clone(), untidy: false };
        let thread = thread::Builder::new().name("spool-writer".into());
        let thread = thread.spawn(move || writer.run(&queue, &segments)).map_err(SpoolError::Thread)?;
        let sender = runtime.spawn(sender::run(shared.clone())).abort_handle();
        Ok(Self { folder, shared, sender, writer: Mutex::new(Some(thread)) })
    }

    /// Stops sending and writing, and gives the folder back.
    fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.sender.abort();
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(self.shared.work.send(Work::Stop));
            drop(thread.join()); // a writer that panicked has said so
        }
    }

    /// How many damaged stretches lie in their folder.
    fn count_damaged(&self) -> usize {
        std::fs::read_dir(damaged_folder(&self.folder)).map_or(0, Iterator::count)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes the folder for this process alone.
fn take(folder: &std::path::Path) -> Result<FolderLock, SpoolError> {
    disk::make_folder(folder).map_err(SpoolError::Disk)?;
    FolderLock::take(folder).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => SpoolError::InUse(folder.to_owned()),
        _ => SpoolError::Disk(error),
    })
}

#[cfg(test)]
mod tests;
