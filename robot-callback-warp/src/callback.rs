//! The callback endpoint as a warp filter.

use robot_callback_core::CallbackEndpoint;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method, Request};
use warp::reply::Response;

use crate::reply::{Streamed, whole};

/// Answers callbacks at [`CALLBACK_PATH`](robot_callback_core::CALLBACK_PATH). Other paths are rejected, for the
/// filters that follow; on its own path it always replies and never rejects.
///
/// ```
/// # use std::sync::Arc;
/// # use robot_callback_core::{CallbackEndpoint, LogEmitter, MemoryStore, Secrets};
/// use warp::Filter;
/// # let (store, emitter) = (Arc::new(MemoryStore::new()), Arc::new(LogEmitter));
/// let endpoint = CallbackEndpoint::new(store, emitter, Secrets::new(["the callback secret"]));
/// let yours = warp::path!("hello").map(|| "hello");
/// let routes = robot_callback_warp::callback(endpoint).or(yours);
/// # drop(routes);
/// ```
#[must_use]
pub fn callback(endpoint: CallbackEndpoint) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "webhooks" / "robot-callback")
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method: Method, headers: HeaderMap, body| {
            let mut request = Request::new(Streamed(body));
            *request.method_mut() = method;
            *request.headers_mut() = headers;
            let answering = endpoint.respond(request);
            async move { whole(answering.await).await }
        })
        .boxed()
}
