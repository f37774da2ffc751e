//! The outbox of a memory store. Runs under the store's lock.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::Event;
use crate::operation::{Effect, Objection};
use crate::outbox::{Claim, DeadLetter, Dropped, Entry, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};
use crate::page::{Cursor, Page};
use crate::query::LetterQuery;

#[derive(Default)]
pub(super) struct Outbox {
    rows: BTreeMap<EntryId, Row>,
    /// The ids of the events in `rows`: none is recorded twice.
    ids: HashSet<String>,
    last: EntryId,
}

struct Row {
    event: Event,
    failures: u32,
    deliveries: u32,
    acknowledged: bool,
    recorded_at: Timestamp,
    state: RowState,
}

enum RowState {
    Due(Turn),
    /// Once more, perhaps.
    Delivered(Timestamp, Option<Turn>),
    Dead {
        reason: String,
        dropped: Option<Dropped>,
    },
}

/// To be sent from then on; claimed while a lease is set.
#[derive(Clone, Copy)]
struct Turn {
    at: Timestamp,
    lease: Option<LeaseToken>,
}

impl Turn {
    fn at(at: Timestamp) -> Self {
        Self { at, lease: None }
    }
}

impl Row {
    fn turn(&mut self) -> Option<&mut Turn> {
        match &mut self.state {
            RowState::Due(turn) => Some(turn),
            RowState::Delivered(_, again) => again.as_mut(),
            RowState::Dead { .. } => None,
        }
    }

    fn settle(&mut self, settlement: Settlement, now: Timestamp) {
        self.deliveries += u32::from(matches!(settlement, Settlement::Delivered | Settlement::Repeat { .. }));
        self.failures += u32::from(matches!(settlement, Settlement::Again { .. } | Settlement::Dead { .. }));
        let delivered = match self.state {
            RowState::Delivered(at, _) => Some(at),
            _ => None,
        };
        let at = delivered.unwrap_or(now);
        self.state = match (settlement, delivered) {
            (Settlement::Delivered, _) | (Settlement::Dead { .. }, Some(_)) => RowState::Delivered(at, None),
            (Settlement::Repeat { after }, _) => {
                let again = (!self.acknowledged).then(|| Turn::at(now.after(after)));
                RowState::Delivered(at, again)
            }
            (Settlement::Again { after, .. }, Some(_)) => {
                RowState::Delivered(at, Some(Turn::at(now.after(after))))
            }
            (Settlement::Again { after, .. }, None) => RowState::Due(Turn::at(now.after(after))),
            (Settlement::Dead { reason }, None) => RowState::Dead { reason, dropped: None },
        };
    }
}

impl Outbox {
    /// Records an event unless its id was recorded before; says whether it was new.
    pub(super) fn record(&mut self, event: Event, now: Timestamp) -> bool {
        if !self.ids.insert(event.id.clone()) {
            return false;
        }
        self.last += 1;
        let (failures, deliveries, acknowledged, recorded_at) = (0, 0, false, now);
        let state = RowState::Due(Turn::at(now));
        self.rows.insert(self.last, Row { event, failures, deliveries, acknowledged, recorded_at, state });
        true
    }

    pub(super) fn claim(&mut self, claim: Claim, now: Timestamp) -> Lease {
        let token = LeaseToken::new_v4();
        let due = self.rows.iter_mut().filter_map(|(id, row)| {
            let at = row.turn().map(|turn| turn.at).filter(|at| *at <= now)?;
            // What was never delivered goes first.
            Some(((row.deliveries > 0, at, *id), row))
        });
        let mut due: Vec<_> = due.collect();
        due.sort_unstable_by_key(|(place, _)| *place);
        let claimed = due.into_iter().take(claim.limit).map(|((_, _, id), row)| {
            if let Some(turn) = row.turn() {
                *turn = Turn { at: now.after(claim.lease), lease: Some(token) };
            }
            let Row { event, failures, deliveries, .. } = &*row;
            Entry { id, event: event.clone(), failures: *failures, deliveries: *deliveries }
        });
        let mut entries: Vec<Entry> = claimed.collect();
        entries.sort_unstable_by_key(|entry| entry.id);
        Lease { token, entries }
    }

    pub(super) fn settle(
        &mut self,
        held: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
        now: Timestamp,
    ) {
        for (id, settlement) in settlements {
            let Some(row) = self.rows.get_mut(&id) else { continue };
            if row.turn().is_some_and(|turn| turn.lease == Some(held)) {
                row.settle(settlement, now);
            }
        }
    }

    pub(super) fn prune(&mut self, older_than: Duration, limit: usize, now: Timestamp) -> usize {
        let old =
            |row: &Row| matches!(row.state, RowState::Delivered(at, None) if now.since(at) > older_than);
        let ids: Vec<EntryId> =
            self.rows.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            if let Some(row) = self.rows.remove(id) {
                self.ids.remove(&row.event.id);
            }
        }
        ids.len()
    }

    pub(super) fn dead_letters(&self, query: LetterQuery) -> Page<DeadLetter> {
        let behind = |id: EntryId| query.page.after.is_none_or(|after| id > after.place);
        let dead = self.rows.iter().filter(|(id, _)| behind(**id)).filter_map(|(id, row)| {
            let RowState::Dead { reason, dropped } = &row.state else { return None };
            let (event, reason, dropped) = (row.event.clone(), reason.clone(), dropped.clone());
            let (id, failures, recorded_at) = (*id, row.failures, row.recorded_at);
            let letter = DeadLetter { id, event, reason, failures, recorded_at, dropped };
            (letter.dropped.is_some() == query.dropped).then_some((Cursor::at(id), letter))
        });
        Page::cut(dead, query.page.limit)
    }

    /// Dead letters that were dropped stay where they are.
    pub(super) fn redrive(&mut self, only: Option<&[EntryId]>, now: Timestamp) -> Vec<EntryId> {
        let dead = |row: &Row| matches!(row.state, RowState::Dead { dropped: None, .. });
        let named = |id: &EntryId| only.is_none_or(|only| only.contains(id));
        let chosen = self.rows.iter_mut().filter(|(id, row)| named(id) && dead(row));
        chosen
            .map(|(id, row)| {
                row.state = RowState::Due(Turn::at(now));
                *id
            })
            .collect()
    }

    pub(super) fn drop(&mut self, id: EntryId, reason: &str, now: Timestamp) -> Result<Effect, Objection> {
        let row = self.rows.get_mut(&id).ok_or(Objection::NO_ENTRY)?;
        let RowState::Dead { dropped, .. } = &mut row.state else { return Err(Objection::NotDead) };
        if dropped.is_some() {
            return Ok(Effect::Nothing);
        }
        *dropped = Some(Dropped { at: now, reason: reason.to_owned() });
        Ok(Effect::Dropped { event_id: row.event.id.clone() })
    }

    /// Ends the repeats of an event; says whether that is news. What was never delivered still will be, once.
    pub(super) fn acknowledge(&mut self, event_id: &str) -> bool {
        let Some(row) = self.rows.values_mut().find(|row| row.event.id == event_id) else { return false };
        if let RowState::Delivered(_, again) = &mut row.state {
            *again = None;
        }
        !std::mem::replace(&mut row.acknowledged, true)
    }

    pub(super) fn depth(&self) -> OutboxDepth {
        let mut depth = OutboxDepth::default();
        for row in self.rows.values() {
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
