//! The outbox table: recorded, claimed, settled, pruned. While an entry is leased its `due_at` is the lease's end,
//! so a lease that ran out is simply due again.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::value::RawValue;

use super::columns::Columns;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::operation::{Effect, Objection};
use crate::outbox::{Claim, DeadLetter, Dropped, Entry, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};
use crate::page::{Cursor, Page};
use crate::query::LetterQuery;

/// What an entry is read from, in the order in which [`entry`] reads it.
const ENTRY: &str = "id, name, event_id, data, traceparent, failures, deliveries";

/// Records an event, unless one of that id was recorded before; says how many it recorded.
pub(super) fn record(db: &Connection, event: &Event, now: Timestamp) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO outbox (event_id, name, data, traceparent, due_at, recorded_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (event_id) DO NOTHING";
    let Event { name, id, data, traceparent } = event;
    db.prepare_cached(sql)?.execute(params![id, name, data.get(), traceparent, now.as_millis()])
}

pub(super) fn any_due(db: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM outbox WHERE state = 'due' AND due_at <= ?1)
        OR EXISTS (SELECT 1 FROM outbox WHERE repeat_at <= ?1)";
    db.prepare_cached(sql)?.exists([now.as_millis()])
}

/// What was never delivered goes first.
pub(super) fn claim(db: &Connection, claim: Claim, now: Timestamp) -> rusqlite::Result<Lease> {
    const FIRST: &str = "UPDATE outbox SET lease = ?1, due_at = ?2 WHERE id IN
        (SELECT id FROM outbox WHERE state = 'due' AND due_at <= ?3 ORDER BY due_at, id LIMIT ?4)";
    const REPEATS: &str = "UPDATE outbox SET lease = ?1, repeat_at = ?2 WHERE id IN
        (SELECT id FROM outbox WHERE repeat_at <= ?3 ORDER BY repeat_at, id LIMIT ?4)";
    let token = LeaseToken::new_v4();
    let until = now.after(claim.lease).as_millis();
    let mut entries: Vec<Entry> = Vec::new();
    for sql in [FIRST, REPEATS] {
        let room = count(claim.limit - entries.len());
        let mut update = db.prepare_cached(&format!("{sql} RETURNING {ENTRY}"))?;
        let claimed = update
            .query_map(params![token, until, now.as_millis(), room], |row| entry(&mut Columns::of(row)))?;
        for claimed in claimed {
            entries.push(claimed?);
        }
    }
    entries.sort_unstable_by_key(|entry| entry.id);
    Ok(Lease { token, entries })
}

/// One that was delivered before, and is sent again, stays delivered whatever becomes of the repeat.
const DELIVERED: &str = "UPDATE outbox SET state = 'delivered', lease = NULL, deliveries = deliveries + 1,
    delivered_at = coalesce(delivered_at, ?3), repeat_at = CASE WHEN acknowledged_at IS NULL THEN ?4 END
    WHERE id = ?1 AND lease = ?2 AND (state = 'due' OR repeat_at IS NOT NULL)";
const AGAIN: &str = "UPDATE outbox SET lease = NULL, failures = failures + 1, reason = ?4,
    due_at = iif(state = 'due', ?3, due_at), repeat_at = iif(state = 'due', NULL, ?3)
    WHERE id = ?1 AND lease = ?2 AND (state = 'due' OR repeat_at IS NOT NULL)";
const DEAD: &str = "UPDATE outbox SET lease = NULL, failures = failures + 1, reason = ?3,
    state = iif(state = 'due', 'dead', state), repeat_at = NULL
    WHERE id = ?1 AND lease = ?2 AND (state = 'due' OR repeat_at IS NOT NULL)";

pub(super) fn settle(
    db: &Connection,
    lease: LeaseToken,
    settlements: &[(EntryId, Settlement)],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let delivered = |id: &EntryId, again: Option<i64>| {
        db.prepare_cached(DELIVERED)?.execute(params![id, lease, now.as_millis(), again])
    };
    for (id, settlement) in settlements {
        match settlement {
            Settlement::Delivered => delivered(id, None)?,
            Settlement::Repeat { after } => delivered(id, Some(now.after(*after).as_millis()))?,
            Settlement::Again { after, reason } => {
                let due = now.after(*after).as_millis();
                db.prepare_cached(AGAIN)?.execute(params![id, lease, due, reason])?
            }
            Settlement::Dead { reason } => db.prepare_cached(DEAD)?.execute(params![id, lease, reason])?,
        };
    }
    Ok(())
}

/// Ends the repeats of an event; says whether that is news. What was never delivered still will be, once.
pub(super) fn acknowledge(db: &Connection, event_id: &str, now: Timestamp) -> rusqlite::Result<bool> {
    let sql = "UPDATE outbox SET acknowledged_at = ?2, repeat_at = NULL
        WHERE event_id = ?1 AND acknowledged_at IS NULL";
    Ok(db.prepare_cached(sql)?.execute(params![event_id, now.as_millis()])? > 0)
}

