//! The outbox table: recorded, claimed, settled, pruned. While an entry is leased its `due_at` is the lease's end,
//! so a lease that ran out is simply due again.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde_json::value::RawValue;

use super::rows;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::outbox::{Claim, DeadLetter, Entry, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};

/// Records an event, unless one of that id was recorded before; says how many it recorded.
pub(super) fn record(db: &Connection, event: &Event, now: Timestamp) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO outbox (event_id, name, data, traceparent, due_at, recorded_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (event_id) DO NOTHING";
    let Event { name, id, data, traceparent } = event;
    db.prepare_cached(sql)?.execute(params![id, name, data.get(), traceparent, now.as_millis()])
}

pub(super) fn any_due(db: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM outbox WHERE state = 'due' AND due_at <= ?1 LIMIT 1")?
        .exists([now.as_millis()])
}

pub(super) fn claim(db: &Connection, claim: Claim, now: Timestamp) -> rusqlite::Result<Lease> {
    let sql = "UPDATE outbox SET lease = ?1, due_at = ?2 WHERE id IN
        (SELECT id FROM outbox WHERE state = 'due' AND due_at <= ?3 ORDER BY due_at, id LIMIT ?4)
        RETURNING id, event_id, name, data, traceparent, failures";
    let token = LeaseToken::new_v4();
    let until = now.after(claim.lease).as_millis();
    let mut update = db.prepare_cached(sql)?;
    let claimed = update.query_map(params![token, until, now.as_millis(), count(claim.limit)], entry)?;
    let mut entries = claimed.collect::<rusqlite::Result<Vec<Entry>>>()?;
    entries.sort_unstable_by_key(|entry| entry.id);
    Ok(Lease { token, entries })
}

pub(super) fn settle(
    db: &Connection,
    lease: LeaseToken,
    settlements: &[(EntryId, Settlement)],
    now: Timestamp,
) -> rusqlite::Result<()> {
    const HELD: &str = "WHERE id = ?1 AND lease = ?2 AND state = 'due'";
    let delivered = format!("UPDATE outbox SET state = 'delivered', lease = NULL, delivered_at = ?3 {HELD}");
    let again =
        format!("UPDATE outbox SET lease = NULL, failures = failures + 1, due_at = ?3, reason = ?4 {HELD}");
    let dead = format!(
        "UPDATE outbox SET state = 'dead', lease = NULL, failures = failures + 1, reason = ?3 {HELD}"
    );
    for (id, settlement) in settlements {
        match settlement {
            Settlement::Delivered => {
                db.prepare_cached(&delivered)?.execute(params![id, lease, now.as_millis()])?;
            }
            Settlement::Again { after, reason } => {
                db.prepare_cached(&again)?.execute(params![
                    id,
                    lease,
                    now.after(*after).as_millis(),
                    reason
                ])?;
            }
            Settlement::Dead { reason } => {
                db.prepare_cached(&dead)?.execute(params![id, lease, reason])?;
            }
        }
    }
    Ok(())
}

pub(super) fn prune(
    db: &Connection,
    older_than: Duration,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM outbox WHERE id IN
        (SELECT id FROM outbox WHERE state = 'delivered' AND delivered_at < ?1 ORDER BY delivered_at LIMIT ?2)";
    let span = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    db.prepare_cached(sql)?.execute(params![now.as_millis().saturating_sub(span), count(limit)])
}

pub(super) fn dead_letters(db: &Connection, limit: usize) -> rusqlite::Result<Vec<DeadLetter>> {
    let sql = "SELECT id, event_id, name, data, traceparent, failures, coalesce(reason, '') AS reason
        FROM outbox WHERE state = 'dead' ORDER BY id LIMIT ?1";
    let mut query = db.prepare_cached(sql)?;
    let dead = query.query_map([count(limit)], |row| {
        let Entry { id, event, failures } = entry(row)?;
        Ok(DeadLetter { id, event, reason: row.get("reason")?, failures })
    })?;
    dead.collect()
}

pub(super) fn redrive(db: &Connection, ids: &[EntryId], now: Timestamp) -> rusqlite::Result<usize> {
    let mut update =
        db.prepare_cached("UPDATE outbox SET state = 'due', due_at = ?2 WHERE id = ?1 AND state = 'dead'")?;
    ids.iter().map(|id| update.execute(params![id, now.as_millis()])).sum()
}

pub(super) fn depth(db: &Connection) -> rusqlite::Result<OutboxDepth> {
    let sql = "SELECT (SELECT count(*) FROM outbox WHERE state = 'due') AS pending,
        (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead,
        (SELECT min(recorded_at) FROM outbox WHERE state = 'due') AS oldest";
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    db.query_row(sql, [], |row| {
        let oldest: Option<i64> = row.get("oldest")?;
        let (pending, dead) = (number(row.get("pending")?), number(row.get("dead")?));
        Ok(OutboxDepth { pending, dead, oldest: oldest.map(Timestamp::from_millis) })
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let data = RawValue::from_string(row.get("data")?)
        .map_err(|error| rows::unreadable(row, "data", error.to_string()))?;
    let (name, id, traceparent) = (row.get("name")?, row.get("event_id")?, row.get("traceparent")?);
    let event = Event { name, id, data, traceparent };
    Ok(Entry { id: row.get("id")?, event, failures: row.get("failures")? })
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
