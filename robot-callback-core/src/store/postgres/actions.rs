//! The record of what operators did: added to, and never changed.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::error::PostgresError;
use super::rows::{moment, system_time, unreadable};
use super::session::{Session, Statement};
use crate::action::Action;
use crate::clock::Timestamp;
use crate::id::JobId;
use crate::page::{Cursor, Page};
use crate::query::ActionQuery;

/// Whoever comes under the same key waits until this transaction has ended.
static HOLD_KEY: Statement = Statement {
    sql: "SELECT pg_advisory_xact_lock(hashtextextended('robot_callback.action ' || $1, 0))",
    types: &[Type::TEXT],
};

static UNDER: Statement = Statement {
    sql: "SELECT id, at, actor, idempotency_key, verb, job_id, request, effect
        FROM robot_callback.operator_actions WHERE idempotency_key = $1",
    types: &[Type::TEXT],
};

static RECORD: Statement = Statement {
    sql: "INSERT INTO robot_callback.operator_actions
            (at, actor, idempotency_key, verb, job_id, request, effect) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    types: &[Type::TIMESTAMPTZ, Type::TEXT, Type::TEXT, Type::TEXT, Type::UUID, Type::TEXT, Type::TEXT],
};

static LIST: Statement = Statement {
    sql: "SELECT id, at, actor, idempotency_key, verb, job_id, request, effect
        FROM robot_callback.operator_actions WHERE ($1::uuid IS NULL OR job_id = $1) AND id < $2
        ORDER BY id DESC LIMIT $3",
    types: &[Type::UUID, Type::INT8, Type::INT8],
};

/// What was done under that key, which is held from now on.
pub(super) async fn under(db: &Session, key: &str) -> Result<Option<Action>, PostgresError> {
    db.query(&HOLD_KEY, &[&key]).await?;
    db.query(&UNDER, &[&key]).await?.first().map(action).transpose()
}

pub(super) async fn record(db: &Session, action: &Action) -> Result<(), PostgresError> {
    let Action { at, actor, key, verb, job_id, request, effect, .. } = action;
    let (request, effect) = (request.to_string(), effect.to_string());
    let job = job_id.map(|JobId(id)| id);
    db.execute(&RECORD, &[&system_time(*at), actor, key, verb, &job, &request, &effect]).await?;
    Ok(())
}

pub(super) async fn list(db: &Session, query: &ActionQuery) -> Result<Page<Action>, PostgresError> {
    let after = query.page.after.map_or(i64::MAX, |after| after.place);
    let job = query.job.map(|JobId(id)| id);
    let rows = db.query(&LIST, &[&job, &after, &query.page.probe()]).await?;
    let found = rows.iter().map(action).collect::<Result<Vec<Action>, _>>()?;
    Ok(Page::cut(found.into_iter().map(|action| (Cursor::at(action.id), action)), query.page.limit))
}

fn action(row: &Row) -> Result<Action, PostgresError> {
    let json = |column| -> Result<serde_json::Value, PostgresError> {
        serde_json::from_str(row.try_get(column)?).map_err(|error| unreadable(column, error.to_string()))
    };
    Ok(Action {
        id: row.try_get("id")?,
        at: moment(row, "at")?.unwrap_or(Timestamp::EPOCH),
        actor: row.try_get("actor")?,
        key: row.try_get("idempotency_key")?,
        verb: row.try_get("verb")?,
        job_id: row.try_get::<_, Option<Uuid>>("job_id")?.map(JobId),
        request: json("request")?,
        effect: json("effect")?,
    })
}
