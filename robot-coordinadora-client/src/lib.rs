//! What a robot links to report its results, so that none is lost for lack of trying.
//!
//! A robot that created a shipment and could not say so will create it again. This crate sends each result to the
//! callback URL of its batch, with the secret of its batch, and tries again for as long as trying can help; when it
//! gives up, its error says whether trying again later can.
//!
//! # In ten lines
//! ```no_run
//! use robot_callback_core::{ErrorType, ItemId, Report};
//! use robot_coordinadora_client::{Client, ClientOptions, Destination, TryAgain};
//!
//! # async fn robot(item: ItemId, other: ItemId) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(ClientOptions::default())?; // one for the whole robot: it keeps connections open
//! let crm = Destination::new("https://crm.example.com/api/webhooks/robot-callback", "the batch's secret")?;
//! let delivered = client.report_result(&crm, &Report::success(item, "73150001234")).await?;
//! println!("safe, and it was {:?}", delivered.verdict); // Some(Applied): the first report of that item
//! let refused = Report::error(other, ErrorType::Portal, "Ciudad no cubierta");
//! match client.report_result(&crm, &refused).await {
//!     Err(failure) if failure.try_again() == TryAgain::Later => { /* keep it, and report it again later */ }
//!     result => drop(result?),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The spool in ten lines
//! A robot should not wait for the shop's server, nor lose a result with its own process. A [`Spool`] answers once a
//! result is on the disk, and sends it from there for days, also after a restart:
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//! use robot_callback_core::{ItemId, Report};
//! use robot_coordinadora_client::{Client, ClientOptions, Keyring, MemoryKeyring, NamedDestination, Spool, SpoolOptions};
//!
//! # async fn robot(item: ItemId) -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = Arc::new(MemoryKeyring::new()); // secrets by name: the spool writes names alone to the disk
//! keyring.keep("crm", "the callback secret")?;
//! let client = Client::new(ClientOptions::default())?;
//! let spool = Spool::open("/var/lib/robot/spool", client, keyring, SpoolOptions::default())?;
//! let callback_url = "https://crm.example.com/api/webhooks/robot-callback".to_owned();
//! let crm = NamedDestination { callback_url, secret_name: "crm".to_owned() };
//! spool.report_result(&crm, &Report::success(item, "73150001234")).await?; // safe from here on
//! let left = spool.shutdown(Duration::from_secs(10)).await; // at the end; what is left waits for the next start
//! println!("{} reports wait, {} were refused: {:?}", left.waiting, left.dead, left.stopped);
//! # Ok(())
//! # }
//! ```
//! What can be tried again is, by a schedule of days ([`SpoolOptions`]); what is refused for good is kept as a dead
//! letter ([`Spool::dead_letters`], [`Spool::redrive`]); a destination whose secret is refused is stopped, with all that
//! is meant for it, until somebody acts or one of the reports that are tried every 15 minutes gets through ([`Spool::status`], [`Spool::resume`], [`SpoolOptions::on_alarm`]). Reports on
//! one item are sent in the order in which they were handed over, each after the one before is settled.
//!
//! [`blocking`] has the same for robots without an async runtime.
//!
//! # Sending a report again is safe
//! A deadline that passed, or a connection that broke, leaves open whether the report arrived. The receiver knows
//! an item's result by the item and its attempt: the same report again changes nothing and is answered
//! [`Verdict::Duplicate`](robot_callback_core::Verdict::Duplicate). So whenever in doubt, this crate sends it again,
//! and so may you, also after a restart. Where an item may be re-opened meanwhile, say which attempt the report is on
//! ([`Report::for_attempt`](robot_callback_core::Report::for_attempt), [`BatchOrder::attempt`]): without that it is one on
//! whichever is open when it arrives.
//!
//! # What is tried again
//! | what happened | then |
//! |---|---|
//! | a 2xx whose JSON body says `"received":true` | delivered; the result is durable |
//! | a 2xx with any other body (a captive portal's page, a proxy's) | tried again |
//! | no connection, a broken one, or a deadline that passed | tried again |
//! | 408, 425, 429, 5xx | tried again, not before `Retry-After` |
//! | 401, 403: the secret is refused; 407: a proxy asks for one | [`TryAgain::Reconfigured`] |
//! | 3xx: a redirect, which is never followed | [`TryAgain::Reconfigured`] |
//! | another 4xx that says no `error` of a callback endpoint | [`TryAgain::Reconfigured`]: the URL is another's |
//! | another 4xx that does (no such item, a field breaks a rule) | [`TryAgain::Never`] |
//! | a report that breaks a rule | [`TryAgain::Never`]; it is not even sent |
//!
//! Between tries it waits, longer with every failure and with full jitter, until the total deadline; see
//! [`ClientOptions`]. [`Client::try_once`] is one try without any of that, for whoever has a schedule of its own.
//!
//! # A robot that may be killed at any instant
//! [`Robot`] takes whole batches ([`BatchRequest`]) and works through them over a [`Portal`], which you implement. Every
//! order is reported exactly once, and **no order is submitted twice**: that one is about to be submitted is on the disk
//! before, its result is before it is handed to the [`ReportSink`] (a disk that is full then holds up the next order, not
//! the result of this one). After a restart, an order of which only the first
//! is known is looked up in the portal; where the portal does not give its number, the report says that the shipment
//! may exist, and the order is never submitted again. The feature `door` brings the HTTP door that batches come in by.
//!
//! # Signed instead
//! A receiver that takes signed callbacks (Standard Webhooks) needs no secret sent to it: [`Destination::signed`] holds
//! keys, and each request carries `webhook-id`, `webhook-timestamp` and `webhook-signature` in the secret's place. For
//! the spool, keep them in the keyring under a name that begins with `signing:`, for example
//! `keyring.keep("signing:crm", "whsec_…")`: a report that is sent again days later is signed anew, under the same id.
//!
//! # Where the secret goes
//! To the callback URL and nowhere else: redirects are not followed, proxies named in the environment
//! (`HTTP_PROXY` and the like) are not used, and it shows in no log, no error and no `Debug` output. Over plain `http`
//! everybody on the way can read it: outside of one machine or a private network, use `https`. Certificates are
//! checked against those the machine trusts; on Linux `SSL_CERT_FILE` names others.

