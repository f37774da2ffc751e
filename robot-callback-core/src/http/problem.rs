//! An answer that is not a success, as RFC 9457 problem details with one member more: `error`.

use std::borrow::Cow;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use serde::Serialize;

/// What went wrong, for a caller to read. It never holds an internal cause.
///
/// ```
/// # use robot_callback_core::Problem;
/// let problem = Problem::new(http::StatusCode::NOT_FOUND, "Item not found").detail("No item has this id.");
/// assert_eq!(
///     problem.to_json(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"No item has this id.","error":"Item not found"}"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    error: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    error: &'a str,
}

impl Problem {
    /// A problem in one short English sentence, which callers know as `error`.
    pub fn new(status: StatusCode, error: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error: error.into(), detail: None }
    }

    /// The same with an explanation, which helps whoever has to put it right.
    #[must_use]
    pub fn detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let wire = Wire {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            error: &self.error,
        };
        serde_json::to_string(&wire).expect("a struct of texts and a number has a JSON form")
    }

    /// The response that carries it.
    #[must_use]
    pub fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.to_json()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
