//! Dead letters: listed, redriven, given up.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::columns::Columns;
use super::error::PostgresError;
use super::outbox::{entry, entry_columns};
use super::rows::{moment, system_time};
use super::session::{Session, Statement};
use crate::clock::Timestamp;
use crate::operation::{Effect, Objection};
use crate::outbox::{DeadLetter, Dropped, Entry, EntryId};
use crate::page::{Cursor, Page};
use crate::query::LetterQuery;

static LIST: Statement = Statement {
    sql: concat!(
        "SELECT ",
        entry_columns!(),
        ", recorded_at, dropped_at,
            coalesce(reason, '') AS reason, coalesce(drop_reason, '') AS drop_reason
        FROM robot_callback.outbox WHERE state = 'dead' AND (dropped_at IS NOT NULL) = $1 AND id > $2
        ORDER BY id LIMIT $3"
    ),
    types: &[Type::BOOL, Type::INT8, Type::INT8],
};

static REDRIVE: Statement = Statement {
    sql: "UPDATE robot_callback.outbox SET state = 'due', due_at = $2
        WHERE state = 'dead' AND dropped_at IS NULL AND ($1::bigint[] IS NULL OR id = ANY($1)) RETURNING id",
    types: &[Type::INT8_ARRAY, Type::TIMESTAMPTZ],
};

static LOCK: Statement = Statement {
    sql: "SELECT state = 'dead' AS dead, dropped_at IS NOT NULL AS dropped, event_id
        FROM robot_callback.outbox WHERE id = $1 FOR UPDATE",
    types: &[Type::INT8],
};

static GIVE_UP: Statement = Statement {
    sql: "UPDATE robot_callback.outbox SET dropped_at = $2, drop_reason = $3 WHERE id = $1",
    types: &[Type::INT8, Type::TIMESTAMPTZ, Type::TEXT],
};

pub(super) async fn list(db: &Session, query: LetterQuery) -> Result<Page<DeadLetter>, PostgresError> {
    let after = query.page.after.map_or(i64::MIN, |after| after.place);
    let rows = db.query(&LIST, &[&query.dropped, &after, &query.page.probe()]).await?;
    let found = rows.iter().map(letter).collect::<Result<Vec<DeadLetter>, _>>()?;
    Ok(Page::cut(found.into_iter().map(|letter| (Cursor::at(letter.id), letter)), query.page.limit))
}

fn letter(row: &Row) -> Result<DeadLetter, PostgresError> {
    let Entry { id, event, failures, .. } = entry(&mut Columns::of(row))?;
    let dropped = match moment(row, "dropped_at")? {
        Some(at) => Some(Dropped { at, reason: row.try_get("drop_reason")? }),
        None => None,
    };
    let recorded_at = moment(row, "recorded_at")?.unwrap_or(Timestamp::EPOCH);
    Ok(DeadLetter { id, event, reason: row.try_get("reason")?, failures, recorded_at, dropped })
}

/// Puts dead letters back among the due, all or those named; says which.
pub(super) async fn redrive(
    db: &Session,
    only: Option<&[EntryId]>,
    now: Timestamp,
) -> Result<Vec<EntryId>, PostgresError> {
    let rows = db.query(&REDRIVE, &[&only, &system_time(now)]).await?;
    let mut redriven =
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<_>, PostgresError>>()?;
    redriven.sort_unstable();
    Ok(redriven)
}

pub(super) async fn give_up(
    db: &Session,
    id: EntryId,
    reason: &str,
    now: Timestamp,
) -> Result<Result<Effect, Objection>, PostgresError> {
    let found = db.query(&LOCK, &[&id]).await?;
    let Some(row) = found.first() else { return Ok(Err(Objection::NO_ENTRY)) };
    let (dead, dropped): (bool, bool) = (row.try_get("dead")?, row.try_get("dropped")?);
    if !dead || dropped {
        return Ok(if dropped { Ok(Effect::Nothing) } else { Err(Objection::NotDead) });
    }
    db.execute(&GIVE_UP, &[&id, &system_time(now), &reason]).await?;
    Ok(Ok(Effect::Dropped { event_id: row.try_get("event_id")? }))
}
