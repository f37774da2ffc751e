//! The operator's door: make a job, look at it, and ask whether the server is well.

mod jobs;
mod refusal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use robot_callback_core::{OperatorStore, Secrets};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;

use self::refusal::Refusal;
use crate::reply::json;

/// The largest request that makes a job, in bytes: 8 MiB.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// How long such a request may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// How long the store may take.
const STORE_DEADLINE: Duration = Duration::from_secs(15);

/// Who may come in by the operator's door, and what is behind it. Clones share everything.
#[derive(Clone)]
pub struct Operator {
    store: Arc<dyn OperatorStore>,
    tokens: Arc<RwLock<Secrets>>,
    draining: Arc<AtomicBool>,
}

impl Operator {
    /// The door to `store`, for whoever brings one of `tokens` as a bearer token. No token: nobody gets in.
    #[must_use]
    pub fn new(store: Arc<dyn OperatorStore>, tokens: Secrets) -> Self {
        Self { store, tokens: Arc::new(RwLock::new(tokens)), draining: Arc::default() }
    }

    /// From the next request on, these tokens and no others are valid.
    pub fn set_tokens(&self, tokens: Secrets) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// From now on `/readyz` answers 503, so that whoever sends requests here sends them elsewhere. All else is
    /// served as before.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether [`drain`](Self::drain) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    #[cfg(feature = "server")]
    pub(crate) fn store(&self) -> &dyn OperatorStore {
        &*self.store
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let presented = headers.get("authorization").and_then(|value| bearer(value.as_bytes()));
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        if tokens.presented(presented).is_valid() { Ok(()) } else { Err(Refusal::Unauthorized) }
    }

    async fn ready(&self) -> Result<Response, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        within(self.store.ping()).await?;
        Ok(json(StatusCode::OK, &serde_json::json!({"status": "ready"})))
    }
}

/// `POST /api/jobs`, `GET /api/jobs/{id}`, `GET /healthz` and `GET /readyz`. Other paths are rejected, for the
/// filters that follow; on its own paths it always replies and never rejects.
#[must_use]
pub fn operator(operator: Operator) -> BoxedFilter<(Response,)> {
    let health = warp::path!("healthz").and(warp::method()).then(|method: Method| async move {
        let alive =
            only_reading(&method).map(|()| json(StatusCode::OK, &serde_json::json!({"status": "alive"})));
        reply(alive).await
    });
    let ready = {
        let operator = operator.clone();
        warp::path!("readyz").and(warp::method()).then(move |method: Method| {
            let operator = operator.clone();
            async move {
                match only_reading(&method) {
                    Ok(()) => reply(operator.ready().await).await,
                    Err(refusal) => reply(Err(refusal)).await,
                }
            }
        })
    };
    let (health, ready) = (health.boxed(), ready.boxed());
    let jobs = jobs::create(operator.clone()).or(jobs::show(operator)).unify().boxed();
    jobs.or(health).unify().or(ready).unify().boxed()
}

async fn reply(result: Result<Response, Refusal>) -> Response {
    match result {
        Ok(response) => response,
        Err(refusal) => refusal.response().await,
    }
}

fn only_reading(method: &Method) -> Result<(), Refusal> {
    if matches!(*method, Method::GET | Method::HEAD) { Ok(()) } else { Err(Refusal::Method("GET, HEAD")) }
}

/// The store's answer, if it comes in time.
async fn within<T>(
    asking: impl Future<Output = Result<T, robot_callback_core::StoreError>>,
) -> Result<T, Refusal> {
    match tokio::time::timeout(STORE_DEADLINE, asking).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Refusal::StoreLate),
    }
}

/// The token of `Bearer <token>`, whatever bytes it is made of.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
