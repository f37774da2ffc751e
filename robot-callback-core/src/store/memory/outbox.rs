//! The outbox of a memory store. Runs under the store's lock.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::Event;
use crate::outbox::{Claim, DeadLetter, Entry, EntryId, Lease, LeaseToken, OutboxDepth, Settlement};

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
    recorded_at: Timestamp,
    state: RowState,
}

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
    pub(super) fn record(&mut self, event: &Event, now: Timestamp) -> bool {
        let new = self.ids.insert(event.id.clone());
        if new {
            self.last += 1;
            let state = RowState::Due { at: now, lease: None };
            self.rows.insert(self.last, Row { event: event.clone(), failures: 0, recorded_at: now, state });
        }
        new
    }

    pub(super) fn claim(&mut self, claim: Claim, now: Timestamp) -> Lease {
        let token = LeaseToken::new_v4();
        let mut entries = Vec::new();
        for (id, row) in &mut self.rows {
            if entries.len() == claim.limit {
                break;
            }
            if matches!(row.state, RowState::Due { at, .. } if at <= now) {
                row.state = RowState::Due { at: now.after(claim.lease), lease: Some(token) };
                entries.push(Entry { id: *id, event: row.event.clone(), failures: row.failures });
            }
        }
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
            if !matches!(row.state, RowState::Due { lease, .. } if lease == Some(held)) {
                continue;
            }
            row.failures += u32::from(settlement != Settlement::Delivered);
            row.state = match settlement {
                Settlement::Delivered => RowState::Delivered { at: now },
                Settlement::Again { after, .. } => RowState::Due { at: now.after(after), lease: None },
                Settlement::Dead { reason } => RowState::Dead { reason },
            };
        }
    }

    pub(super) fn prune(&mut self, older_than: Duration, limit: usize, now: Timestamp) -> usize {
        let old = |row: &Row| matches!(row.state, RowState::Delivered { at } if now.since(at) > older_than);
        let ids: Vec<EntryId> =
            self.rows.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id).take(limit).collect();
        for id in &ids {
            if let Some(row) = self.rows.remove(id) {
                self.ids.remove(&row.event.id);
            }
        }
        ids.len()
    }

    pub(super) fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        let dead = self.rows.iter().filter_map(|(id, row)| match &row.state {
            RowState::Dead { reason } => {
                let (event, reason) = (row.event.clone(), reason.clone());
                Some(DeadLetter { id: *id, event, reason, failures: row.failures })
            }
            _ => None,
        });
        dead.take(limit).collect()
    }

    pub(super) fn redrive(&mut self, ids: &[EntryId], now: Timestamp) -> usize {
        let mut redriven = 0;
        for id in ids {
            if let Some(row) = self.rows.get_mut(id).filter(|row| matches!(row.state, RowState::Dead { .. }))
            {
                row.state = RowState::Due { at: now, lease: None };
                redriven += 1;
            }
        }
        redriven
    }

    pub(super) fn depth(&self) -> OutboxDepth {
        let mut depth = OutboxDepth::default();
        for row in self.rows.values() {
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
