//! The outbox: events in the order they were recorded, and what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use robot_callback_core::{
    Claim, Cursor, DeadLetter, Dropped, Effect, Entry, EntryId, Event, Lease, LeaseToken, LetterQuery,
    Objection, OutboxDepth, Page, Settlement, Timestamp,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    entries: BTreeMap<EntryId, Row>,
    last: EntryId,
}

#[derive(Serialize, Deserialize)]
struct Row {
    event: Event,
    failures: u32,
    deliveries: u32,
    /// Whoever waited for it has it: it is not sent again.
    acknowledged: bool,
    recorded_at: Timestamp,
    state: RowState,
}

#[derive(Serialize, Deserialize)]
enum RowState {
    Due(Turn),
    /// Since then; once more, perhaps.
    Delivered(Timestamp, Option<Turn>),
    Dead {
        reason: String,
        dropped: Option<Dropped>,
    },
}

/// To be sent from then on; claimed while a lease is set.
#[derive(Serialize, Deserialize)]
struct Turn {
    at: Timestamp,
    lease: Option<LeaseToken>,
}

impl Row {
    fn new(event: Event, now: Timestamp) -> Self {
        let state = RowState::Due(Turn { at: now, lease: None });
        Self { event, failures: 0, deliveries: 0, acknowledged: false, recorded_at: now, state }
    }

    fn turn(&mut self) -> Option<&mut Turn> {
        match &mut self.state {
            RowState::Due(turn) => Some(turn),
            RowState::Delivered(_, again) => again.as_mut(),
            RowState::Dead { .. } => None,
        }
    }

    fn due_at(&self) -> Option<Timestamp> {
        match &self.state {
            RowState::Due(turn) => Some(turn.at),
            RowState::Delivered(_, again) => again.as_ref().map(|turn| turn.at),
            RowState::Dead { .. } => None,
        }
    }

    /// What was delivered once stays delivered, whatever becomes of a repeat.
    fn settle(&mut self, settlement: Settlement, now: Timestamp) {
        let delivered = match self.state {
            RowState::Delivered(at, _) => Some(at),
            RowState::Due(_) | RowState::Dead { .. } => None,
        };
        let turn = |after| Turn { at: now.after(after), lease: None };
        let failed = matches!(settlement, Settlement::Again { .. } | Settlement::Dead { .. });
        *(if failed { &mut self.failures } else { &mut self.deliveries }) += 1;
        self.state = match (settlement, delivered) {
            (Settlement::Again { after, .. }, None) => RowState::Due(turn(after)),
            (Settlement::Dead { reason }, None) => RowState::Dead { reason, dropped: None },
            (Settlement::Again { after, .. }, Some(at)) => RowState::Delivered(at, Some(turn(after))),
            (Settlement::Repeat { after }, at) if !self.acknowledged => {
                RowState::Delivered(at.unwrap_or(now), Some(turn(after)))
            }
            (_, at) => RowState::Delivered(at.unwrap_or(now), None),
        };
    }
}

impl Outbox {
    /// Records an event unless its id was recorded before; says whether it was new.
    pub(crate) fn record(&mut self, event: Event, now: Timestamp) -> bool {
        let new = self.entries.values().all(|row| row.event.id != event.id);
        if new {
            self.last += 1;
            self.entries.insert(self.last, Row::new(event, now));
        }
        new
    }

    /// A lease that has run out is due again: whoever held it may have died. What was never delivered goes first.
    pub(crate) fn claim(&mut self, claim: Claim, now: Timestamp) -> Lease {
        let token = LeaseToken::new_v4();
        let mut due: Vec<(EntryId, &mut Row)> = self.entries.iter_mut().map(|(id, row)| (*id, row)).collect();
        due.retain(|(_, row)| row.due_at().is_some_and(|at| at <= now));
        due.sort_by_key(|(_, row)| (row.deliveries > 0, row.due_at()));
        due.truncate(claim.limit);
        due.sort_by_key(|(id, _)| *id);
        let entries = due.into_iter().map(|(id, row)| {
            row.turn()
                .into_iter()
                .for_each(|turn| (turn.at, turn.lease) = (now.after(claim.lease), Some(token)));
            Entry { id, event: row.event.clone(), failures: row.failures, deliveries: row.deliveries }
        });
        Lease { token, entries: entries.collect() }
    }

