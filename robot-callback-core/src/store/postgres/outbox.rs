//! The outbox table: claimed, settled, pruned. While an entry is leased its `due_at` is the lease's end, so a lease
//! that ran out is simply due again.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio_postgres::types::Type;

use super::columns::Columns;
use super::error::PostgresError;
use super::rows::{moment, system_time};
use super::session::{Session, Statement};
use crate::clock::Timestamp;
use crate::event::Event;
use crate::outbox::{Claim, Entry, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};

/// An entry's columns, in the order of [`entry`].
macro_rules! entry_columns {
    () => {
        "id, event_id, name, data, traceparent, failures, deliveries"
    };
}

pub(super) use entry_columns;

/// What was never delivered goes first. The ids come as an array, because a join with them may be planned as a walk
/// through the whole table, and then a claim takes the longer the more was ever delivered.
static CLAIM: Statement = Statement {
    sql: concat!(
        "WITH due AS MATERIALIZED (
            SELECT id FROM robot_callback.outbox WHERE state = 'due' AND due_at <= $3
            ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED),
        repeats AS MATERIALIZED (
            SELECT id FROM robot_callback.outbox WHERE repeat_at <= $3
            ORDER BY repeat_at, id LIMIT $4 - (SELECT count(*) FROM due) FOR UPDATE SKIP LOCKED)
        UPDATE robot_callback.outbox o SET lease = $1,
            due_at = CASE WHEN o.state = 'due' THEN $2 ELSE o.due_at END,
            repeat_at = CASE WHEN o.state = 'due' THEN NULL ELSE $2 END
        WHERE o.id = ANY (ARRAY(SELECT id FROM due UNION ALL SELECT id FROM repeats))
        RETURNING ",
        entry_columns!()
    ),
    types: &[Type::UUID, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ, Type::INT8],
};

/// One that was delivered before, and is sent again, stays delivered whatever becomes of the repeat. (A `CASE`, here and
/// below: an `OR` invites a walk through the index of what is due, full of rows that are gone, for each entry.)
static DELIVERED: Statement = Statement {
    sql:
        "UPDATE robot_callback.outbox o SET state = 'delivered', lease = NULL, deliveries = o.deliveries + 1,
            delivered_at = coalesce(o.delivered_at, $4),
            repeat_at = CASE WHEN o.acknowledged_at IS NULL THEN u.repeat_at END
        FROM unnest($1, $3) AS u (id, repeat_at)
        WHERE o.id = u.id AND o.lease = $2 AND CASE o.state WHEN 'due' THEN true ELSE o.repeat_at IS NOT NULL END",
    types: &[Type::INT8_ARRAY, Type::UUID, Type::TIMESTAMPTZ_ARRAY, Type::TIMESTAMPTZ],
};

static AGAIN: Statement = Statement {
    sql: "UPDATE robot_callback.outbox o
        SET lease = NULL, failures = o.failures + 1, reason = u.reason,
            due_at = CASE WHEN o.state = 'due' THEN u.due_at ELSE o.due_at END,
            repeat_at = CASE WHEN o.state = 'due' THEN NULL ELSE u.due_at END
        FROM unnest($1, $3, $4) AS u (id, due_at, reason)
        WHERE o.id = u.id AND o.lease = $2 AND CASE o.state WHEN 'due' THEN true ELSE o.repeat_at IS NOT NULL END",
    types: &[Type::INT8_ARRAY, Type::UUID, Type::TIMESTAMPTZ_ARRAY, Type::TEXT_ARRAY],
};

static DEAD: Statement = Statement {
    sql: "UPDATE robot_callback.outbox o
        SET state = CASE WHEN o.state = 'due' THEN 'dead' ELSE o.state END, repeat_at = NULL, lease = NULL,
            failures = o.failures + 1, reason = u.reason
        FROM unnest($1, $3) AS u (id, reason)
        WHERE o.id = u.id AND o.lease = $2 AND CASE o.state WHEN 'due' THEN true ELSE o.repeat_at IS NOT NULL END",
    types: &[Type::INT8_ARRAY, Type::UUID, Type::TEXT_ARRAY],
};

static GIVE_BACK: Statement = Statement {
    sql: "UPDATE robot_callback.outbox SET lease = NULL, due_at = $3
        WHERE id = ANY ($1) AND lease = $2 AND state = 'due'",
    types: &[Type::INT8_ARRAY, Type::UUID, Type::TIMESTAMPTZ],
};

static ACKNOWLEDGE: Statement = Statement {
    sql: "UPDATE robot_callback.outbox SET acknowledged_at = $2, repeat_at = NULL
        WHERE event_id = $1 AND acknowledged_at IS NULL",
    types: &[Type::TEXT, Type::TIMESTAMPTZ],
};

