//! The robot: takes batches, works through them in the background, and reports every order exactly once, whatever dies
//! in between.
//!
//! What it may do next is always on the disk first: see `journal.rs`. Where an order may have been submitted and
//! nobody can tell, it says so in its report and never submits it again.

mod acceptance;
mod calls;
mod desk;
mod options;
mod reports;
mod session;
mod work;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{Cause, Report};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

pub use self::acceptance::{AcceptError, Acceptance, Rejection, RobotError};
use self::desk::Desk;
pub use self::options::RobotOptions;
pub use self::reports::MAY_EXIST;
use self::work::Work;
use crate::journal::{Batch, Journal, Journaled, Standing, credentials_name};
use crate::keyring::Keyring;
use crate::portal::Portal;
use crate::request::{BatchOrder, BatchRequest, RequestError};
use crate::sink::ReportSink;
use crate::step::passed;

/// A robot at work. Clones share everything; dropping them does not stop it, [`shutdown`](Self::shutdown) does.
#[derive(Clone)]
pub struct Robot {
    shared: Arc<Shared>,
}

/// What all batches share.
struct Shared {
    options: RobotOptions,
    portal: Arc<dyn Portal>,
    sink: Arc<dyn ReportSink>,
    keyring: Arc<dyn Keyring>,
    journal: Journal,
    desk: Desk,
    /// One request is decided on at a time.
    deciding: tokio::sync::Mutex<()>,
    stopping: watch::Sender<bool>,
    at_work: Arc<watch::Sender<usize>>,
}

impl Robot {
    /// Opens the journal, and goes on with the batches that had not ended when its last process did.
    ///
    /// `sink` takes the results, and must keep its promise that they are safe; `keyring` keeps the secrets of batches.
    /// With a keyring that a restart empties, the orders that were still waiting are reported as a failed login.
    ///
    /// # Errors
    /// [`RobotError::Taken`] when another process works in the folder, [`RobotError::Journal`] when it can't be read or
    /// written. A batch that can't be read is named in there: the robot does not run without it, since its orders could be
    /// submitted once more by another batch. Nothing is lost; start it again once the disk gives the file.
    pub async fn start(
        options: RobotOptions,
        portal: Arc<dyn Portal>,
        sink: Arc<dyn ReportSink>,
        keyring: Arc<dyn Keyring>,
    ) -> Result<Self, RobotError> {
        let (folder, kept) = (options.folder.clone(), keyring.clone());
        let open = move || Journal::open(&folder, |job| kept.forget(&credentials_name(job)));
        let (journal, unended) = blocking(open).await.map_err(RobotError::of_folder)?;
        let (desk, deciding) = (Desk::default(), tokio::sync::Mutex::default());
        let (stopping, at_work) = (watch::Sender::new(false), Arc::new(watch::Sender::new(0)));
        let shared =
            Arc::new(Shared { options, portal, sink, keyring, journal, desk, deciding, stopping, at_work });
        for journaled in unended {
            tracing::info!(job.id = %journaled.ledger.batch.job_id, "a batch goes on");
            shared.clone().spawn(journaled);
        }
        Ok(Self { shared })
    }

    /// Takes a batch, or says why not. What is accepted is on the disk before this returns, and is worked on in the
    /// background; dropping the future changes nothing of that.
    ///
    /// # Errors
    /// An [`AcceptError`]: nothing was accepted, and the same request may be sent again.
    pub async fn accept(&self, request: BatchRequest) -> Result<Acceptance, AcceptError> {
        let shared = self.shared.clone();
        let accepting = tokio::spawn(async move { shared.accept(request).await });
        accepting.await.unwrap_or_else(|error| Err(AcceptError::NotKept(error.into())))
    }

    /// Resolves when no batch is in process, and every result is the sink's.
    pub async fn idle(&self) {
        let mut at_work = self.shared.at_work.subscribe();
        drop(at_work.wait_for(|batches| *batches == 0).await);
    }

