//! What becomes of a report once an attempt has ended: the one place that decides it.

use std::sync::PoisonError;
use std::time::Duration;

use super::index::Flight;
use super::lane::{Lane, PROBE, Stopped};
use super::record::{Death, Record};
use super::schedule;
use super::shared::Shared;
use super::status::SpoolAlarm;
use super::writer::Work;
use crate::answer::Delivered;
use crate::failure::{AttemptError, TryAgain, chain};
use crate::sink::NamedDestination;

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Delivered(Delivered),
    /// It may be delivered later; the receiver may have said when.
    Failed {
        reason: String,
        asked: Option<Duration>,
    },
    /// Nothing can be delivered there until somebody acts, or a later probe gets through. With a hash of the secret that did not serve.
    Stopped {
        reason: String,
        secret: Option<[u8; 32]>,
    },
    /// It will be refused every time.
    Refused {
        reason: String,
    },
    /// Its record is not what was written.
    Damaged,
    /// It was settled in the meantime.
    Gone,
    /// It did not end: the spool is being closed.
    BrokenOff,
}

impl Outcome {
    pub(super) fn of(error: &AttemptError, secret: [u8; 32]) -> Self {
        let reason = chain(error);
        match error.try_again() {
            TryAgain::Later => Self::Failed { reason, asked: error.retry_after() },
            TryAgain::Reconfigured => Self::Stopped { reason, secret: Some(secret) },
            TryAgain::Never => Self::Refused { reason },
        }
    }
}

impl Shared {
    /// Decides on a report whose attempt has ended.
    pub(super) fn landed(&self, flight: &Flight, outcome: Outcome) {
        self.index().landed(flight);
        // A refusal of the report, too, is a word of the endpoint that was looked for.
        if flight.probes && matches!(outcome, Outcome::Delivered(_) | Outcome::Refused { .. }) {
            self.resume(&flight.to);
        }
        match outcome {
            Outcome::Delivered(delivered) => self.delivered(flight, delivered),
            Outcome::Failed { reason, asked } => self.failed(flight, reason, asked),
            Outcome::Stopped { reason, secret } => self.stopped(flight, reason, secret),
            Outcome::Refused { reason } => self.died(flight, reason),
            Outcome::Damaged => self.damaged_report(flight),
            Outcome::Gone => {}
            Outcome::BrokenOff => self.index().again(flight.seq, flight.tries, self.now()),
        }
        self.changed.notify_waiters();
        self.wake.notify_one();
    }

    fn delivered(&self, flight: &Flight, delivered: Delivered) {
        let mut index = self.index();
        index.lane(&flight.to).into_iter().for_each(Lane::succeeded);
        index.settled(flight.seq);
        drop(index);
        self.note(&Record::Settled { seq: flight.seq });
        let verdict = delivered.verdict.map(|verdict| verdict.name());
        tracing::debug!(item.id = %flight.item, verdict, "reported");
    }

    fn failed(&self, flight: &Flight, reason: String, asked: Option<Duration>) {
        let (now, tries) = (self.now(), flight.tries + 1);
        let asked = asked.map(|asked| asked.min(schedule::longest(&self.options)));
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner).fork();
        let wait = schedule::wait(&self.options, tries, asked, &mut rng);
        let rest =
            |failing| now.after(self.options.rest.wait(failing, &mut rng).max(asked.unwrap_or_default()));
        if let Some(lane) = self.index().lane(&flight.to) {
            lane.failed(now, rest);
        }
        let Some(wait) = wait else { return self.died(flight, reason) };
        let due = now.after(wait);
        self.index().again(flight.seq, tries, due);
        self.note(&Record::Tried { seq: flight.seq, tries, due });
        let wait_ms = wait.as_millis();
        tracing::warn!(item.id = %flight.item, tries, wait_ms, error = reason, "a report will be sent again");
    }

    /// It is moved aside; should that fail, it is looked at again later.
    fn damaged_report(&self, flight: &Flight) {
        let later = self.now().after(self.options.rest.cap);
        self.index().again(flight.seq, flight.tries, later);
        drop(self.work.send(Work::Damaged(flight.seq)));
    }

    fn died(&self, flight: &Flight, reason: String) {
        let death = Death { reason: reason.clone(), at: self.now() };
        self.index().died(flight.seq, death.clone());
        self.note(&Record::Dead { seq: flight.seq, death });
        let (id, destination) = (flight.seq, NamedDestination::clone(&flight.to));
        self.alarm(&SpoolAlarm::Dead { id, destination, reason });
    }

    fn stopped(&self, flight: &Flight, reason: String, secret: Option<[u8; 32]>) {
        let now = self.now();
        let (look, probe) = (now.after(self.options.look_again), now.after(PROBE));
        let mut index = self.index();
        index.again(flight.seq, flight.tries, now);
        let Some(lane) = index.lane(&flight.to) else { return };
        if lane.resumed != flight.resumed {
            return; // it left before somebody acted; the next attempt tells whether that helped
        }
        let first = lane.stopped.is_none();
        lane.stopped = Some(Stopped { reason: reason.clone(), secret, look, probe });
        drop(index);
        if first {
            self.alarm(&SpoolAlarm::Stopped { destination: NamedDestination::clone(&flight.to), reason });
        }
    }

    /// Sends to a destination again.
    pub(super) fn resume(&self, to: &NamedDestination) {
        let mut index = self.index();
        let Some(lane) = index.lane(to) else { return };
        let was = lane.stopped.take();
        lane.resumed = lane.resumed.wrapping_add(1);
        lane.succeeded(); // whatever it did before says nothing any longer
        drop(index);
        if was.is_some() {
            tracing::info!(destination = ?to, "reports are sent there again");
        }
        self.wake.notify_one();
    }
}
