//! The reports that wait for one destination, and whether it may be sent any just now. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use robot_callback_core::{ItemId, Timestamp};

use super::record::Seq;

/// How often a stopped destination gets one report all the same, to see whether it takes them again: what stopped it may
/// have been a proxy's page that is gone by now, and nobody may be there to say so. Seldom, since a receiver that refuses
/// a secret may count how often it must.
pub(super) const PROBE: Duration = Duration::from_secs(15 * 60);

/// Of each item, only the oldest report is sent.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// All that are not settled.
    by_item: BTreeSet<(ItemId, Seq)>,
    /// Those to be sent, by when. A report behind an older one of its item may be here or not.
    due: BTreeSet<(Timestamp, Seq)>,
    /// The items of those that are being sent.
    flying: BTreeSet<ItemId>,
    /// How often sending failed without a success since.
    failing: u32,
    /// Until when it is left alone.
    rests_until: Option<Timestamp>,
    pub(super) stopped: Option<Stopped>,
    /// How often sending was resumed.
    pub(super) resumed: u32,
}

/// Why nothing is sent to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    pub(super) reason: String,
    /// A hash of the secret that did not serve; `None` when there was none.
    pub(super) secret: Option<[u8; 32]>,
    /// When to look for another one.
    pub(super) look: Timestamp,
    /// From when on one report is sent all the same.
    pub(super) probe: Timestamp,
}

impl Lane {
    pub(super) fn add(&mut self, item: ItemId, seq: Seq, due: Timestamp) {
        self.by_item.insert((item, seq));
        self.due.insert((due, seq));
    }

    pub(super) fn len(&self) -> usize {
        self.by_item.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.by_item.is_empty() && self.flying.is_empty()
    }

    /// Takes the report that is to be sent now, if there is one and the destination may have it.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        at_once: usize,
        item_of: impl Fn(Seq) -> Option<ItemId>,
    ) -> Option<Seq> {
        while self.may_send(at_once) && self.opens().is_none_or(|end| end <= now) {
            let first = *self.due.first().filter(|(due, _)| *due <= now)?;
            self.due.remove(&first);
            let (_, seq) = first;
            if let Some(item) = item_of(seq)
                && self.oldest(item) == Some(seq)
                && self.flying.insert(item)
            {
                self.stopped.iter_mut().for_each(|stopped| stopped.probe = now.after(PROBE));
                return Some(seq);
            }
        }
        None
    }

    /// When there may be something to send or to look for; `None` when only an event can bring that.
    pub(super) fn wakes(&self, at_once: usize) -> Option<Timestamp> {
        let due = self.due.first().filter(|_| self.may_send(at_once));
        let due = due.map(|(due, _)| self.opens().map_or(*due, |end| end.max(*due)));
        let look = self.stopped.as_ref().map(|stopped| stopped.look);
        due.into_iter().chain(look).min()
    }

    /// From when on the destination may have something, if not always.
    fn opens(&self) -> Option<Timestamp> {
        self.rests_until.max(self.stopped.as_ref().map(|stopped| stopped.probe))
    }

    /// To a destination that failed or is stopped, one report goes to see whether it is back.
    fn may_send(&self, at_once: usize) -> bool {
        let most = if self.failing == 0 && self.stopped.is_none() { at_once.max(1) } else { 1 };
        self.flying.len() < most
    }

    /// The oldest report of an item.
    pub(super) fn oldest(&self, item: ItemId) -> Option<Seq> {
        self.by_item.range((item, 0)..=(item, Seq::MAX)).next().map(|(_, seq)| *seq)
    }

    /// A report is no longer being sent.
    pub(super) fn landed(&mut self, item: ItemId) {
        self.flying.remove(&item);
    }

    /// A report is to be sent when it is due.
    pub(super) fn queue(&mut self, seq: Seq, due: Timestamp) {
        self.due.insert((due, seq));
    }

    /// A report no longer waits.
    pub(super) fn remove(&mut self, item: ItemId, seq: Seq, due: Timestamp) {
        self.by_item.remove(&(item, seq));
        self.due.remove(&(due, seq));
    }

    pub(super) fn succeeded(&mut self) {
        (self.failing, self.rests_until) = (0, None);
    }

    /// Counts a failure, once for all that were under way together. The rest is told by the count.
    pub(super) fn failed(&mut self, now: Timestamp, rest: impl FnOnce(u32) -> Timestamp) {
        if self.rests_until.is_none_or(|end| end <= now) {
            self.failing = self.failing.saturating_add(1);
        }
        let end = rest(self.failing);
        self.rests_until = Some(self.rests_until.map_or(end, |other| other.max(end)));
    }
}
