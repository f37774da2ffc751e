//! Paths where one only asks: GET and HEAD, without a token.

use robot_callback_core::Problem;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{ALLOW, CONNECTION, HeaderValue};
use warp::http::{Method, StatusCode};
use warp::reply::Response;

use crate::reply::whole;

/// What `answer` says, to whoever only asks.
pub(crate) fn reading<F>(
    path: BoxedFilter<()>,
    answer: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> BoxedFilter<(Response,)>
where
    F: Future<Output = Response> + Send,
{
    path.and(warp::method())
        .then(move |method: Method| {
            let answer = answer.clone();
            async move {
                if matches!(method, Method::GET | Method::HEAD) {
                    answer().await
                } else {
                    refuse_method().await
                }
            }
        })
        .boxed()
}

/// A body may have been left unread, so that the connection can't serve another request.
async fn refuse_method() -> Response {
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
    let mut response = whole(problem.response()).await;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
