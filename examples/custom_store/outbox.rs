//! The outbox: events in the order they were recorded, and what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use robot_callback_core::{
    Claim, DeadLetter, Entry, EntryId, Event, Lease, LeaseToken, OutboxDepth, Settlement, Timestamp,
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
    recorded_at: Timestamp,
    state: RowState,
}

#[derive(Serialize, Deserialize)]
enum RowState {
    /// To be sent from then on; claimed while a lease is set.
    Due {
        at: Timestamp,
        lease: Option<LeaseToken>,
    },
    Delivered {
        at: Timestamp,
    },
    Dead {
        reason: String,
    },
}

impl Outbox {
    /// Records an event unless its id was recorded before; says whether it was new.
    pub(crate) fn record(&mut self, event: Event, now: Timestamp) -> bool {
        let new = self.entries.values().all(|row| row.event.id != event.id);
        if new {
            self.last += 1;
            let state = RowState::Due { at: now, lease: None };
            self.entries.insert(self.last, Row { event, failures: 0, recorded_at: now, state });
        }
        new
    }

    /// A lease that has run out is due again: whoever held it may have died.
    pub(crate) fn claim(&mut self, claim: Claim, now: Timestamp) -> Lease {
        let token = LeaseToken::new_v4();
        let due = |row: &Row| matches!(row.state, RowState::Due { at, .. } if at <= now);
        let claimed = self.entries.iter_mut().filter(|(_, row)| due(row)).take(claim.limit);
        let entries = claimed.map(|(id, row)| {
            row.state = RowState::Due { at: now.after(claim.lease), lease: Some(token) };
            Entry { id: *id, event: row.event.clone(), failures: row.failures }
        });
        Lease { token, entries: entries.collect() }
    }

    /// An entry whose lease has gone to another is left alone.
    pub(crate) fn settle(&mut self, held: LeaseToken, settled: Vec<(EntryId, Settlement)>, now: Timestamp) {
        for (id, settlement) in settled {
            let held =
                |row: &&mut Row| matches!(row.state, RowState::Due { lease, .. } if lease == Some(held));
            let Some(row) = self.entries.get_mut(&id).filter(held) else { continue };
            row.failures += u32::from(settlement != Settlement::Delivered);
            row.state = match settlement {
                Settlement::Delivered => RowState::Delivered { at: now },
                Settlement::Again { after, .. } => RowState::Due { at: now.after(after), lease: None },
                Settlement::Dead { reason } => RowState::Dead { reason },
            };
        }
    }

    pub(crate) fn prune(&mut self, older_than: Duration, limit: usize, now: Timestamp) -> usize {
        let old = |row: &Row| matches!(row.state, RowState::Delivered { at } if now.since(at) > older_than);
        let ids = self.entries.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id);
        let ids: Vec<EntryId> = ids.take(limit).collect();
        for id in &ids {
            self.entries.remove(id);
        }
        ids.len()
    }

    pub(crate) fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        let dead = self.entries.iter().filter_map(|(id, row)| {
            let RowState::Dead { reason } = &row.state else { return None };
            let (event, reason) = (row.event.clone(), reason.clone());
            Some(DeadLetter { id: *id, event, reason, failures: row.failures })
        });
        dead.take(limit).collect()
    }

    pub(crate) fn redrive(&mut self, ids: &[EntryId], now: Timestamp) -> usize {
        let dead = |row: &Row| matches!(row.state, RowState::Dead { .. });
        let chosen = self.entries.iter_mut().filter(|(id, row)| ids.contains(id) && dead(row));
        chosen.map(|(_, row)| row.state = RowState::Due { at: now, lease: None }).count()
    }

    pub(crate) fn depth(&self) -> OutboxDepth {
        let mut depth = OutboxDepth::default();
        for row in self.entries.values() {
            match row.state {
                RowState::Due { .. } => {
                    depth.pending += 1;
                    depth.oldest = depth.oldest.or(Some(row.recorded_at));
                }
                RowState::Dead { .. } => depth.dead += 1,
                RowState::Delivered { .. } => {}
            }
        }
        depth
    }
}