pub(super) fn prune(
    db: &Connection,
    older_than: Duration,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM outbox WHERE id IN
        (SELECT id FROM outbox WHERE state = 'delivered' AND repeat_at IS NULL AND delivered_at < ?1
         ORDER BY delivered_at LIMIT ?2)";
    let span = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    db.prepare_cached(sql)?.execute(params![now.as_millis().saturating_sub(span), count(limit)])
}

pub(super) fn dead_letters(db: &Connection, query: LetterQuery) -> rusqlite::Result<Page<DeadLetter>> {
    let sql = format!(
        "SELECT {ENTRY}, coalesce(reason, ''), recorded_at, dropped_at, coalesce(drop_reason, '') FROM outbox
         WHERE state = 'dead' AND (dropped_at IS NOT NULL) = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    let after = query.page.after.map_or(i64::MIN, |after| after.place);
    let mut list = db.prepare_cached(&sql)?;
    let found = list.query_map(params![query.dropped, after, query.page.probe()], letter)?;
    let found = found.collect::<rusqlite::Result<Vec<DeadLetter>>>()?;
    Ok(Page::cut(found.into_iter().map(|letter| (Cursor::at(letter.id), letter)), query.page.limit))
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let columns = &mut Columns::of(row);
    let Entry { id, event, failures, .. } = entry(columns)?;
    let (reason, recorded_at) = (columns.take()?, columns.moment()?);
    let (dropped_at, reason_to_drop) = (columns.moment_if_any()?, columns.take()?);
    let dropped = dropped_at.map(|at| Dropped { at, reason: reason_to_drop });
    Ok(DeadLetter { id, event, reason, failures, recorded_at, dropped })
}

/// Puts dead letters back among the due, all or those named; says which.
pub(super) fn redrive(
    db: &Connection,
    only: Option<&[EntryId]>,
    now: Timestamp,
) -> rusqlite::Result<Vec<EntryId>> {
    const DEAD: &str = "state = 'dead' AND dropped_at IS NULL";
    let dead =
        |sql: &str| format!("UPDATE outbox SET state = 'due', due_at = ?1 WHERE {DEAD}{sql} RETURNING id");
    let mut redriven = Vec::new();
    let Some(only) = only else {
        let mut update = db.prepare_cached(&dead(""))?;
        for id in update.query_map([now.as_millis()], |row| row.get(0))? {
            redriven.push(id?);
        }
        redriven.sort_unstable();
        return Ok(redriven);
    };
    let mut update = db.prepare_cached(&dead(" AND id = ?2"))?;
    for id in only {
        redriven.extend(
            update.query_row(params![now.as_millis(), id], |row| row.get::<_, EntryId>(0)).optional()?,
        );
    }
    redriven.sort_unstable();
    Ok(redriven)
}

pub(super) fn give_up(
    db: &Connection,
    id: EntryId,
    reason: &str,
    now: Timestamp,
) -> rusqlite::Result<Result<Effect, Objection>> {
    let find = "SELECT state = 'dead', dropped_at IS NOT NULL, event_id FROM outbox WHERE id = ?1";
    let found = db.prepare_cached(find)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (dead, dropped, event_id): (bool, bool, String) = match found.optional()? {
        Some(found) => found,
        None => return Ok(Err(Objection::NO_ENTRY)),
    };
    if !dead || dropped {
        return Ok(if dropped { Ok(Effect::Nothing) } else { Err(Objection::NotDead) });
    }
    let sql = "UPDATE outbox SET dropped_at = ?2, drop_reason = ?3 WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![id, now.as_millis(), reason])?;
    Ok(Ok(Effect::Dropped { event_id }))
}

pub(super) fn depth(db: &Connection) -> rusqlite::Result<OutboxDepth> {
    let sql = "SELECT (SELECT count(*) FROM outbox WHERE state = 'due'),
        (SELECT count(*) FROM outbox WHERE state = 'dead' AND dropped_at IS NULL),
        (SELECT min(recorded_at) FROM outbox WHERE state = 'due')";
    db.query_row(sql, [], |row| {
        let columns = &mut Columns::of(row);
        let number = |count: i64| u64::try_from(count);
        let (pending, dead) = (columns.read(number)?, columns.read(number)?);
        Ok(OutboxDepth { pending, dead, oldest: columns.moment_if_any()? })
    })
}

fn entry(columns: &mut Columns<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: columns.take()?,
        event: Event {
            name: columns.take()?,
            id: columns.take()?,
            data: columns.read(RawValue::from_string)?,
            traceparent: columns.take()?,
        },
        failures: columns.take()?,
        deliveries: columns.take()?,
    })
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
