//! What an operator did, as it is recorded with the change itself: who, when, what. Values only.

use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::new_job::NewJob;
use crate::operation::{Command, Effect};

/// A recorded action. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// Its number; the store's to give.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The idempotency key it came under.
    #[serde(rename = "idempotencyKey")]
    pub key: Option<String>,
    /// What, in a word.
    pub verb: String,
    /// The job it was about.
    pub job_id: Option<JobId>,
    /// What was asked.
    pub request: Value,
    /// What it did.
    pub effect: Value,
}

impl Action {
    /// The record of what a command did; `None` when that needs none: nothing changed, and nobody will ask again
    /// under a key.
    #[must_use]
    pub fn of(command: &Command, effect: &Effect, now: Timestamp) -> Option<Self> {
        if *effect == Effect::Nothing && command.key.is_none() {
            return None;
        }
        let of_report = match effect {
            Effect::Resolved(applied) => Some(applied.job_id),
            _ => None,
        };
        Some(Self {
            id: 0,
            at: now,
            actor: command.actor.name().to_owned(),
            key: command.key.clone(),
            verb: command.operation.verb().to_owned(),
            job_id: command.operation.job_id().or(of_report),
            request: serde_json::to_value(&command.operation).unwrap_or_default(),
            effect: serde_json::to_value(effect).unwrap_or_default(),
        })
    }

    /// The record of a job that was made. Its idempotency key is the job's own affair: keys are one workspace's there.
    #[must_use]
    pub fn of_creation(job: &NewJob, now: Timestamp) -> Self {
        Self {
            id: 0,
            at: now,
            actor: job.actor.name().to_owned(),
            key: None,
            verb: "create".to_owned(),
            job_id: Some(job.id),
            request: json!({"create": {
                "workspaceId": job.workspace_id, "orders": job.items.len(), "deadline": job.deadline,
                "idempotencyKey": job.idempotency_key,
            }}),
            effect: json!({"created": {"jobId": job.id}}),
        }
    }
}
