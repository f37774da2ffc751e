//! The operator's door: make jobs, look at them, put things right, and ask whether the server is well.

mod ask;
mod changes;
mod door;
mod doors;
mod jobs;
mod lists;
mod query;
mod readiness;
mod refusal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use robot_callback_core::{Actor, Allowance, OperatorStore, Secrets};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use self::doors::doors;
#[cfg(test)]
pub(crate) use self::doors::paths;
pub(crate) use self::readiness::Health;
use self::readiness::Readiness;
use self::refusal::Refusal;
use crate::reading::reading;
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
    readiness: Readiness,
    allowance: Option<Allowance>,
}

impl Operator {
    /// The door to `store`, for whoever brings one of `tokens` as a bearer token. No token: nobody gets in.
    #[must_use]
    pub fn new(store: Arc<dyn OperatorStore>, tokens: Secrets) -> Self {
        let tokens = Arc::new(RwLock::new(tokens));
        Self { store, tokens, draining: Arc::default(), readiness: Readiness::default(), allowance: None }
    }

    /// The deadline of jobs, and of re-opened ones, whose request says nothing of one.
    #[must_use]
    pub fn with_default_deadline(self, allowance: Option<Allowance>) -> Self {
        Self { allowance, ..self }
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

    /// Who brings that token: it may carry a name before a tilde (`ana~…`).
    fn admit(&self, headers: &HeaderMap) -> Result<Actor, Refusal> {
        let presented = headers.get("authorization").and_then(|value| bearer(value.as_bytes()));
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        if !tokens.presented(presented).is_valid() {
            return Err(Refusal::Unauthorized);
        }
        let token = presented.map(String::from_utf8_lossy).unwrap_or_default();
        let name = token.split_once('~').map(|(name, _)| name).filter(|name| !name.is_empty());
        Ok(name.map_or_else(|| Actor::new("token"), |name| Actor::new(&format!("token {name}"))))
    }

    async fn ready(&self) -> Result<Response, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        match self.health().await {
            Health::Well => Ok(json(StatusCode::OK, &serde_json::json!({"status": "ready"}))),
            Health::Unwell(error) => Err(Refusal::Store(error)),
            Health::Late => Err(Refusal::StoreLate),
        }
    }

    /// What the store says of itself, or said within the last second: it is asked once at a time, however many want to
    /// know.
    pub(crate) async fn health(&self) -> Health {
        self.readiness.of(&self.store).await
    }
}

/// All of `/api/` that is an operator's, `GET /healthz` and `GET /readyz`; `docs/operator.md` lists them. Other paths
/// are rejected, for the filters that follow; on its own paths it always replies and never rejects.
#[must_use]
pub fn operator(operator: Operator) -> BoxedFilter<(Response,)> {
    let health = reading(warp::path!("healthz").boxed(), || async {
        json(StatusCode::OK, &serde_json::json!({"status": "alive"}))
    });
    let asked = operator.clone();
    let ready = reading(warp::path!("readyz").boxed(), move || {
        let operator = asked.clone();
        async move { reply(operator.ready().await).await }
    });
    doors(&operator).or(health).unify().or(ready).unify().boxed()
}

async fn reply(result: Result<Response, Refusal>) -> Response {
    match result {
        Ok(response) => response,
        Err(refusal) => refusal.response().await,
    }
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