    /// An entry whose lease has gone to another is left alone.
    pub(crate) fn settle(&mut self, held: LeaseToken, settled: Vec<(EntryId, Settlement)>, now: Timestamp) {
        for (id, settlement) in settled {
            let Some(row) = self.entries.get_mut(&id) else { continue };
            if row.turn().is_some_and(|turn| turn.lease == Some(held)) {
                row.settle(settlement, now);
            }
        }
    }

    pub(crate) fn prune(&mut self, older_than: Duration, limit: usize, now: Timestamp) -> usize {
        let old =
            |row: &Row| matches!(row.state, RowState::Delivered(at, None) if now.since(at) > older_than);
        let ids = self.entries.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id);
        let ids: Vec<EntryId> = ids.take(limit).collect();
        for id in &ids {
            self.entries.remove(id);
        }
        ids.len()
    }

    pub(crate) fn dead_letters(&self, query: LetterQuery) -> Page<DeadLetter> {
        let behind = |id: EntryId| query.page.after.is_none_or(|after| id > after.place);
        let dead = self.entries.iter().filter(|(id, _)| behind(**id)).filter_map(|(id, row)| {
            let RowState::Dead { reason, dropped } = &row.state else { return None };
            let (event, reason, dropped) = (row.event.clone(), reason.clone(), dropped.clone());
            let (id, failures, recorded_at) = (*id, row.failures, row.recorded_at);
            let letter = DeadLetter { id, event, reason, failures, recorded_at, dropped };
            (letter.dropped.is_some() == query.dropped).then_some((Cursor::at(id), letter))
        });
        Page::cut(dead, query.page.limit)
    }

    /// All that may be, or those named; says which.
    pub(crate) fn redrive(&mut self, only: Option<&[EntryId]>, now: Timestamp) -> Vec<EntryId> {
        let dead = |row: &Row| matches!(row.state, RowState::Dead { dropped: None, .. });
        let named = |id: &EntryId| only.is_none_or(|only| only.contains(id));
        let chosen = self.entries.iter_mut().filter(|(id, row)| named(id) && dead(row));
        chosen
            .map(|(id, row)| {
                row.state = RowState::Due(Turn { at: now, lease: None });
                *id
            })
            .collect()
    }

    pub(crate) fn give_up(&mut self, id: EntryId, reason: &str, now: Timestamp) -> Result<Effect, Objection> {
        let row = self.entries.get_mut(&id).ok_or(Objection::NO_ENTRY)?;
        let RowState::Dead { dropped, .. } = &mut row.state else { return Err(Objection::NotDead) };
        if dropped.is_some() {
            return Ok(Effect::Nothing);
        }
        *dropped = Some(Dropped { at: now, reason: reason.to_owned() });
        Ok(Effect::Dropped { event_id: row.event.id.clone() })
    }

    /// Ends the repeats of an event; says whether that is news.
    pub(crate) fn acknowledge(&mut self, event_id: &str) -> bool {
        let Some(row) = self.entries.values_mut().find(|row| row.event.id == event_id) else { return false };
        if let RowState::Delivered(_, again) = &mut row.state {
            *again = None;
        }
        !std::mem::replace(&mut row.acknowledged, true)
    }

    pub(crate) fn depth(&self) -> OutboxDepth {
        let mut depth = OutboxDepth::default();
        for row in self.entries.values() {
            match row.state {
                RowState::Due(_) => {
                    depth.pending += 1;
                    depth.oldest = depth.oldest.or(Some(row.recorded_at));
                }
                RowState::Dead { dropped: None, .. } => depth.dead += 1,
                RowState::Dead { .. } | RowState::Delivered(..) => {}
            }
        }
        depth
    }
}
