//! What an operator looks at beside jobs.

use robot_callback_core::{ActionQuery, Clock, KeptQuery, LetterQuery, SystemClock};
use serde_json::json;
use warp::http::StatusCode;
use warp::reply::Response;

use super::ask::Ask;
use super::jobs::job_id;
use super::refusal::Refusal;
use super::within;
use crate::reply::json as reply_json;

/// `GET /api/kept-reports`: those of all jobs that wait for a decision.
pub(super) async fn kept(ask: Ask) -> Result<Response, Refusal> {
    list_kept(ask, KeptQuery { open: true, ..KeptQuery::default() }).await
}

/// `GET /api/jobs/{id}/kept-reports`: all of a job.
pub(super) async fn kept_of_job(ask: Ask) -> Result<Response, Refusal> {
    let job = Some(job_id(&ask.named)?);
    list_kept(ask, KeptQuery { job, ..KeptQuery::default() }).await
}

async fn list_kept(mut ask: Ask, mut query: KeptQuery) -> Result<Response, Refusal> {
    query.open = ask.query.switch("open")?.unwrap_or(query.open);
    query.page = ask.query.page()?;
    ask.query.end()?;
    let page = within(ask.operator.store.kept_reports(query)).await?;
    Ok(reply_json(StatusCode::OK, &json!({"keptReports": page.rows, "next": page.next})))
}

/// `GET /api/outbox`: how much waits, and since when.
pub(super) async fn outbox(ask: Ask) -> Result<Response, Refusal> {
    ask.query.end()?;
    let depth = within(ask.operator.store.outbox_depth()).await?;
    let mut shown = json!(depth);
    shown["oldestAgeSecs"] = json!(depth.oldest.map(|oldest| SystemClock.now().since(oldest).as_secs()));
    Ok(reply_json(StatusCode::OK, &shown))
}

/// `GET /api/dead-letters`: what was refused for good, and may be redriven; or what was dropped.
pub(super) async fn dead_letters(mut ask: Ask) -> Result<Response, Refusal> {
    let dropped = ask.query.switch("dropped")?.unwrap_or_default();
    let query = LetterQuery { dropped, page: ask.query.page()? };
    ask.query.end()?;
    let page = within(ask.operator.store.dead_letters(query)).await?;
    Ok(reply_json(StatusCode::OK, &json!({"deadLetters": page.rows, "next": page.next})))
}

/// `GET /api/actions`: what operators did, newest first.
pub(super) async fn actions(mut ask: Ask) -> Result<Response, Refusal> {
    let job = ask.query.take("jobId", "must be a UUID")?;
    let query = ActionQuery { job, page: ask.query.page()? };
    ask.query.end()?;
    let page = within(ask.operator.store.actions(query)).await?;
    Ok(reply_json(StatusCode::OK, &json!({"actions": page.rows, "next": page.next})))
}

/// `GET /api/verify`: every job recounted from its items.
pub(super) async fn verify(ask: Ask) -> Result<Response, Refusal> {
    ask.query.end()?;
    let found = within(ask.operator.store.verify()).await?;
    Ok(reply_json(StatusCode::OK, &json!({"discrepancies": found})))
}
