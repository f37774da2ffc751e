//! The callback endpoint over the `http` crate's types: one method that answers a request of any framework.
//!
//! It owns the order of the work (method, secret, size, content type, body, callback) and the answers. Where the
//! endpoint is mounted, how connections are kept and how long their heads may take is the server's business.

mod announcement;
mod body;
mod finishing;
mod problem;
mod proof;
mod refusal;

use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ::http::header::{CONNECTION, CONTENT_TYPE};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body::Body;
use http_body_util::Full;

use self::announcement::Announcement;
use self::body::{Announced, Failure};
use self::finishing::Finishing;
pub use self::problem::Problem;
use self::proof::Proof;
use self::refusal::Refusal;
use crate::callback::{self, CallbackError, Receipt, Taken};
use crate::clock::{Clock, SystemClock};
use crate::emitter::Emitter;
use crate::metrics;
use crate::secret::Secrets;
use crate::store::Store;
use crate::trace::{TRACEPARENT_HEADER, Traceparent};
use crate::verdict::Verdict;

/// How an endpoint works. The defaults suit a robot on the far side of the internet.
#[derive(Clone, Copy, Debug)]
pub struct EndpointOptions {
    /// How long a body may take to arrive, all of it. Whoever trickles it is answered 408. Default: 10 seconds.
    pub body_deadline: Duration,
    /// How long the store may take to record a result before the caller is answered 503; the work goes on behind
    /// that answer, and the caller's next try finds out. Default: 10 seconds.
    pub store_deadline: Duration,
    /// What a 503 asks the caller to wait (`Retry-After`), rounded up to whole seconds. Default: 2 seconds.
    pub retry_after: Duration,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            body_deadline: Duration::from_secs(10),
            store_deadline: Duration::from_secs(10),
            retry_after: Duration::from_secs(2),
        }
    }
}

/// Answers callbacks over HTTP. Cheap to clone; clones share everything, the secrets included.
///
/// Mount [`respond`](Self::respond) at [`CALLBACK_PATH`](crate::CALLBACK_PATH), for every method:
///
/// ```
/// use std::sync::Arc;
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use robot_callback_core::{CallbackEndpoint, LogEmitter, MemoryStore, Secrets};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let (store, emitter) = (Arc::new(MemoryStore::new()), Arc::new(LogEmitter));
/// let endpoint = CallbackEndpoint::new(store, emitter, Secrets::new(["the callback secret"]));
/// // In the framework's handler, with the request as it came:
/// let request = http::Request::post("/api/webhooks/robot-callback").body(Full::<Bytes>::default()).unwrap();
/// let response = endpoint.respond(request).await;
/// assert_eq!(response.status(), 401, "it brought no secret");
/// # });
/// ```
///
/// Once a result is recorded, its answer is 200, whatever becomes of the events. Where no relay runs they are sent in
/// line: the answer waits for that, but no longer than a second; what takes longer goes on behind it.
///
/// Needs a Tokio runtime with its timer on: when the caller hangs up, work that was begun ends in a task of its own.
#[derive(Clone)]
pub struct CallbackEndpoint {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    emitter: Arc<dyn Emitter>,
    secrets: RwLock<Arc<Secrets>>,
    options: EndpointOptions,
}

