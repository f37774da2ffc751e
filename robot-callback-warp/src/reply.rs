//! Between warp's types and those of everybody else.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use warp::http::{Response, StatusCode};
use warp::{Reply, Stream};

/// warp's stream of a body's pieces, as a body again.
pub(crate) struct Streamed<S>(pub(crate) S);

impl<S, D, E> Body for Streamed<S>
where
    S: Stream<Item = Result<D, E>> + Unpin,
    D: Buf,
{
    type Data = D;
    type Error = E;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<D>, E>>> {
        Pin::new(&mut self.0).poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// A whole response in warp's terms.
pub(crate) async fn whole(response: Response<Full<Bytes>>) -> warp::reply::Response {
    let (head, mut body) = response.into_parts();
    // All of it comes at once, if there is any.
    let piece = body.frame().await.and_then(|Ok(frame)| frame.into_data().ok());
    Response::from_parts(head, piece.unwrap_or_default()).into_response()
}

/// A response of that status with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl serde::Serialize) -> warp::reply::Response {
    warp::reply::with_status(warp::reply::json(body), status).into_response()
}
