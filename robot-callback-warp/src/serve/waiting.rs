//! Who holds a connection without asking for anything, and since when: the first to go when there is no more room.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is known of a connection. Strangers go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It has brought no request, or one that was not let in.
    Stranger,
    /// Its last request was let in.
    Guest,
}

/// All connections that wait, the first to go first.
#[derive(Default)]
pub(super) struct Waiting {
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    arrivals: u64,
    places: BTreeMap<Key, Arc<Notify>>,
}

type Key = (Standing, u64);

/// One connection's place in the line; given up when dropped.
pub(super) struct Place {
    waiting: Arc<Waiting>,
    key: Mutex<Option<Key>>,
    leave: Arc<Notify>,
}

impl Waiting {
    /// A connection has come, and waits.
    pub(super) fn enter(self: &Arc<Self>) -> Place {
        let place = Place { waiting: self.clone(), key: Mutex::default(), leave: Arc::default() };
        place.waits(Standing::Stranger);
        place
    }

    /// Asks the first in line to go. Whoever is at work stays.
    pub(super) fn show_one_out(&self) {
        if let Some((_, leave)) = lock(&self.line).places.pop_first() {
            leave.notify_one();
        }
    }
}

impl Place {
    /// The connection waits from now on.
    pub(super) fn waits(&self, standing: Standing) {
        let mut key = lock(&self.key);
        let mut line = lock(&self.waiting.line);
        line.arrivals += 1;
        let new = (standing, line.arrivals);
        if let Some(old) = key.replace(new) {
            line.places.remove(&old);
        }
        line.places.insert(new, self.leave.clone());
    }

    /// The connection is at work from now on.
    pub(super) fn works(&self) {
        if let Some(key) = lock(&self.key).take() {
            lock(&self.waiting.line).places.remove(&key);
        }
    }

    /// Resolves when the connection is to go.
    pub(super) async fn shown_out(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.works();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn was_shown_out(place: &Place) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(place.shown_out()).poll(&mut context).is_ready()
    }

    #[test]
    fn the_stranger_that_waited_longest_goes_first_then_guests_and_never_who_is_at_work() {
        let waiting = Arc::new(Waiting::default());
        let [guest, busy, stranger, newer] = [(); 4].map(|()| waiting.enter());
        guest.waits(Standing::Guest);
        busy.works();
        let all = [&guest, &busy, &stranger, &newer];
        for expected in [&stranger, &newer, &guest] {
            waiting.show_one_out();
            let gone: Vec<_> = all.iter().filter(|place| was_shown_out(place)).collect();
            assert_eq!(gone.len(), 1, "one at a time");
            assert!(std::ptr::eq(*gone[0], expected), "in that order");
        }
        waiting.show_one_out();
        assert!(!was_shown_out(&busy), "who is at work stays");
    }

    #[test]
    fn who_has_gone_leaves_no_trace() {
        let waiting = Arc::new(Waiting::default());
        for _ in 0..3 {
            let place = waiting.enter();
            place.works();
            place.waits(Standing::Guest);
        }
        assert!(lock(&waiting.line).places.is_empty());
    }
}
