//! Jobs: made, listed, shown.

use robot_callback_core::{Creation, ItemQuery, ItemStatus, JobId, JobQuery, JobStatus, NewJob, PageRequest};
use serde_json::json;
use warp::http::StatusCode;
use warp::http::header::{HeaderValue, LOCATION};
use warp::reply::Response;

use super::ask::Ask;
use super::refusal::Refusal;
use super::{Operator, within};
use crate::reply::json as reply_json;

/// `POST /api/jobs`: makes a job.
pub(super) async fn make(ask: Ask) -> Result<Response, Refusal> {
    ask.query.end()?;
    let mut job = NewJob::from_json(&ask.body, ask.key)?;
    job.actor = ask.actor;
    job.deadline = job.deadline.or(ask.operator.allowance);
    match within(ask.operator.store.create_job(job)).await? {
        Creation::Created(id) => Ok(made(&ask.operator, StatusCode::CREATED, id).await),
        Creation::Existing(id) => Ok(made(&ask.operator, StatusCode::OK, id).await),
        Creation::KeyReused(id) => Err(Refusal::KeyReused(id)),
        Creation::Refused(error) => Err(error.into()),
    }
}

/// The job is made by now: if it can't be shown, its id is all that is said, and no error.
async fn made(operator: &Operator, status: StatusCode, id: JobId) -> Response {
    let mut response = match within(operator.store.job(id)).await {
        Ok(Some(view)) => reply_json(status, &view),
        Ok(None) | Err(_) => reply_json(status, &json!({"jobId": id})),
    };
    if let Ok(place) = HeaderValue::try_from(format!("/api/jobs/{id}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// `GET /api/jobs`: jobs, newest first.
pub(super) async fn list(mut ask: Ask) -> Result<Response, Refusal> {
    const MOMENT: &str = "must be a moment such as 2026-11-23T15:04:05Z";
    let query = JobQuery {
        workspace: ask.query.take("workspaceId", "must be a UUID")?,
        status: ask.query.take_by(
            "status",
            "must be pending, processing, completed or failed",
            JobStatus::from_name,
        )?,
        overdue: ask.query.switch("overdue")?.unwrap_or_default(),
        created_from: ask.query.take("createdFrom", MOMENT)?,
        created_before: ask.query.take("createdBefore", MOMENT)?,
        page: ask.query.page()?,
    };
    ask.query.end()?;
    let page = within(ask.operator.store.jobs(query)).await?;
    Ok(reply_json(StatusCode::OK, &json!({"jobs": page.rows, "next": page.next})))
}

/// `GET /api/jobs/{id}`: a job with its items; all of them, or a page of them where the query asks for one.
pub(super) async fn show(mut ask: Ask) -> Result<Response, Refusal> {
    let id = job_id(&ask.named)?;
    if ask.query.is_empty() {
        let view = within(ask.operator.store.job(id)).await?.ok_or(Refusal::UnknownJob)?;
        return Ok(reply_json(StatusCode::OK, &view));
    }
    let status = ask.query.take_by(
        "itemStatus",
        "must be pending, processing, success or error",
        ItemStatus::from_name,
    )?;
    let page: PageRequest = ask.query.page()?;
    ask.query.end()?;
    let found = within(ask.operator.store.job_page(id, ItemQuery { status, page })).await?;
    let found = found.ok_or(Refusal::UnknownJob)?;
    let mut shown = json!(found.job);
    shown["items"] = json!(found.items.rows);
    shown["next"] = json!(found.items.next);
    Ok(reply_json(StatusCode::OK, &shown))
}

/// What is no job's id is no job.
pub(super) fn job_id(named: &str) -> Result<JobId, Refusal> {
    named.parse().map_err(|_| Refusal::UnknownJob)
}
