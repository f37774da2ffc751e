//! The same for robots without an async runtime: each call returns when it is done.
//!
//! Requests are driven by a thread of its own, with a runtime of its own; a [`Spool`] sends from there while the robot
//! does other things. The types may be shared between threads. Inside async code use those of the crate's root: a call
//! from there would hold up everything else on its thread, and panics.
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//! use robot_callback_core::{ItemId, Report};
//! use robot_coordinadora_client::{Client, ClientOptions, Keyring, MemoryKeyring, NamedDestination, SpoolOptions, blocking};
//!
//! # fn robot(item: ItemId) -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Arc::new(MemoryKeyring::new());
//! keyring.keep("crm", "the callback secret")?;
//! let client = Client::new(ClientOptions::default())?;
//! let spool = blocking::Spool::open("/var/lib/robot/spool", client, keyring, SpoolOptions::default())?;
//! let callback_url = "https://crm.example.com/api/webhooks/robot-callback".to_owned();
//! let crm = NamedDestination { callback_url, secret_name: "crm".to_owned() };
//! spool.report_result(&crm, &Report::success(item, "73150001234"))?; // safe from here on
//! spool.shutdown(Duration::from_secs(10));
//! # Ok(())
//! # }
//! ```

mod runtime;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::Report;

use self::runtime::Runtime;
use crate::answer::Delivered;
use crate::client::ClientError;
use crate::destination::Destination;
use crate::failure::ReportFailure;
use crate::keyring::Keyring;
use crate::options::ClientOptions;
use crate::sink::{HandError, Handed, NamedDestination};
use crate::spool::{DeadReport, SpoolError, SpoolOptions, SpoolStatus};

/// A [`Client`](crate::Client) whose calls block.
#[derive(Debug)]
pub struct Client {
    client: crate::Client,
    runtime: Runtime,
}

impl Client {
    /// A client that works by those options.
    ///
    /// # Errors
    /// As of [`Client::new`](crate::Client::new); [`ClientError::Http`] also when its thread can't be started.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let client = crate::Client::new(options)?;
        let runtime = Runtime::start().map_err(|error| ClientError::Http(error.into()))?;
        Ok(Self { client, runtime })
    }

    /// Reports a result; see [`Client::report_result`](crate::Client::report_result).
    ///
    /// # Errors
    /// A [`ReportFailure`], whose [`try_again`](ReportFailure::try_again) says what to do with the report.
    pub fn report_result(&self, to: &Destination, report: &Report) -> Result<Delivered, ReportFailure> {
        self.runtime.run(self.client.report_result(to, report))
    }
}

/// A [`Spool`](crate::Spool) whose calls block.
#[derive(Debug)]
pub struct Spool {
    // In this order: the spool ends before what drives it.
    spool: crate::Spool,
    runtime: Runtime,
}

impl Spool {
    /// Opens the spool in `folder`; see [`Spool::open`](crate::Spool::open).
    ///
    /// # Errors
    /// As there; [`SpoolError::Thread`] also when its thread can't be started.
    pub fn open(
        folder: impl Into<PathBuf>,
        client: crate::Client,
        keyring: Arc<dyn Keyring>,
        options: SpoolOptions,
    ) -> Result<Self, SpoolError> {
        let runtime = Runtime::start().map_err(SpoolError::Thread)?;
        let spool = runtime.enter(|| crate::Spool::open(folder, client, keyring, options))?;
        Ok(Self { spool, runtime })
    }

    /// Hands over a result; see [`Spool::report_result`](crate::Spool::report_result).
    ///
    /// # Errors
    /// A [`HandError`]: the result is not safe.
    pub fn report_result(&self, to: &NamedDestination, report: &Report) -> Result<Handed, HandError> {
        self.runtime.run(self.spool.report_result(to, report))
    }

    /// Waits until all is settled that can be; see [`Spool::flush`](crate::Spool::flush).
    pub fn flush(&self, within: Duration) -> SpoolStatus {
        self.runtime.run(self.spool.flush(within))
    }

    /// Flushes, and stops; see [`Spool::shutdown`](crate::Spool::shutdown).
    pub fn shutdown(&self, within: Duration) -> SpoolStatus {
        self.runtime.run(self.spool.shutdown(within))
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> SpoolStatus {
        self.spool.status()
    }

    /// The reports that were given up, oldest first.
    ///
    /// # Errors
    /// [`SpoolError::Disk`] when they can't be read.
    pub fn dead_letters(&self) -> Result<Vec<DeadReport>, SpoolError> {
        self.runtime.run(self.spool.dead_letters())
    }

    /// Sends dead letters again; see [`Spool::redrive`](crate::Spool::redrive).
    ///
    /// # Errors
    /// As there.
    pub fn redrive(&self, ids: &[u64]) -> Result<usize, SpoolError> {
        self.runtime.run(self.spool.redrive(ids))
    }

    /// Lets go of dead letters; see [`Spool::discard`](crate::Spool::discard).
    ///
    /// # Errors
    /// As there.
    pub fn discard(&self, ids: &[u64]) -> Result<usize, SpoolError> {
        self.runtime.run(self.spool.discard(ids))
    }

    /// Sends to a destination again that was stopped.
    pub fn resume(&self, destination: &NamedDestination) {
        self.spool.resume(destination);
    }
}
