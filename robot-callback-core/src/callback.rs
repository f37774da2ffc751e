//! The door: authenticate, parse, apply, announce.

use std::future::poll_fn;
use std::pin::pin;

use crate::emitter::Emitter;
use crate::error::{StoreError, chain};
use crate::id::{ItemId, JobId};
use crate::metrics::{self, Start};
use crate::panicked::polled;
use crate::report::{Report, ReportError};
use crate::secret::Presented;
use crate::store::{Applied, Store};
use crate::trace::Traceparent;
use crate::verdict::Verdict;

/// Where callbacks are sent: the path of their HTTP endpoint.
pub const CALLBACK_PATH: &str = "/api/webhooks/robot-callback";

/// The header that carries the callback secret.
pub const SECRET_HEADER: &str = "x-callback-secret";

/// The largest body a callback may have, in bytes: 16 KiB.
pub const MAX_BODY: usize = 16 * 1024;

/// Proof that a callback's result is durable, whatever dies the instant after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What the callback did.
    pub verdict: Verdict,
    /// The item reported on.
    pub item_id: ItemId,
    /// Its job.
    pub job_id: JobId,
    /// The item's attempt, counted from 1.
    pub attempt: u32,
    /// Whether this callback completed the job's run.
    pub completed: bool,
    /// Whether a shipped item's order was gone, or belonged to another workspace: nothing but the item was
    /// recorded, and no event left for it.
    pub order_missing: bool,
}

/// Why a callback was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The secret is absent or wrong, or none is configured; nor is there a signature that fits.
    #[error("the callback secret is absent or wrong")]
    Unauthorized,
    /// The body is over [`MAX_BODY`].
    #[error("the body is over {MAX_BODY} bytes")]
    TooLarge,
    /// The body is not a report.
    #[error(transparent)]
    Invalid(#[from] ReportError),
    /// There is no such item, or it is beyond the presented secret's [`Scope`](crate::Scope).
    #[error("there is no such item")]
    UnknownItem,
    /// The store could not say that the result is durable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Handles one callback: the only way in.
///
/// `secret` is what the caller presented, together with the secrets that are valid
/// ([`Secrets::presented`](crate::Secrets::presented)); `payload` is the body as it came. When this returns a
/// [`Receipt`], the result is durable. Events it caused are in the outbox by then; `emitter` sends them in line, or
/// wakes a [`Relay`](crate::Relay). That it fails, or panics, is no failure of the callback: the events wait in the
/// outbox. One that sends in line is waited for, however long it takes; a relay's takes no time.
///
/// Events carry on the [trace](crate::Traceparent::scope) that this runs in. The current `tracing` span, where it has
/// the fields `item.id`, `job.id` and `verdict`, has them filled in.
///
/// Dropping the future is harmless: the result is applied as a whole or not at all.
///
/// # Errors
/// Each [`CallbackError`] in the order of the work: secret, size, payload, item, store. With a store that is
/// [unavailable](StoreError::is_transient) the outcome may be unknown; sending the callback again is safe.
pub async fn handle_callback(
    store: &dyn Store,
    emitter: &dyn Emitter,
    secret: Presented<'_>,
    payload: &[u8],
) -> Result<Receipt, CallbackError> {
    let Taken { receipt, eventful } = take(store, secret, payload).await?;
    if eventful {
        announce(store, emitter).await;
    }
    Ok(receipt)
}

/// A callback whose result is durable.
pub(crate) struct Taken {
    pub(crate) receipt: Receipt,
    /// Whether it recorded events, which nobody was told yet.
    pub(crate) eventful: bool,
}

/// All that a receipt promises.
pub(crate) async fn take(
    store: &dyn Store,
    secret: Presented<'_>,
    payload: &[u8],
) -> Result<Taken, CallbackError> {
    let start = Start::now();
    let taken = apply(store, secret, payload).await;
    metrics::handled(start, taken.as_ref().err());
    taken
}

async fn apply(store: &dyn Store, secret: Presented<'_>, payload: &[u8]) -> Result<Taken, CallbackError> {
    let report = admit(secret, payload)?.traced(Traceparent::current());
    let (item_id, outcome) = (report.item_id, report.outcome);
    let start = Start::now();
    let applied = store.apply(report).await;
    metrics::applied(start);
    let applied = match applied {
        Ok(applied) => applied.ok_or(CallbackError::UnknownItem)?,
        Err(error) => {
            tracing::error!(item.id = %item_id, error = chain(&error), "a result could not be recorded");
            return Err(error.into());
        }
    };
    log(item_id, outcome.name(), &applied);
    note(item_id, &applied);
    metrics::taken(outcome, &applied);
    let Applied { verdict, job_id, attempt, completed, order_missing, events } = applied;
    let receipt = Receipt { verdict, item_id, job_id, attempt, completed, order_missing };
    Ok(Taken { receipt, eventful: events > 0 })
}

/// Tells the emitter. Its panic stays here.
pub(crate) async fn announce(store: &dyn Store, emitter: &dyn Emitter) {
    let mut announcing = pin!(async { emitter.announce(store).await });
    if let Err(panic) = poll_fn(|cx| polled(announcing.as_mut(), cx)).await {
        tracing::error!(error = %panic, "the emitter broke its contract; events wait in the outbox");
    }
}

/// Tells the caller's span, if it has fields for it, what the request was about.
fn note(item: ItemId, applied: &Applied) {
    let span = tracing::Span::current();
    if !["item.id", "job.id", "verdict"].into_iter().any(|field| span.has_field(field)) {
        return;
    }
    tracing::record_all!(span, item.id = %item, job.id = %applied.job_id, verdict = applied.verdict.name());
}

/// What is decided before any store is asked.
fn admit(secret: Presented<'_>, payload: &[u8]) -> Result<Report, CallbackError> {
    if !secret.is_plausible() {
        return Err(CallbackError::Unauthorized);
    }
    if payload.len() > MAX_BODY {
        return Err(CallbackError::TooLarge);
    }
    let scope = secret.scope(payload).ok_or(CallbackError::Unauthorized)?;
    Ok(Report::parse(payload)?.within(scope))
}

fn log(item: ItemId, outcome: &str, applied: &Applied) {
    let Applied { verdict, job_id, attempt, completed, order_missing, .. } = *applied;
    let verdict = verdict.name();
    match applied.verdict {
        Verdict::Applied | Verdict::Duplicate => {
            tracing::info!(item.id = %item, job.id = %job_id, attempt, outcome, verdict, completed, "callback");
        }
        Verdict::Conflict | Verdict::Late | Verdict::Stale => {
            tracing::warn!(item.id = %item, job.id = %job_id, attempt, outcome, verdict, "callback out of line");
        }
    }
    if order_missing {
        tracing::warn!(item.id = %item, job.id = %job_id, "shipped, but the order is gone");
    }
}
