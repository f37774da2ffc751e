//! Why a request is not answered 200, and the one table of what is answered instead.

use std::time::Duration;

use ::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use http_body_util::Full;

use super::Problem;
use crate::callback::{CallbackError, MAX_BODY};
use crate::report::ReportError;

/// Why a request is not answered 200. The table has the words for it.
pub(super) enum Refusal {
    Method,
    ContentType,
    BodyLate,
    BodyBroken,
    StoreLate,
    Panic,
    Callback(CallbackError),
}

impl From<CallbackError> for Refusal {
    fn from(error: CallbackError) -> Self {
        Self::Callback(error)
    }
}

impl Refusal {
    pub(super) fn response(&self, retry_after: Duration) -> Response<Full<Bytes>> {
        let problem = self.problem();
        let mut response = problem.response();
        let headers = response.headers_mut();
        match problem.status() {
            StatusCode::UNAUTHORIZED => {
                let challenge = HeaderValue::from_static(r#"X-Callback-Secret realm="robot-callback""#);
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        response
    }

    /// The table.
    fn problem(&self) -> Problem {
        use CallbackError::{Invalid, Store, TooLarge, Unauthorized, UnknownItem};
        use Refusal::{BodyBroken, BodyLate, Callback, ContentType, Method, Panic, StoreLate};
        match self {
            Method => Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
                .detail("A callback is sent by POST."),
            Callback(Unauthorized) => Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Callback(TooLarge) => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Body too large")
                .detail(format!("A callback's body has at most {MAX_BODY} bytes.")),
            ContentType => Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content type is not JSON")
                .detail("A callback's content-type is application/json, or left out."),
            BodyLate => Problem::new(StatusCode::REQUEST_TIMEOUT, "Body took too long")
                .detail("Nothing was recorded. Send the callback again."),
            BodyBroken => Problem::new(StatusCode::REQUEST_TIMEOUT, "Body broke off")
                .detail("Nothing was recorded. Send the callback again."),
            Callback(Invalid(invalid)) => refused_payload(invalid),
            Callback(UnknownItem) => Problem::new(StatusCode::NOT_FOUND, "Item not found")
                .detail("There is no item of this itemId."),
            Callback(Store(error)) if !error.is_transient() => internal(),
            Callback(Store(_)) | StoreLate => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Store not available")
                    .detail("It is not known whether the result was recorded. Send the callback again.")
            }
            Panic => internal(),
        }
    }
}

fn refused_payload(invalid: &ReportError) -> Problem {
    let problem = Problem::new(StatusCode::BAD_REQUEST, invalid.to_string());
    match invalid {
        ReportError::Json(error) => problem.detail(error.to_string()),
        ReportError::Field(_) => problem,
    }
}

fn internal() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error").detail("The fault is not the caller's.")
}
