//! The routes of jobs.

use std::error::Error;
use std::pin::pin;

use bytes::{Buf, BufMut};
use http_body::Body;
use http_body_util::BodyExt;
use robot_callback_core::{Creation, JobId, NewJob};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;

use super::refusal::Refusal;
use super::{BODY_DEADLINE, MAX_BODY, Operator, only_reading, reply, within};
use crate::reply::{Streamed, json};

/// `POST /api/jobs`: makes a job.
pub(super) fn create(operator: Operator) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "jobs")
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method: Method, headers: HeaderMap, body| {
            let operator = operator.clone();
            async move { reply(make(&operator, &method, &headers, Streamed::new(body)).await).await }
        })
        .boxed()
}

/// `GET /api/jobs/{id}`: a job with its items.
pub(super) fn show(operator: Operator) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "jobs" / String)
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .then(move |id: String, method: Method, headers: HeaderMap| {
            let operator = operator.clone();
            async move { reply(find(&operator, &id, &method, &headers).await).await }
        })
        .boxed()
}

async fn make<B>(
    operator: &Operator,
    method: &Method,
    headers: &HeaderMap,
    body: B,
) -> Result<Response, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if method != Method::POST {
        return Err(Refusal::Method("POST"));
    }
    operator.admit(headers)?;
    let job = NewJob::from_json(&receive(headers, body).await?, idempotency_key(headers)?)?;
    match within(operator.store.create_job(job)).await? {
        Creation::Created(id) => Ok(made(operator, StatusCode::CREATED, id).await),
        Creation::Existing(id) => Ok(made(operator, StatusCode::OK, id).await),
        Creation::KeyReused(id) => Err(Refusal::KeyReused(id)),
        Creation::Refused(error) => Err(Refusal::Request(error.into())),
    }
}

/// The job is made by now: if it can't be shown, its id is all that is said, and no error.
async fn made(operator: &Operator, status: StatusCode, id: JobId) -> Response {
    let mut response = match within(operator.store.job(id)).await {
        Ok(Some(view)) => json(status, &view),
        Ok(None) | Err(_) => json(status, &serde_json::json!({"jobId": id})),
    };
    if let Ok(place) = HeaderValue::try_from(format!("/api/jobs/{id}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

async fn find(
    operator: &Operator,
    id: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    only_reading(method)?;
    operator.admit(headers)?;
    let id: JobId = id.parse().map_err(|_| Refusal::UnknownJob)?;
    let view = within(operator.store.job(id)).await?.ok_or(Refusal::UnknownJob)?;
    Ok(json(StatusCode::OK, &view))
}

async fn receive<B>(headers: &HeaderMap, body: B) -> Result<Vec<u8>, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
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
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyBroken)?;
        let Ok(data) = frame.into_data() else { continue };
        if data.remaining() > MAX_BODY - bytes.len() {
            return Err(Refusal::TooLarge);
        }
        bytes.put(data);
    }
    Ok(bytes)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().map_err(|_| Refusal::Key)?;
    Ok(Some(key.to_owned()))
}
