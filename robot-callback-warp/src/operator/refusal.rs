//! Why an operator's request is refused, and the one table of what is answered.

use std::sync::Arc;

use robot_callback_core::{FieldError, JobId, JobRequestError, Objection, Problem, StoreError};
use warp::http::StatusCode;
use warp::http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use warp::reply::Response;

use super::MAX_BODY;
use crate::reply::whole;

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the method is not one of {0}")]
    Method(&'static str),
    #[error("the token is absent or wrong")]
    Unauthorized,
    #[error("the body is too large")]
    TooLarge,
    #[error("the declared content type is not JSON")]
    ContentType,
    #[error("the body did not arrive in time")]
    BodyLate,
    #[error("the body broke off")]
    BodyBroken,
    #[error("the idempotency key is not text")]
    Key,
    #[error("the idempotency key belongs to job {0}")]
    KeyReused(JobId),
    #[error(transparent)]
    Request(#[from] JobRequestError),
    #[error(transparent)]
    Objection(Objection),
    #[error("there is no such job")]
    UnknownJob,
    #[error("the server is about to stop")]
    Draining,
    #[error("the store did not answer in time")]
    StoreLate,
    #[error(transparent)]
    Store(Arc<StoreError>),
}

impl Refusal {
    pub(super) async fn response(self) -> Response {
        if let Self::Store(_) | Self::StoreLate = self {
            tracing::error!(error = &self as &dyn std::error::Error, "an operator's request failed");
        }
        let mut response = whole(self.problem().response()).await;
        let headers = response.headers_mut();
        if self.leaves_the_body() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        match self {
            Self::Method(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Unauthorized => {
                let challenge = HeaderValue::from_static(r#"Bearer realm="robot-callback""#);
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            _ if self.passes() => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response
    }

    /// Whether a body may have been left unread, so that the connection can't serve another request.
    fn leaves_the_body(&self) -> bool {
        use Refusal::{BodyBroken, BodyLate, ContentType, Method, TooLarge, Unauthorized};
        matches!(self, Method(_) | Unauthorized | TooLarge | ContentType | BodyLate | BodyBroken)
    }

    /// Whether the same request may be answered otherwise soon.
    fn passes(&self) -> bool {
        match self {
            Self::Draining | Self::StoreLate => true,
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }

    /// The table.
    fn problem(&self) -> Problem {
        match self {
            Self::Method(_) => Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::Unauthorized => Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::TooLarge => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Body too large")
                .detail(format!("A request that makes a job has at most {MAX_BODY} bytes.")),
            Self::ContentType => Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content type is not JSON"),
            Self::BodyLate => Problem::new(StatusCode::REQUEST_TIMEOUT, "Body took too long"),
            Self::BodyBroken => Problem::new(StatusCode::REQUEST_TIMEOUT, "Body broke off"),
            Self::Key => {
                Problem::new(StatusCode::BAD_REQUEST, "idempotency-key must be printable ASCII text")
            }
            Self::KeyReused(job) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "Idempotency key used for another request")
                    .detail(format!("Job {job} was made under this key from another request."))
            }
            Self::Request(error) => Problem::new(StatusCode::BAD_REQUEST, error.to_string()),
            Self::UnknownJob => Problem::new(StatusCode::NOT_FOUND, "Job not found"),
            Self::Objection(objection) => objected(objection),
            Self::Draining => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Draining")
                .detail("This server is about to stop: send requests to another."),
            Self::StoreLate => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Store not available"),
            Self::Store(error) if error.is_transient() => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Store not available")
            }
            Self::Store(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        }
    }
}

/// Nothing was done: what it is about is not there, or not as the request took it to be.
fn objected(objection: &Objection) -> Problem {
    let sentence = match objection {
        Objection::Unknown(what) => format!("{what} not found"),
        other => other.to_string(),
    };
    let mut letters = sentence.chars();
    let sentence =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or(sentence);
    let status = match objection {
        Objection::Unknown(_) => StatusCode::NOT_FOUND,
        Objection::KeyReused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(status, sentence)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::Request(error.into())
    }
}
