//! The record of what operators did: added to, and never changed.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::columns::Columns;
use crate::action::Action;
use crate::id::JobId;
use crate::page::{Cursor, Page};
use crate::query::ActionQuery;

/// In the order in which [`action`] reads them.
const COLUMNS: &str = "id, at, actor, idempotency_key, verb, job_id, request, effect";

/// What was done under that key.
pub(super) fn under(db: &Connection, key: &str) -> rusqlite::Result<Option<Action>> {
    let sql = format!("SELECT {COLUMNS} FROM operator_actions WHERE idempotency_key = ?1");
    db.prepare_cached(&sql)?.query_row([key], action).optional()
}

pub(super) fn record(db: &Connection, action: &Action) -> rusqlite::Result<()> {
    let sql = "INSERT INTO operator_actions (at, actor, idempotency_key, verb, job_id, request, effect)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Action { at, actor, key, verb, job_id, request, effect, .. } = action;
    let (request, effect) = (request.to_string(), effect.to_string());
    let job = job_id.map(|JobId(id)| id);
    db.prepare_cached(sql)?.execute(params![at.as_millis(), actor, key, verb, job, request, effect]).map(drop)
}

pub(super) fn list(db: &Connection, query: &ActionQuery) -> rusqlite::Result<Page<Action>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM operator_actions WHERE (?1 IS NULL OR job_id = ?1) AND id < ?2
         ORDER BY id DESC LIMIT ?3"
    );
    let after = query.page.after.map_or(i64::MAX, |after| after.place);
    let mut list = db.prepare_cached(&sql)?;
    let found = list.query_map(params![query.job.map(|JobId(id)| id), after, query.page.probe()], action)?;
    let found = found.collect::<rusqlite::Result<Vec<Action>>>()?;
    Ok(Page::cut(found.into_iter().map(|action| (Cursor::at(action.id), action)), query.page.limit))
}

fn action(row: &Row<'_>) -> rusqlite::Result<Action> {
    let columns = &mut Columns::of(row);
    Ok(Action {
        id: columns.take()?,
        at: columns.moment()?,
        actor: columns.take()?,
        key: columns.take()?,
        verb: columns.take()?,
        job_id: columns.take::<Option<Uuid>>()?.map(JobId),
        request: columns.read(|text: String| serde_json::from_str(&text))?,
        effect: columns.read(|text: String| serde_json::from_str(&text))?,
    })
}