impl CallbackEndpoint {
    /// An endpoint with the default options. `emitter` is told after a callback has recorded events: a
    /// [`Relay`](crate::Relay)'s [emitter](crate::Relay::emitter) where a relay runs.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, emitter: Arc<dyn Emitter>, secrets: Secrets) -> Self {
        Self::with_options(store, emitter, secrets, EndpointOptions::default())
    }

    /// An endpoint with options of its own.
    #[must_use]
    pub fn with_options(
        store: Arc<dyn Store>,
        emitter: Arc<dyn Emitter>,
        secrets: Secrets,
        options: EndpointOptions,
    ) -> Self {
        let secrets = RwLock::new(Arc::new(secrets));
        Self { shared: Arc::new(Shared { store, emitter, secrets, options }) }
    }

    /// From the next request on, these secrets and no others are valid.
    pub fn set_secrets(&self, secrets: Secrets) {
        *self.shared.secrets.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }

    /// Answers one request; the path is not looked at. No byte of the body is read before the secret has been
    /// checked (or the time of a signature, which only the body can prove).
    ///
    /// When the request is refused for its head alone, its body is never looked at. Up to 64 KiB that are declared and
    /// have arrived with the head are discarded, so that the connection can serve on; nothing is waited for. Otherwise
    /// the answer asks for the connection to be closed, where the body would have to be read to keep it.
    ///
    /// A 200 is a promise: the result is durable, and a future dropped halfway (the caller hung up) changes
    /// nothing about that.
    pub fn respond<B>(
        &self,
        request: Request<B>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send + use<B>
    where
        B: Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let endpoint = self.clone();
        let (head, body) = request.into_parts();
        let proof = Proof::of(&head.headers, self.secrets(), SystemClock.now());
        let (admitted, announced) = (admit(&head, &proof, &body), Announced::of(&head, &body));
        let trace = trace(&head.headers);
        // The head ends here: thousands of requests may wait for the store, and it is the largest part of them.
        async move {
            let (refusal, unread) = match admitted {
                Ok(()) => match endpoint.receive(body).await {
                    Ok(payload) => return endpoint.taken(endpoint.begun(proof, trace, payload)).await,
                    Err(refusal) => (refusal, announced.comes()),
                },
                Err(refusal) => (refusal, announced.comes() && !announced.discarded(body).await),
            };
            endpoint.unheard(&refusal, unread)
        }
    }

    fn secrets(&self) -> Arc<Secrets> {
        self.shared.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, refusal: &Refusal) -> Response<Full<Bytes>> {
        refusal.response(self.shared.options.retry_after)
    }

    /// The answer to a request whose payload was not taken.
    fn unheard(&self, refusal: &Refusal, unread: bool) -> Response<Full<Bytes>> {
        if let Refusal::Callback(error) = refusal {
            metrics::refused(error);
        }
        let mut response = self.refuse(refusal);
        if unread {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The payload of a request that may deliver one.
    async fn receive(&self, body: impl Body<Error: Into<Failure>>) -> Result<Vec<u8>, Refusal> {
        let reading = tokio::time::timeout(self.shared.options.body_deadline, body::read(body));
        reading.await.unwrap_or(Err(Refusal::BodyLate))
    }

    /// The handling of a payload that has come.
    fn begun(&self, proof: Proof, trace: Option<Traceparent>, payload: Vec<u8>) -> Finishing<Handled> {
        let shared = self.shared.clone();
        let handling = async move {
            let taken = callback::take(&*shared.store, proof.presented(), &payload).await?;
            let Taken { receipt, eventful } = taken;
            Ok((receipt, eventful.then(|| Announcement::new(shared.store.clone(), shared.emitter.clone()))))
        };
        Finishing::new(Traceparent::within(trace, handling))
    }

    /// The answer to it.
    async fn taken(&self, handling: Finishing<Handled>) -> Response<Full<Bytes>> {
        let deadline = self.shared.options.store_deadline;
        let refusal = match tokio::time::timeout(deadline, handling).await {
            Ok(Ok(Ok((receipt, announcement)))) => {
                if let Some(announcement) = announcement {
                    announcement.awaited().await;
                }
                return accepted(receipt);
            }
            Ok(Ok(Err(error))) => error.into(),
            Ok(Err(panic)) => {
                tracing::error!(error = %panic, "handling a callback failed");
                Refusal::Panic
            }
            Err(_) => {
                tracing::error!(?deadline, "the store takes too long");
                Refusal::StoreLate
            }
        };
        self.refuse(&refusal)
    }
}

/// An announcement that nobody waits for, because its answer was given before, takes place all the same.
type Handled = Result<(Receipt, Option<Announcement>), CallbackError>;

/// What a head is refused for. The order of these lines is the order of the contract.
fn admit(head: &Parts, proof: &Proof, body: &impl Body) -> Result<(), Refusal> {
    if head.method != Method::POST {
        return Err(Refusal::Method);
    }
    if !proof.presented().is_plausible() {
        return Err(CallbackError::Unauthorized.into());
    }
    if body::declares_too_much(head, body) {
        return Err(CallbackError::TooLarge.into());
    }
    if !body::may_be_json(&head.headers) {
        return Err(Refusal::ContentType);
    }
    Ok(())
}

/// The request's trace, or else the one that the framework's handler is in.
fn trace(headers: &HeaderMap) -> Option<Traceparent> {
    const SENT: HeaderName = HeaderName::from_static(TRACEPARENT_HEADER);
    let sent = proof::only(headers, &SENT);
    sent.and_then(|sent| Traceparent::parse(sent.as_bytes())).or_else(Traceparent::current)
}

fn accepted(receipt: Receipt) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(accepted_body(receipt.verdict)));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn accepted_body(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Applied => r#"{"received":true,"verdict":"applied"}"#,
        Verdict::Duplicate => r#"{"received":true,"verdict":"duplicate"}"#,
        Verdict::Conflict => r#"{"received":true,"verdict":"conflict"}"#,
        Verdict::Late => r#"{"received":true,"verdict":"late"}"#,
        Verdict::Stale => r#"{"received":true,"verdict":"stale"}"#,
    }
}

#[cfg(test)]
mod tests;
