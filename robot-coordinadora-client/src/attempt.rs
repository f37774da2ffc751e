//! One attempt: one request, one answer, within one deadline. Never tries again.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName};
use robot_callback_core::{Clock, Report, SystemClock, TRACEPARENT_HEADER, Traceparent};

use crate::answer::{Answer, Delivered};
use crate::destination::Destination;
use crate::failure::AttemptError;
use crate::step::passed;

/// The most that is read of an answer, in bytes. What a callback endpoint says is far shorter.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends a report's wire form and waits for the answer, no longer than `within` in all.
pub(crate) async fn send(
    http: &reqwest::Client,
    destination: &Destination,
    body: &[u8],
    within: Duration,
) -> Result<Delivered, AttemptError> {
    passed("before a report is sent");
    let exchange = tokio::time::timeout(within, exchange(http, destination, body)).await;
    passed("after a report was sent");
    exchange.map_err(|_| AttemptError::TimedOut(within))?
}

async fn exchange(
    http: &reqwest::Client,
    destination: &Destination,
    body: &[u8],
) -> Result<Delivered, AttemptError> {
    let request = http
        .post(destination.url())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, application/problem+json")
        .headers(trace(body))
        .headers(destination.proof(body, SystemClock.now()))
        .body(body.to_vec());
    let mut response = request.send().await.map_err(network)?;
    let answer = read(&mut response).await?;
    let (status, headers) = (response.status().as_u16(), response.headers());
    Answer::read(status, headers, &answer, SystemClock.now())
        .map_err(|answer| answer.cleaned(|said| destination.redact(said)).into())
}

/// The trace that the robot is in, or else the report's own, which is the same for every try.
fn trace(body: &[u8]) -> HeaderMap {
    let own = || Report::parse(body).ok().map(|report| Traceparent::of_report(&report));
    let value = Traceparent::current().or_else(own).and_then(|trace| trace.to_string().try_into().ok());
    value.map(|value| (HeaderName::from_static(TRACEPARENT_HEADER), value)).into_iter().collect()
}

/// The answer's body up to [`MAX_ANSWER`]; the rest is left unread.
async fn read(response: &mut Response) -> Result<Vec<u8>, AttemptError> {
    let mut answer = Vec::new();
    while answer.len() < MAX_ANSWER
        && let Some(chunk) = response.chunk().await.map_err(network)?
    {
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// Without the URL: its query may hold a token.
fn network(error: reqwest::Error) -> AttemptError {
    AttemptError::Network(error.without_url().into())
}
