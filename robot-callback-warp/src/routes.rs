//! Every route of the server, and what is said on all other paths.

use robot_callback_core::{CallbackEndpoint, Problem};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use crate::operator::Operator;
use crate::reply::whole;

/// [`callback`](crate::callback), [`operator`](crate::operator), [`openapi`](crate::openapi), and 404 on every other
/// path. Always replies.
#[must_use]
pub fn routes(endpoint: CallbackEndpoint, operator: Operator) -> BoxedFilter<(Response,)> {
    let elsewhere = warp::any().then(|| {
        let problem =
            Problem::new(StatusCode::NOT_FOUND, "Not found").detail("Nothing is served on this path.");
        async move { whole(problem.response()).await }
    });
    let doors = crate::operator(operator).or(crate::openapi()).unify();
    crate::callback(endpoint).or(doors).unify().or(elsewhere).unify().boxed()
}
