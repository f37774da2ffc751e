//! The client: one pool of connections, shared by all destinations.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use robot_callback_core::{Cause, Report, ReportError};

use crate::answer::Delivered;
use crate::attempt;
use crate::destination::Destination;
use crate::failure::{AttemptError, ReportFailure};
use crate::options::ClientOptions;
use crate::retry::{self, Schedule};
use crate::tls;

/// How long an idle connection is kept: less than servers and load balancers do, so that none is used just as it
/// is being closed.
const KEEP_IDLE: Duration = Duration::from_secs(30);

/// Reports results to callback URLs. Make one for the whole robot; clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    options: ClientOptions,
    rng: Arc<Mutex<fastrand::Rng>>,
}

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A deadline leaves no time at all.
    #[error("{0} must be longer than zero")]
    NoTime(&'static str),
    /// The certificates that the machine trusts can't be read. It may have none: Debian's are in the package
    /// `ca-certificates`.
    #[error("TLS could not be set up; has the machine a bundle of trusted certificates?")]
    Tls(#[source] Cause),
    /// The HTTP client can't be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[source] Cause),
}

impl Client {
    /// A client that works by those options.
    ///
    /// # Errors
    /// [`ClientError::NoTime`] when a deadline is zero, [`ClientError::Tls`] on a machine that trusts no
    /// certificates, even if every destination is plain `http`.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        if let Some(name) = options.without_time() {
            return Err(ClientError::NoTime(name));
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config().map_err(ClientError::Tls)?)
            .connect_timeout(options.connect_deadline)
            .pool_idle_timeout(KEEP_IDLE)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Http(error.into()))?;
        let rng = Arc::new(Mutex::new(fastrand::Rng::with_seed(options.seed)));
        Ok(Self { http, options, rng })
    }

    /// Reports a result: checks it, sends it, and sends it again until it is safe or the total deadline is near.
    ///
    /// Dropping the future stops trying. The result may have arrived by then; reporting it again is safe.
    ///
    /// # Errors
    /// A [`ReportFailure`], whose [`try_again`](ReportFailure::try_again) says what to do with the report.
    pub async fn report_result(
        &self,
        destination: &Destination,
        report: &Report,
    ) -> Result<Delivered, ReportFailure> {
        let item_id = report.item_id;
        let body = wire(report).map_err(|cause| ReportFailure { item_id, attempts: 0, wait: None, cause })?;
        let schedule = Schedule::new(&self.options, self.fork_rng());
        let attempt = |within| attempt::send(&self.http, destination, &body, within);
        let delivered = retry::deliver(schedule, item_id, attempt).await?;
        tracing::debug!(item.id = %item_id, verdict = delivered.verdict.map(|v| v.name()), "reported");
        Ok(delivered)
    }

    /// Sends a report once, within the attempt deadline, for a caller with a schedule of its own.
    ///
    /// # Errors
    /// An [`AttemptError`], whose [`try_again`](AttemptError::try_again) says what to do with the report.
    pub async fn try_once(
        &self,
        destination: &Destination,
        report: &Report,
    ) -> Result<Delivered, AttemptError> {
        self.send(destination, &wire(report)?).await
    }

    /// Sends a report's wire form once, within the attempt deadline.
    pub(crate) async fn send(
        &self,
        destination: &Destination,
        body: &[u8],
    ) -> Result<Delivered, AttemptError> {
        attempt::send(&self.http, destination, body, self.options.attempt_deadline).await
    }

    /// A generator for one report, so that reports on their way together don't share their waits.
    fn fork_rng(&self) -> fastrand::Rng {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).fork()
    }
}

/// A report as it goes over the wire, every rule of the callback checked.
fn wire(report: &Report) -> Result<Vec<u8>, AttemptError> {
    let report = report.clone().checked().map_err(AttemptError::Invalid)?;
    serde_json::to_vec(&report).map_err(|error| AttemptError::Invalid(ReportError::Json(error)))
}
