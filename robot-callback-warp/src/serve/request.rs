//! One request, as the log and the metrics see it. Its path is never shown as it came: only which route it was for.

use std::time::Instant;

use hyper::Request;
use robot_callback_core::{CALLBACK_PATH, TRACEPARENT_HEADER, Traceparent};
use tracing::field::Empty;
use tracing::{Level, Span};
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use warp::reply::Response;

use super::tally::Tally;
use super::waiting::Standing;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken over.
const MAX_ID: usize = 128;

/// The span of a request. What is learnt later of it costs a callback's other line once more, and is for those who see
/// it: the lines of level `debug`, and a collector of spans.
macro_rules! span {
    ($request:ident, $id:ident, $trace:ident, $route:ident) => {
        if cfg!(feature = "otel") || tracing::enabled!(Level::DEBUG) {
            span!(@ $request, $id, $trace, $route; item.id = Empty, job.id = Empty, verdict = Empty, status = Empty,
                duration_ms = Empty)
        } else {
            span!(@ $request, $id, $trace, $route;)
        }
    };
    (@ $request:ident, $id:ident, $trace:ident, $route:ident; $($later:tt)*) => {
        tracing::info_span!(
            "request",
            request.id = $id.to_str().unwrap_or_default(),
            trace_id = $trace.map(|trace| trace.trace_id()),
            route = $route,
            method = method($request.method()),
            $($later)*
        )
    };
}

pub(super) struct Observed {
    started: Instant,
    route: &'static str,
    id: HeaderValue,
    pub(super) span: Span,
}

impl Observed {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let route = route(request.uri().path());
        let id = request_id(request.headers());
        let trace = trace(request.headers());
        let span = span!(request, id, trace, route);
        #[cfg(feature = "otel")]
        if let Some(trace) = trace {
            crate::otel::adopt(&span, trace);
        }
        Self { started: Instant::now(), route, id, span }
    }

    /// Who was let in by a secret is a guest; what is answered to everybody says nothing of who asked.
    pub(super) fn standing(&self, response: &Response) -> Standing {
        let needs_secret = matches!(self.route, "callback" | "operator");
        if needs_secret && response.status().is_success() { Standing::Guest } else { Standing::Stranger }
    }

    /// Counts and logs the answer, and names the request in it.
    pub(super) fn answered(self, mut response: Response, tally: &Tally) -> Response {
        let Self { started, route, id, span } = self;
        let taken = started.elapsed();
        let duration_ms = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        let status = response.status().as_u16();
        tally.note(route, response.status(), taken);
        // Of a result that was recorded the core has said so, in this span.
        if route == "probe" || (route == "callback" && response.status() == StatusCode::OK) {
            tracing::debug!(parent: &span, status, duration_ms, "answered");
        } else {
            tracing::info!(parent: &span, status, duration_ms, "answered");
        }
        #[cfg(feature = "otel")]
        tracing::record_all!(span, status, duration_ms);
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
}

fn route(path: &str) -> &'static str {
    match path {
        CALLBACK_PATH => "callback",
        "/healthz" | "/readyz" | "/metrics" => "probe",
        _ if path.starts_with("/api/") => "operator",
        _ => "other",
    }
}

/// Anybody may send any word as a method.
fn method(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
            method.as_str()
        }
        _ => "other",
    }
}

fn trace(headers: &HeaderMap) -> Option<Traceparent> {
    Traceparent::parse(headers.get(TRACEPARENT_HEADER)?.as_bytes())
}

/// The caller's, if it is one word of letters that can't be mistaken in a log; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let is_well_formed =
        |id: &&HeaderValue| (1..=MAX_ID).contains(&id.len()) && id.as_bytes().iter().all(is_plain);
    headers.get(REQUEST_ID).filter(is_well_formed).cloned().unwrap_or_else(|| {
        HeaderValue::from_bytes(&hex(fastrand::u128(..))).unwrap_or(HeaderValue::from_static("unnamed"))
    })
}

/// A number's 32 digits.
fn hex(number: u128) -> [u8; 32] {
    let bytes = number.to_be_bytes();
    std::array::from_fn(|place| {
        let digit = if place % 2 == 0 { bytes[place / 2] >> 4 } else { bytes[place / 2] & 0xf };
        b"0123456789abcdef"[usize::from(digit)]
    })
}