static PRUNE: Statement = Statement {
    sql: "DELETE FROM robot_callback.outbox WHERE id IN (
            SELECT id FROM robot_callback.outbox
            WHERE state = 'delivered' AND repeat_at IS NULL AND delivered_at < $1
            ORDER BY delivered_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    types: &[Type::TIMESTAMPTZ, Type::INT8],
};

static DEPTH: Statement = Statement {
    sql: "SELECT count(*) FILTER (WHERE state = 'due') AS pending,
            count(*) FILTER (WHERE state = 'dead' AND dropped_at IS NULL) AS dead,
            min(recorded_at) FILTER (WHERE state = 'due') AS oldest
        FROM robot_callback.outbox WHERE state IN ('due', 'dead')",
    types: &[],
};

pub(super) async fn claim(db: &Session, claim: Claim, now: Timestamp) -> Result<Lease, PostgresError> {
    let token = LeaseToken::new_v4();
    let until = system_time(now.after(claim.lease));
    let rows = db.query(&CLAIM, &[&token, &until, &system_time(now), &limited(claim.limit)]).await?;
    let mut entries =
        rows.iter().map(|row| entry(&mut Columns::of(row))).collect::<Result<Vec<Entry>, PostgresError>>()?;
    entries.sort_unstable_by_key(|entry| entry.id);
    Ok(Lease { token, entries })
}

pub(super) async fn settle(
    db: &Session,
    lease: LeaseToken,
    settlements: &[(EntryId, Settlement)],
    now: Timestamp,
) -> Result<(), PostgresError> {
    let (mut delivered, mut repeats) = (Vec::new(), Vec::new());
    let (mut again, mut due, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    let (mut dead, mut causes) = (Vec::new(), Vec::new());
    for (id, settlement) in settlements {
        match settlement {
            Settlement::Delivered => {
                delivered.push(*id);
                repeats.push(None);
            }
            Settlement::Repeat { after } => {
                delivered.push(*id);
                repeats.push(Some(system_time(now.after(*after))));
            }
            Settlement::Again { after, reason } => {
                again.push(*id);
                due.push(system_time(now.after(*after)));
                reasons.push(reason.as_str());
            }
            Settlement::Dead { reason } => {
                dead.push(*id);
                causes.push(reason.as_str());
            }
        }
    }
    if !delivered.is_empty() {
        db.execute(&DELIVERED, &[&delivered, &lease, &repeats, &system_time(now)]).await?;
    }
    if !again.is_empty() {
        db.execute(&AGAIN, &[&again, &lease, &due, &reasons]).await?;
    }
    if !dead.is_empty() {
        db.execute(&DEAD, &[&dead, &lease, &causes]).await?;
    }
    Ok(())
}

/// Ends a lease before its time: those entries are due now.
pub(super) async fn give_back(
    db: &Session,
    lease: LeaseToken,
    entries: &[EntryId],
    now: Timestamp,
) -> Result<(), PostgresError> {
    db.execute(&GIVE_BACK, &[&entries, &lease, &system_time(now)]).await?;
    Ok(())
}

pub(super) async fn prune(
    db: &Session,
    older_than: Duration,
    limit: usize,
    now: Timestamp,
) -> Result<usize, PostgresError> {
    let span = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    let before = system_time(Timestamp::from_millis(now.as_millis().saturating_sub(span)));
    changed(db.execute(&PRUNE, &[&before, &limited(limit)]).await?)
}

/// Ends the repeats of an event; says whether that is news. What was never delivered still will be, once.
pub(super) async fn acknowledge(db: &Session, event_id: &str, now: Timestamp) -> Result<bool, PostgresError> {
    Ok(db.execute(&ACKNOWLEDGE, &[&event_id, &system_time(now)]).await? > 0)
}

pub(super) async fn depth(db: &Session) -> Result<OutboxDepth, PostgresError> {
    let rows = db.query(&DEPTH, &[]).await?;
    let Some(row) = rows.first() else { return Ok(OutboxDepth::default()) };
    let number = |column| -> Result<u64, PostgresError> {
        Ok(u64::try_from(row.try_get::<_, i64>(column)?).unwrap_or_default())
    };
    Ok(OutboxDepth { pending: number("pending")?, dead: number("dead")?, oldest: moment(row, "oldest")? })
}

pub(super) fn entry(columns: &mut Columns<'_>) -> Result<Entry, PostgresError> {
    let (id, event_id) = (columns.take()?, columns.take()?);
    let (name, data) = (columns.take()?, columns.read(RawValue::from_string)?);
    let event = Event { name, id: event_id, data, traceparent: columns.take()? };
    Ok(Entry { id, event, failures: columns.count()?, deliveries: columns.count()? })
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn changed(rows: u64) -> Result<usize, PostgresError> {
    Ok(usize::try_from(rows).unwrap_or(usize::MAX))
}
