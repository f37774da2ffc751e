//! A request at the operator's door, taken in: who asks, what is said in path, query and body, and in which order that
//! is looked at.

use std::error::Error;

use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use robot_callback_core::{Actor, FieldError, JobRequestError, Object};
use serde::de::DeserializeOwned;
use warp::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use warp::http::{HeaderMap, Method};

use super::query::Query;
use super::refusal::Refusal;
use super::{BODY_DEADLINE, MAX_BODY, Operator};

/// What an operator asks. The token was checked; the body, if there may be one, was read.
pub(super) struct Ask {
    pub(super) operator: Operator,
    pub(super) actor: Actor,
    /// Under this key the same is done once.
    pub(super) key: Option<String>,
    /// What stands in the path where it varies.
    pub(super) named: String,
    pub(super) query: Query,
    pub(super) body: Vec<u8>,
}

impl Ask {
    /// The body as a JSON object; an empty one says nothing.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let body = if self.body.is_empty() { b"{}" } else { self.body.as_slice() };
        let mut json = serde_json::Deserializer::from_slice(body);
        let Object(said) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { "body".to_owned() } else { path };
            JobRequestError::Json { path, source: error.into_inner() }
        })?;
        json.end().map_err(|source| JobRequestError::Json { path: "body".into(), source })?;
        Ok(said)
    }
}

/// The idempotency key of the header.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().map_err(|_| Refusal::Key)?;
    if !(1..=255).contains(&key.len()) {
        return Err(FieldError::new("idempotency-key", "must be 1 to 255 characters long").into());
    }
    Ok(Some(key.to_owned()))
}

/// The body, if it is declared as JSON and comes in time and size. Without one nothing is read.
pub(super) async fn receive<B>(method: &Method, headers: &HeaderMap, body: B) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(Vec::new());
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.is_some_and(|length| length.parse().is_ok_and(|length: u64| length > MAX_BODY as u64)) {
        return Err(Refusal::TooLarge);
    }
    if headers.get(CONTENT_TYPE).is_some_and(|declared| !is_json(declared)) {
        return Err(Refusal::ContentType);
    }
    tokio::time::timeout(BODY_DEADLINE, read(body)).await.unwrap_or(Err(Refusal::BodyLate))
}

fn is_json(declared: &HeaderValue) -> bool {
    let declared = declared.to_str().unwrap_or_default().to_ascii_lowercase();
    declared.split(';').next().is_some_and(|essence| essence.trim() == "application/json")
}

async fn read<B>(body: B) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(whole) => Ok(whole.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::BodyBroken),
    }
}