mod destination;
mod options;

mod answer;
mod failure;
mod retry_after;

mod attempt;
mod retry;
mod tls;

mod client;

mod keyring;
mod sink;

mod spool;

pub mod blocking;

mod portal;
mod request;

mod batch;
mod journal;

#[cfg(feature = "door")]
mod door;

mod disk;
#[cfg_attr(feature = "steps", doc(hidden))]
#[cfg(feature = "steps")]
pub mod step;
#[cfg(not(feature = "steps"))]
mod step;

pub use answer::{Answer, Delivered};
pub use batch::{AcceptError, Acceptance, MAY_EXIST, Rejection, Robot, RobotError, RobotOptions};
pub use client::{Client, ClientError};
pub use destination::{Destination, DestinationError};
#[cfg(feature = "door")]
pub use door::{CallbackHosts, DoorOptions, HostError, door};
pub use failure::{AttemptError, ReportFailure, TryAgain};
pub use keyring::{FileKeyring, Keyring, MemoryKeyring};
pub use options::ClientOptions;
pub use portal::{Lookup, Portal, PortalError, PortalSession};
pub use request::{BatchOrder, BatchRequest, Credentials, PedidoInput, RequestError};
pub use sink::{HandError, Handed, NamedDestination, ReportSink};
pub use spool::{
    AlarmHook, DeadReport, Spool, SpoolAlarm, SpoolError, SpoolOptions, SpoolStatus, StoppedDestination,
};
