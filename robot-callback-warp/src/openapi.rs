//! The API's description (OpenAPI 3.1), from which a client can be generated. It stands in `openapi.json`; the tests
//! hold it against the routes, and schemathesis against a server.

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};

use crate::reading::reading;

/// Where the description is served.
pub const OPENAPI_PATH: &str = "/openapi.json";

/// Answers at [`OPENAPI_PATH`] with the description of everything that [`routes`](crate::routes) answers; it asks for
/// no token and shows nothing that is not in the source. Other paths are rejected, for the filters that follow.
#[must_use]
pub fn openapi() -> BoxedFilter<(Response,)> {
    reading(warp::path!("openapi.json").boxed(), || async { described() })
}

/// The description, of this version.
fn description() -> String {
    include_str!("openapi.json").replacen("VERSION", env!("CARGO_PKG_VERSION"), 1)
}

fn described() -> Response {
    let mut response = description().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
