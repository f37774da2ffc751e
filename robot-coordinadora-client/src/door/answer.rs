//! What the door says: the one table of statuses and words.

use robot_callback_core::JobId;
use serde_json::{Value, json};
use warp::Reply;
use warp::http::StatusCode;
use warp::http::header::{ALLOW, CONNECTION, HeaderName, HeaderValue, RETRY_AFTER};
use warp::reply::Response;

use super::hosts::HostError;
use crate::batch::AcceptError;

/// Why a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Another method, and those that are allowed.
    Method(&'static str),
    Unauthorized,
    TooLarge(usize),
    BodyLate,
    BodyBroken,
    /// Something in the request, in words that name it.
    Refused(String),
    /// Another batch of the workspace is in process.
    Busy,
    /// Nothing was taken, and the same request may do better later.
    Later,
}

impl Answer {
    pub(super) fn reply(self) -> Response {
        tracing::debug!(answer = ?self, "a request is not accepted");
        let (status, words) = self.table();
        let mut response = reply(status, &json!({"success": false, "error": words}));
        let mut header =
            |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match self {
            Self::Method(allowed) => drop(header(ALLOW, allowed)),
            Self::Later => drop(header(RETRY_AFTER, "5")),
            _ => {}
        }
        // A body may have been left unread, so that the connection can't serve another request.
        if !matches!(self, Self::Refused(_) | Self::Busy | Self::Later) {
            header(CONNECTION, "close");
        }
        response
    }

    /// The table.
    fn table(&self) -> (StatusCode, String) {
        let (status, words) = match self {
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "Método no permitido"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "No autorizado"),
            Self::BodyLate => (StatusCode::REQUEST_TIMEOUT, "El cuerpo tardó demasiado"),
            Self::BodyBroken => (StatusCode::BAD_REQUEST, "El cuerpo llegó incompleto"),
            Self::Busy => (StatusCode::CONFLICT, "Ya hay un batch en proceso para este workspace"),
            Self::Later => (StatusCode::SERVICE_UNAVAILABLE, "El batch no se pudo guardar; envíelo de nuevo"),
            Self::TooLarge(limit) => {
                return (StatusCode::PAYLOAD_TOO_LARGE, format!("El cuerpo supera {limit} bytes"));
            }
            Self::Refused(words) => return (StatusCode::BAD_REQUEST, words.clone()),
        };
        (status, words.to_owned())
    }
}

impl From<AcceptError> for Answer {
    fn from(error: AcceptError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a batch could not be taken");
        Self::Later
    }
}

impl From<HostError> for Answer {
    fn from(error: HostError) -> Self {
        tracing::warn!(%error, "results may not go where a batch wants them");
        match error {
            HostError::Unresolved(_) => Self::Later,
            HostError::NotListed | HostError::Private => {
                Self::Refused("Campo inválido: callbackUrl no está permitida".into())
            }
        }
    }
}

pub(super) fn accepted(job: JobId) -> Response {
    reply(StatusCode::OK, &json!({"success": true, "jobId": job, "message": "Batch aceptado, procesando..."}))
}

pub(super) fn alive() -> Response {
    reply(StatusCode::OK, &json!({"status": "ok"}))
}

fn reply(status: StatusCode, body: &Value) -> Response {
    warp::reply::with_status(warp::reply::json(body), status).into_response()
}
