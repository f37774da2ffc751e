//! A robot reports results over HTTP, and none may be lost. This crate applies each result exactly once and
//! announces each completed batch exactly once, whatever dies in between.
//!
//! **The promise, in these words and no stronger:** a 2xx means durable; each result is applied exactly once; each
//! event is recorded exactly once and delivered at least once under a stable id, so a receiver that honours the id
//! acts once.
//!
//! # In ten lines
//! ```
//! use robot_callback_core::{MemoryStore, NewJob, OperatorStore, RecordingEmitter, Secrets, handle_callback};
//! # use robot_callback_core::{Creation, Verdict};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let store = MemoryStore::new();
//! let emitter = RecordingEmitter::new();
//! let secrets = Secrets::new(["current", "previous"]);
//! # let job = br##"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"#1001"}]}"##;
//! # let job = NewJob::from_json(job, None).unwrap();
//! # let item = job.items[0].id;
//! # assert!(matches!(store.create_job(job).await.unwrap(), Creation::Created(_)));
//! let body = format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"73150001234"}}"#);
//! let receipt = handle_callback(&store, &emitter, secrets.presented(Some(b"current")), body.as_bytes()).await;
//! assert_eq!(receipt.unwrap().verdict, Verdict::Applied);
//! assert_eq!(emitter.events().len(), 2); // the order was shipped, and the batch is complete
//! # });
//! ```
//!
//! # The parts
//! [`handle_callback`] is the one door. Behind it stands a [`Store`] ([`MemoryStore`], `SqliteStore`, `PostgresStore`, or your own),
//! which records events together with the state they tell of; a [`Relay`] carries them to an [`Emitter`]. With the
//! feature `http`, `CallbackEndpoint` answers requests of any framework. Features: `sqlite`, `postgres`, `inngest`,
//! `http`, `metrics`, `conformance`, `inngest-loopback`; none is on by default.

mod amount;
mod clock;
mod field;
mod id;
mod object;
mod panicked;
mod whole;

pub mod change;
mod event;
mod job;
mod report;
mod scope;
mod secret;
mod signature;
mod trace;
mod verdict;

mod action;
mod deadline;
mod error;
mod job_request;
mod kept;
mod new_job;
mod operation;
mod outbox;
mod page;
mod query;
mod view;

#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
mod metrics;

mod callback;
mod emitter;
mod store;

mod backoff;
mod delivery;
mod relay;
mod repeats;

#[cfg(feature = "http")]
mod http;

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "http")]
pub use self::http::{CallbackEndpoint, EndpointOptions, Problem};

pub use action::Action;
pub use amount::{Amount, AmountError};
pub use backoff::Backoff;
pub use callback::{CALLBACK_PATH, CallbackError, MAX_BODY, Receipt, SECRET_HEADER, handle_callback};
pub use change::Rules;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use deadline::{Allowance, Deadline};
pub use delivery::Step;
#[cfg(feature = "inngest")]
pub use emitter::inngest;
#[cfg(feature = "inngest-loopback")]
pub use emitter::inngest_loopback;
pub use emitter::{EmitError, Emitter, Failure, LogEmitter, RecordingEmitter};
pub use error::{Cause, StoreError};
pub use event::{CARRIER, Event};
pub use field::FieldError;
pub use id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
pub use job::{Contact, Item, ItemStatus, Job, JobStatus, JobType, Order};
pub use job_request::JobRequestError;
pub use kept::{KeptReport, Resolution};
pub use new_job::{Creation, NewItem, NewJob, NewOrder};
pub use object::Object;
pub use operation::{Actor, Answer, Command, Done, Effect, Objection, Operation};
pub use outbox::{Claim, DeadLetter, Dropped, Entry, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};
pub use page::{Cursor, CursorError, Page, PageRequest};
pub use query::{ActionQuery, ItemQuery, JobQuery, KeptQuery, LetterQuery};
pub use relay::{Relay, RelayEmitter, RelayOptions};
pub use repeats::Repeats;
pub use report::{ErrorType, Outcome, Report, ReportError};
pub use scope::Scope;
pub use secret::{Presented, Secrets};
pub use signature::{
    ID_HEADER, SIGNATURE_HEADER, Signature, SigningKey, SigningKeyError, TIMESTAMP_HEADER, seconds,
};
pub use store::{Applied, MemoryStore, OperatorStore, Store};
#[cfg(feature = "postgres")]
pub use store::{PostgresOptions, PostgresStore, StatementMode};
#[cfg(feature = "sqlite")]
pub use store::{SqliteOptions, SqliteStore};
pub use trace::{TRACEPARENT_HEADER, Traceparent};
pub use verdict::{Verdict, judge};
pub use view::{Discrepancy, ItemView, JobPage, JobView, Recount};
pub use whole::Whole;
