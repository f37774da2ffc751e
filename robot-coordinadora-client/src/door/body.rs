//! Reading a request's body, as far as it may go and no longer than it may take.

use std::future::poll_fn;
use std::pin::pin;

use bytes::{Buf, BufMut};
use warp::Stream;
use warp::http::HeaderMap;
use warp::http::header::CONTENT_LENGTH;

use super::DoorOptions;
use super::answer::Answer;

/// Whether the body is over the limit by its own account.
pub(super) fn declares_too_much(headers: &HeaderMap, limit: usize) -> bool {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    declared.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > limit)
}

pub(super) async fn read<D: Buf>(
    body: impl Stream<Item = Result<D, warp::Error>>,
    options: &DoorOptions,
) -> Result<Vec<u8>, Answer> {
    let reading = read_to_end(body, options.max_body);
    tokio::time::timeout(options.body_deadline, reading).await.unwrap_or(Err(Answer::BodyLate))
}

async fn read_to_end<D: Buf>(
    body: impl Stream<Item = Result<D, warp::Error>>,
    limit: usize,
) -> Result<Vec<u8>, Answer> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(piece) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        let piece = piece.map_err(|_| Answer::BodyBroken)?;
        if piece.remaining() > limit - bytes.len() {
            return Err(Answer::TooLarge(limit));
        }
        bytes.put(piece);
    }
    Ok(bytes)
}
