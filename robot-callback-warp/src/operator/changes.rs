//! What an operator changes: each request is one [`Operation`], done once under its key and recorded.

use robot_callback_core::{
    Allowance, Command, Deadline, EntryId, FieldError, ItemId, Object, Objection, Operation, Resolution,
    Timestamp, Whole,
};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use warp::http::StatusCode;
use warp::reply::Response;

use super::ask::Ask;
use super::jobs::job_id;
use super::refusal::Refusal;
use super::within;
use crate::reply::json as reply_json;

async fn operate(ask: Ask, operation: Operation) -> Result<Response, Refusal> {
    ask.query.end()?;
    let command = Command { operation, actor: ask.actor, key: ask.key };
    let done = within(ask.operator.store.operate(command)).await?.map_err(Refusal::Objection)?;
    Ok(reply_json(StatusCode::OK, &json!({"effect": done.effect, "repeated": done.repeated})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Retry {
    items: Option<Vec<ItemId>>,
    run: Option<Whole<u32>>,
    #[serde(default, deserialize_with = "said")]
    deadline: Option<Option<Timestamp>>,
    allowance: Option<Object<Allowance>>,
}

/// A field that is there, be it `null`.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `POST /api/jobs/{id}/retry`: re-opens failed items, once.
pub(super) async fn retry(ask: Ask) -> Result<Response, Refusal> {
    let job_id = job_id(&ask.named)?;
    let Retry { items, run, deadline, allowance } = ask.json()?;
    let run = run.map(|Whole(run)| run);
    if run.is_none() && ask.key.is_none() {
        return Err(FieldError::new("run", "is required where there is no idempotency-key").into());
    }
    let deadline =
        Deadline::of_fields(deadline, allowance.map(|Object(formula)| formula))?.or(ask.operator.allowance);
    operate(ask, Operation::Retry { job_id, items, run, deadline }).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewDeadline {
    #[serde(default, deserialize_with = "said")]
    deadline: Option<Option<Timestamp>>,
    allowance: Option<Object<Allowance>>,
}

/// `PUT /api/jobs/{id}/deadline`: another deadline, or none.
pub(super) async fn deadline(ask: Ask) -> Result<Response, Refusal> {
    let job_id = job_id(&ask.named)?;
    let NewDeadline { deadline, allowance } = ask.json()?;
    let deadline = Deadline::of_fields(deadline, allowance.map(|Object(formula)| formula))?;
    if deadline == Deadline::Unsaid {
        return Err(FieldError::new("deadline", "is required: a moment, or null for none").into());
    }
    operate(ask, Operation::SetDeadline { job_id, deadline }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledged {
    run: Option<Whole<u32>>,
}

/// `POST /api/jobs/{id}/completion/acknowledge`: the completion is not sent again.
pub(super) async fn acknowledge(ask: Ask) -> Result<Response, Refusal> {
    let job_id = job_id(&ask.named)?;
    let Acknowledged { run } = ask.json()?;
    let run = run.map(|Whole(run)| run);
    operate(ask, Operation::Acknowledge { job_id, run }).await
}

/// `POST /api/kept-reports/{id}/accept`: the kept report wins.
pub(super) async fn accept(ask: Ask) -> Result<Response, Refusal> {
    resolve(ask, Resolution::Accepted).await
}

/// `POST /api/kept-reports/{id}/dismiss`: the kept report stays without effect.
pub(super) async fn dismiss(ask: Ask) -> Result<Response, Refusal> {
    resolve(ask, Resolution::Dismissed).await
}

async fn resolve(ask: Ask, resolution: Resolution) -> Result<Response, Refusal> {
    let kept_id = ask.named.parse().map_err(|_| Refusal::Objection(Objection::NO_KEPT_REPORT))?;
    let Nothing {} = ask.json()?;
    operate(ask, Operation::Resolve { kept_id, resolution }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redrive {
    entries: Option<Vec<Whole<EntryId>>>,
    #[serde(default)]
    all: bool,
}

/// `POST /api/dead-letters/redrive`: dead letters are due again; which must be said.
pub(super) async fn redrive(ask: Ask) -> Result<Response, Refusal> {
    let Redrive { entries, all } = ask.json()?;
    if entries.is_some() == all {
        return Err(
            FieldError::new("entries", "must list dead letters, or all must be true in its place").into()
        );
    }
    let entries = entries.map(|entries| entries.into_iter().map(|Whole(entry)| entry).collect());
    operate(ask, Operation::Redrive { entries }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drop {
    reason: String,
}

/// `POST /api/dead-letters/{id}/drop`: a dead letter is given up, for a reason.
pub(super) async fn drop(ask: Ask) -> Result<Response, Refusal> {
    let entry_id = ask.named.parse().map_err(|_| Refusal::Objection(Objection::NO_ENTRY))?;
    let Drop { reason } = ask.json()?;
    if !(1..=500).contains(&reason.trim().chars().count()) {
        return Err(FieldError::new("reason", "must be 1 to 500 characters long").into());
    }
    if reason.contains('\0') {
        return Err(FieldError::new("reason", "must not contain the character U+0000").into());
    }
    operate(ask, Operation::Drop { entry_id, reason: reason.trim().to_owned() }).await
}
