//! Entries on their way from the lane to the relay of the same process, without a claim: they are recorded under a lease
//! already, and wait here once their set has committed.
//!
//! None is handed over unless a relay asked before, and no more than it may soon take: whatever else is recorded is due
//! at once, for whoever claims it. What is lost here (the process dies, or nobody knows whether a set was committed) is
//! due when its lease ends, as everything is that a relay had taken.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::outbox::{Claim, Entry, EntryId, Lease, LeaseToken};

/// The most entries that wait here: some batches of a relay.
const CAPACITY: usize = 1000;

/// What an entry is under when it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) token: LeaseToken,
    /// The lease's end.
    pub(super) until: Timestamp,
}

pub(super) struct HandOver {
    token: LeaseToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// For how long the relay wants entries to itself; `None` while none asks.
    wanted: Option<Duration>,
    /// Each with the end of its lease, oldest first.
    waiting: VecDeque<(Timestamp, Entry)>,
}

impl HandOver {
    pub(super) fn new() -> Self {
        Self { token: LeaseToken::new_v4(), state: Mutex::default() }
    }

    /// What so many events are to be recorded under, if they can be handed over.
    pub(super) fn offer(&self, events: usize, now: Timestamp) -> Option<Held> {
        let state = self.state();
        let wanted = state.wanted.filter(|_| events > 0 && state.waiting.len() + events <= CAPACITY)?;
        // The lease that is asked for begins when the entry is taken; a quarter of it may pass until then.
        Some(Held { token: self.token, until: now.after(wanted.saturating_add(wanted / 4)) })
    }

    /// Entries that were recorded under what was offered, and are committed.
    pub(super) fn put(&self, held: Held, entries: impl IntoIterator<Item = Entry>) {
        self.state().waiting.extend(entries.into_iter().map(|entry| (held.until, entry)));
    }

    /// Takes what waits, if its lease lasts as long as the claim asks. What has waited too long is left to its lease.
    pub(super) fn take(&self, claim: Claim, now: Timestamp) -> Option<Lease> {
        let mut state = self.state();
        state.wanted = Some(claim.lease);
        let needed = now.after(claim.lease);
        let stale = state.waiting.iter().take_while(|(until, _)| *until < needed).count();
        state.waiting.drain(..stale);
        let taken = state.waiting.len().min(claim.limit);
        let entries: Vec<Entry> = state.waiting.drain(..taken).map(|(_, entry)| entry).collect();
        (!entries.is_empty()).then_some(Lease { token: self.token, entries })
    }

    /// No relay asks any more. Returns what none has taken, and what that is under.
    pub(super) fn close(&self) -> (LeaseToken, Vec<EntryId>) {
        let mut state = self.state();
        state.wanted = None;
        (self.token, state.waiting.drain(..).map(|(_, entry)| entry.id).collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::event::Event;

    const MINUTE: Duration = Duration::from_secs(60);
    const NOW: Timestamp = Timestamp::EPOCH;

    fn entries(ids: std::ops::Range<EntryId>) -> impl Iterator<Item = Entry> {
        ids.map(|id| {
            let data = RawValue::from_string("{}".into()).unwrap();
            let event = Event { name: "name".into(), id: id.to_string(), data, traceparent: None };
            Entry { id, event, failures: 0, deliveries: 0 }
        })
    }

    fn take(hand_over: &HandOver, limit: usize, now: Timestamp) -> Vec<EntryId> {
        let lease = hand_over.take(Claim { limit, lease: MINUTE }, now);
        lease.map_or_else(Vec::new, |lease| lease.entries.iter().map(|entry| entry.id).collect())
    }

    /// One that a relay has asked.
    fn asked() -> HandOver {
        let hand_over = HandOver::new();
        assert_eq!(take(&hand_over, 10, NOW), [0; 0]);
        hand_over
    }

    #[test]
    fn nothing_is_kept_for_who_never_asked_or_asks_no_more() {
        assert_eq!(HandOver::new().offer(1, NOW), None);
        let hand_over = asked();
        let held = hand_over.offer(1, NOW).unwrap();
        hand_over.put(held, entries(1..2));
        assert_eq!(hand_over.close(), (held.token, vec![1]));
        assert_eq!(hand_over.offer(1, NOW), None);
        assert_eq!(take(&hand_over, 10, NOW), [0; 0], "it was given back");
    }

    #[test]
    fn no_lease_is_made_for_no_event() {
        assert_eq!(asked().offer(0, NOW), None);
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let hand_over = asked();
        assert_eq!(hand_over.offer(CAPACITY + 1, NOW), None);
        let held = hand_over.offer(CAPACITY, NOW).unwrap();
        hand_over.put(held, entries(0..1000));
        assert_eq!(hand_over.offer(1, NOW), None);
        assert_eq!(take(&hand_over, 1, NOW), [0]);
        assert!(hand_over.offer(1, NOW).is_some(), "there is room again");
    }

    #[test]
    fn the_oldest_are_taken_first_as_many_as_are_asked_for() {
        let hand_over = asked();
        hand_over.put(hand_over.offer(3, NOW).unwrap(), entries(1..4));
        hand_over.put(hand_over.offer(1, NOW).unwrap(), entries(7..8));
        assert_eq!(take(&hand_over, 2, NOW), [1, 2]);
        assert_eq!(take(&hand_over, 10, NOW), [3, 7]);
    }

    #[test]
    fn a_lease_lasts_as_long_as_asked_from_when_it_is_taken() {
        let hand_over = asked();
        for (id, recorded) in [(1, NOW), (2, NOW.after(MINUTE / 4))] {
            let held = hand_over.offer(1, recorded).unwrap();
            assert_eq!(held.until, recorded.after(MINUTE + MINUTE / 4));
            hand_over.put(held, entries(id..id + 1));
        }
        let late = NOW.after(MINUTE / 4 + Duration::from_millis(1));
        assert_eq!(take(&hand_over, 10, late), [2], "the first one's lease would end too early");
        assert_eq!(take(&hand_over, 10, NOW), [0; 0], "it is left to that");
    }

    #[test]
    fn a_lease_without_end_is_one() {
        let (hand_over, for_ever) = (HandOver::new(), Claim { limit: 1, lease: Duration::MAX });
        assert!(hand_over.take(for_ever, NOW).is_none());
        hand_over.put(hand_over.offer(1, NOW).unwrap(), entries(1..2));
        assert!(hand_over.take(for_ever, NOW).is_some());
    }
}
