//! Who holds a connection without asking for anything, and since when: the first to go when there is no more room.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is known of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has brought no request, or none that needs a secret, or one that was not let in.
    Stranger,
    /// Its last request was let in.
    Guest,
}

/// All connections that wait, the first to go first.
pub(super) struct Waiting {
    line: Mutex<Line>,
    /// So many strangers stay while there are guests: else guests alone would fill the house, and whoever has just
    /// come would be shown out before the request is read.
    kept: usize,
}

#[derive(Default)]
struct Line {
    arrivals: u64,
    strangers: BTreeMap<u64, Arc<Notify>>,
    guests: BTreeMap<u64, Arc<Notify>>,
}

impl Line {
    fn of(&mut self, standing: Standing) -> &mut BTreeMap<u64, Arc<Notify>> {
        match standing {
            Standing::Stranger => &mut self.strangers,
            Standing::Guest => &mut self.guests,
        }
    }
}

/// One connection's place in the line; given up when dropped.
pub(super) struct Place {
    waiting: Arc<Waiting>,
    now: Mutex<Now>,
    leave: Arc<Notify>,
}

/// Who it is, and its number in the line while it waits.
struct Now {
    standing: Standing,
    number: Option<u64>,
}

impl Waiting {
    /// The line of a house with that many places.
    pub(super) fn new(places: usize) -> Self {
        Self { line: Mutex::default(), kept: places / 4 }
    }

    /// A connection has come, and waits.
    pub(super) fn enter(self: &Arc<Self>) -> Place {
        let now = Mutex::new(Now { standing: Standing::Stranger, number: None });
        let place = Place { waiting: self.clone(), now, leave: Arc::default() };
        place.waits();
        place
    }

    /// Asks the first in line to go: the stranger that has waited longest or, when few strangers are left, such a
    /// guest. Whoever is at work stays.
    pub(super) fn show_one_out(&self) {
        let mut line = lock(&self.line);
        let few = line.strangers.len() <= self.kept;
        let first = if few { line.guests.pop_first() } else { None };
        if let Some((_, leave)) = first.or_else(|| line.strangers.pop_first()) {
            leave.notify_one();
        }
    }
}

impl Place {
    /// The connection waits from now on, as one of those.
    pub(super) fn waits_as(&self, standing: Standing) {
        self.works();
        lock(&self.now).standing = standing;
        self.waits();
    }

    /// The connection waits from now on.
    pub(super) fn waits(&self) {
        let mut now = lock(&self.now);
        let mut line = lock(&self.waiting.line);
        line.arrivals += 1;
        let number = line.arrivals;
        let places = line.of(now.standing);
        if let Some(old) = now.number.replace(number) {
            places.remove(&old);
        }
        places.insert(number, self.leave.clone());
    }

    /// The connection is at work from now on.
    pub(super) fn works(&self) {
        let mut now = lock(&self.now);
        if let Some(number) = now.number.take() {
            lock(&self.waiting.line).of(now.standing).remove(&number);
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

    fn who_goes<'a>(waiting: &Waiting, all: &[(&'a str, &Place)]) -> Vec<&'a str> {
        waiting.show_one_out();
        all.iter().filter(|(_, place)| was_shown_out(place)).map(|(name, _)| *name).collect()
    }

    #[test]
    fn the_stranger_that_waited_longest_goes_first_then_guests_and_never_who_is_at_work() {
        let waiting = Arc::new(Waiting::new(3));
        let [guest, busy, stranger, newer] = [(); 4].map(|()| waiting.enter());
        guest.waits_as(Standing::Guest);
        busy.works();
        let all = [("guest", &guest), ("busy", &busy), ("stranger", &stranger), ("newer", &newer)];
        for expected in ["stranger", "newer", "guest"] {
            assert_eq!(who_goes(&waiting, &all), [expected], "one at a time, in that order");
        }
        assert!(who_goes(&waiting, &all).is_empty(), "who is at work stays");
    }

    #[test]
    fn guests_make_room_while_few_strangers_are_left_so_that_newcomers_can_speak() {
        let waiting = Arc::new(Waiting::new(4));
        let [old, older, newcomer, newer] = [(); 4].map(|()| waiting.enter());
        older.waits_as(Standing::Guest);
        old.waits_as(Standing::Guest);
        let all = [("old", &old), ("older", &older), ("newcomer", &newcomer), ("newer", &newer)];
        for expected in ["newcomer", "older", "old", "newer"] {
            assert_eq!(who_goes(&waiting, &all), [expected], "one stranger of four places is kept");
        }
    }

    #[test]
    fn who_has_gone_leaves_no_trace() {
        let waiting = Arc::new(Waiting::new(3));
        for standing in [Standing::Stranger, Standing::Guest, Standing::Stranger] {
            let place = waiting.enter();
            place.works();
            place.waits_as(standing);
            place.waits();
        }
        let line = lock(&waiting.line);
        assert!(line.strangers.is_empty() && line.guests.is_empty());
    }
}
