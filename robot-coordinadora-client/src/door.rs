//! The robot's door: `POST /api/crear-pedidos-batch` and `GET /api/health` as warp filters. An adapter: it decides who may
//! come in and where results may go, and translates; what is done with a batch is the robot's business.

mod answer;
mod body;
mod hosts;

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{SECRET_HEADER, Secrets};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::reply::Response;

use self::answer::{Answer, accepted, alive};
pub use self::hosts::{CallbackHosts, HostError};
use crate::batch::{Acceptance, Robot};
use crate::request::BatchRequest;

/// Who may come in by the door, and where results may go.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// The hosts that results may be sent to. Default: none, so that every batch is refused.
    pub callback_hosts: CallbackHosts,
    /// What a caller has to bring in `X-Callback-Secret`. Default: nothing, and whoever reaches the door may come in.
    pub secrets: Option<Secrets>,
    /// The largest request, in bytes. Default: 8 MiB.
    pub max_body: usize,
    /// How long a request may take to arrive. Default: 30 seconds.
    pub body_deadline: Duration,
}

impl Default for DoorOptions {
    fn default() -> Self {
        Self {
            callback_hosts: CallbackHosts::default(),
            secrets: None,
            max_body: 8 * 1024 * 1024,
            body_deadline: Duration::from_secs(30),
        }
    }
}

/// The robot's door. Other paths are rejected, for the filters that follow; on its own paths it always replies.
///
/// | answer | when | body |
/// |---|---|---|
/// | 200 | accepted now, or this `jobId` was before | `{"success":true,"jobId":…,"message":"Batch aceptado, procesando..."}` |
/// | 400 | a field is missing or breaks a rule, no order names a city, or results may not go there | `{"success":false,"error":"Campo requerido: workspaceId"}` |
/// | 401 | the secret is absent or wrong, where one is asked for | likewise |
/// | 405, 408, 413 | not `POST` (with `Allow`), a body that took too long or is too large | likewise |
/// | 409 | another batch of the workspace is in process | `{"success":false,"error":"Ya hay un batch en proceso para este workspace"}` |
/// | 503 | nothing was taken; send it again after `Retry-After` | likewise |
///
/// An order may say which attempt at its item it is: `attempt`, a whole number from 1. Every report on it says so then
/// ([`BatchOrder::attempt`](crate::BatchOrder::attempt)), and one that arrives after the item was re-opened is `stale`
/// there, not the result of the attempt that is open now.
#[must_use]
pub fn door(robot: Robot, options: DoorOptions) -> BoxedFilter<(Response,)> {
    let health = warp::path!("api" / "health").and(warp::method()).map(|method: Method| {
        if matches!(method, Method::GET | Method::HEAD) {
            alive()
        } else {
            Answer::Method("GET, HEAD").reply()
        }
    });
    let options = Arc::new(options);
    let batches = warp::path!("api" / "crear-pedidos-batch")
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method: Method, headers: HeaderMap, body| {
            let (robot, options) = (robot.clone(), options.clone());
            async move {
                match take(&robot, &options, &method, &headers, body::read(body, &options)).await {
                    Ok(response) => response,
                    Err(answer) => answer.reply(),
                }
            }
        });
    batches.boxed().or(health.boxed()).unify().boxed()
}

/// Nothing of the body is read before the secret has been checked.
async fn take(
    robot: &Robot,
    options: &DoorOptions,
    method: &Method,
    headers: &HeaderMap,
    body: impl Future<Output = Result<Vec<u8>, Answer>>,
) -> Result<Response, Answer> {
    if method != Method::POST {
        return Err(Answer::Method("POST"));
    }
    let presented = headers.get(SECRET_HEADER).map(|value| value.as_bytes());
    if options.secrets.as_ref().is_some_and(|secrets| !secrets.presented(presented).is_valid()) {
        return Err(Answer::Unauthorized);
    }
    if body::declares_too_much(headers, options.max_body) {
        return Err(Answer::TooLarge(options.max_body));
    }
    let request =
        BatchRequest::from_json(&body.await?).map_err(|error| Answer::Refused(error.to_string()))?;
    options.callback_hosts.admit(&request.callback_url).await?;
    let (job, workspace) = (request.job_id, request.workspace_id);
    match robot.accept(request).await? {
        Acceptance::Accepted | Acceptance::AlreadyAccepted => {
            tracing::info!(job.id = %job, workspace.id = %workspace, "a batch is accepted");
            Ok(accepted(job))
        }
        Acceptance::Busy => Err(Answer::Busy),
        Acceptance::Rejected(rejection) => Err(Answer::Refused(rejection.to_string())),
    }
}