    /// Stops: the orders that are being created end, their results are handed over if that goes at once, sessions
    /// are closed. Everything else goes on at the next start.
    pub async fn shutdown(&self) {
        self.shared.stopping.send_replace(true);
        drop(self.shared.deciding.lock().await);
        self.idle().await;
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits so long; false, and at once, when the robot is to stop.
    async fn wait(&self, span: Duration) -> bool {
        let mut stopping = self.stopping.subscribe();
        !self.is_stopping()
            && tokio::time::timeout(span, stopping.wait_for(|stopping| *stopping)).await.is_err()
    }

    async fn accept(self: Arc<Self>, request: BatchRequest) -> Result<Acceptance, AcceptError> {
        let _turn = self.deciding.lock().await;
        if self.is_stopping() {
            return Err(AcceptError::Stopping);
        }
        if let Err(error) = request.check() {
            return Ok(Acceptance::Rejected(error.into()));
        }
        match self.journal.standing(request.job_id) {
            Some(Standing::Accepted) => return Ok(Acceptance::AlreadyAccepted),
            Some(Standing::Rejected) => return Ok(Acceptance::Rejected(Rejection::NoCity)),
            None => {}
        }
        let Some(secret_name) = self.secret_name(&request) else {
            return Ok(Acceptance::Rejected(RequestError::required("callbackSecret").into()));
        };
        let rejected = request.orders.iter().all(|order| order.lacks_city());
        if !rejected && self.desk.is_busy(request.workspace_id) {
            return Ok(Acceptance::Busy);
        }
        let results = self.results_beforehand(&request);
        let journaled =
            self.keep(request, secret_name, rejected, results).await.map_err(AcceptError::NotKept)?;
        self.clone().spawn(journaled);
        Ok(if rejected { Acceptance::Rejected(Rejection::NoCity) } else { Acceptance::Accepted })
    }

    /// The name of the batch's secret, or else of the robot's. Batches with the same secret share a name: it is
    /// needed for as long as a result waits in the sink, which may be long after the batch.
    fn secret_name(&self, request: &BatchRequest) -> Option<String> {
        let Some(secret) = &request.callback_secret else { return self.options.callback_secret_name.clone() };
        let digest: String =
            Sha256::digest(secret).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(format!("callback:{digest}"))
    }

    /// The orders that are not even tried: no city, or in process already, elsewhere or further up.
    fn results_beforehand(&self, request: &BatchRequest) -> Vec<Report> {
        let mut seen = BTreeSet::new();
        let result = |order: &BatchOrder| {
            if order.lacks_city() {
                return Some(reports::no_city(order.item_id));
            }
            let in_process = self.desk.holds(order.order_id) || !seen.insert(order.order_id);
            in_process.then(|| reports::in_process(order.item_id))
        };
        request.orders.iter().filter_map(result).collect()
    }

    /// Puts the secrets into the keyring and the rest into the journal.
    async fn keep(
        self: &Arc<Self>,
        request: BatchRequest,
        secret_name: String,
        rejected: bool,
        results: Vec<Report>,
    ) -> Result<Journaled, Cause> {
        let shared = self.clone();
        let keep = move || {
            let BatchRequest { workspace_id, credentials, callback_url, callback_secret, job_id, orders } =
                request;
            if let Some(secret) = callback_secret {
                shared.keyring.keep(&secret_name, &secret)?;
            }
            let name = credentials_name(job_id);
            if !rejected {
                shared.journal.announce(job_id)?;
                shared.keyring.keep(&name, &serde_json::to_string(&credentials)?)?;
            }
            passed("after the secrets of a batch are kept");
            let batch = Batch { workspace_id, job_id, callback_url, secret_name, rejected, orders };
            shared.journal.begin(batch, &results).inspect_err(|_| shared.keyring.forget(&name))
        };
        Ok(blocking(keep).await?)
    }

    fn spawn(self: Arc<Self>, journaled: Journaled) {
        let at_work = AtWork::new(self.at_work.clone());
        let held = self.desk.take(&journaled.ledger);
        let work = Work::new(self, journaled, held);
        tokio::spawn(async move {
            work.run().await;
            drop(at_work);
        });
    }
}

/// A batch in process, until dropped. Holds nothing of what the robot holds: once no batch is in process, the folder is
/// free as soon as the robot is dropped.
struct AtWork(Arc<watch::Sender<usize>>);

impl AtWork {
    fn new(batches: Arc<watch::Sender<usize>>) -> Self {
        batches.send_modify(|batches| *batches += 1);
        Self(batches)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.send_modify(|batches| *batches -= 1);
    }
}

/// Does on another thread what waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

impl fmt::Debug for Robot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Robot").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
