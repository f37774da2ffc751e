//! What a request says of its body, and reading it. Nothing here reads more than a callback may have.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING};
use ::http::request::Parts;
use ::http::{HeaderMap, Version};
use bytes::{Buf, BufMut};
use http_body::Body;
use http_body_util::{BodyExt, Limited};

use super::refusal::Refusal;
use crate::callback::{CallbackError, MAX_BODY};

const LIMIT: u64 = MAX_BODY as u64;

/// The longest body that is discarded for its connection's sake, in bytes.
const DISCARDED: usize = 64 * 1024;

/// Why a body breaks off.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// What a head says of its body, for when the head is gone.
#[derive(Clone, Copy)]
pub(super) struct Announced {
    comes: bool,
    short: bool,
}

impl Announced {
    /// The headers are asked too, because a body that went through a framework's stream no longer knows that it is
    /// empty.
    pub(super) fn of(head: &Parts, body: &impl Body) -> Self {
        let length = content_length(&head.headers);
        let [chunked, held_back] = [TRANSFER_ENCODING, EXPECT].map(|name| head.headers.contains_key(name));
        let some = chunked || length.is_some_and(|length| length > 0);
        let is_short = length.is_some_and(|length| length <= DISCARDED as u64);
        Self {
            comes: some && !body.is_end_stream() && head.version <= Version::HTTP_11,
            short: is_short && !chunked && !held_back && head.version == Version::HTTP_11,
        }
    }

    /// Whether a body comes along, and the connection's next request behind it.
    pub(super) fn comes(self) -> bool {
        self.comes
    }

    /// Whether the body of a refused request is out of the way of the next one: what has arrived of it is dropped unseen,
    /// and nothing is waited for. A body that is long, comes in chunks or waits to be asked for is left alone.
    pub(super) async fn discarded(self, body: impl Body<Data: Buf, Error: Into<Failure>>) -> bool {
        if !self.short {
            return false;
        }
        let mut body = pin!(Limited::new(body, DISCARDED));
        let mut paused = false;
        loop {
            match poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx))).await {
                Poll::Ready(None) => return true,
                Poll::Ready(Some(Err(_))) => return false,
                Poll::Ready(Some(Ok(_))) => paused = false,
                Poll::Pending if paused => return false,
                // A server hands over what it has once it is given a turn; what it has not is the caller's delay.
                Poll::Pending => paused = true,
            }
            if paused {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Whether the body is over the limit by its own account.
pub(super) fn declares_too_much(head: &Parts, body: &impl Body) -> bool {
    content_length(&head.headers).is_some_and(|length| length > LIMIT) || body.size_hint().lower() > LIMIT
}

/// A length past what a number can hold is as much too long as any.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let digits = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Whether the declared content type is JSON (`application/json`, or any type ending in `+json`, parameters
/// aside), or none is declared.
pub(super) fn may_be_json(headers: &HeaderMap) -> bool {
    let is_json = |declared: &str| {
        let essence = declared.split(';').next().unwrap_or_default().trim();
        let is_derived =
            essence.as_bytes().last_chunk::<5>().is_some_and(|end| end.eq_ignore_ascii_case(b"+json"));
        essence.is_empty() || essence.eq_ignore_ascii_case("application/json") || is_derived
    };
    headers.get(CONTENT_TYPE).is_none_or(|value| value.to_str().is_ok_and(is_json))
}

/// Reads a body to its end, or until it is too large.
pub(super) async fn read(body: impl Body<Error: Into<Failure>>) -> Result<Vec<u8>, Refusal> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(error = %error.into(), "a callback's body broke off");
            Refusal::BodyBroken
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if data.remaining() > MAX_BODY - bytes.len() {
            return Err(CallbackError::TooLarge.into());
        }
        bytes.put(data);
    }
    Ok(bytes)
}
