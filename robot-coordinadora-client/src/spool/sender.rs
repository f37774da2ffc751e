//! What sends: one task that hands out flights, and one task for each flight. It registers for the wake-up before it
//! looks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use robot_callback_core::Timestamp;
use sha2::{Digest, Sha256};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use super::index::Flight;
use super::landing::Outcome;
use super::lane::Stopped;
use super::record::Record;
use super::shared::{Shared, Unread};
use crate::answer::Delivered;
use crate::destination::{Destination, DestinationError};
use crate::failure::AttemptError;
use crate::sink::NamedDestination;

/// Sends what is due, for ever. Dropped, it drops its flights; what they carried is sent again after a restart.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut flights = JoinSet::new();
    loop {
        let woken = shared.wake.notified();
        while flights.try_join_next().is_some() {}
        let now = shared.now();
        let ready = shared.index().take(now, shared.options.at_once);
        for flight in ready {
            flights.spawn(fly(shared.clone(), flight));
        }
        for (to, stopped) in looks(&shared, now) {
            flights.spawn(look(shared.clone(), to, stopped));
        }
        let wakes = shared.index().wakes(shared.options.at_once);
        match wakes {
            Some(moment) => drop(timeout(shared.until(moment), woken).await),
            None => woken.await,
        }
    }
}

/// A flight that is given back if its task panics or is dropped.
struct Aboard {
    shared: Arc<Shared>,
    flight: Option<Flight>,
}

impl Drop for Aboard {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        let failed = Outcome::Failed { reason: "the attempt panicked".to_owned(), asked: None };
        self.shared.landed(&flight, if std::thread::panicking() { failed } else { Outcome::BrokenOff });
    }
}

async fn fly(shared: Arc<Shared>, flight: Flight) {
    let mut aboard = Aboard { shared: shared.clone(), flight: Some(flight.clone()) };
    let outcome = match prepare(shared.clone(), flight.clone()).await {
        Ok(_) if shared.closed.load(Ordering::SeqCst) => Outcome::BrokenOff,
        Ok((to, secret, body)) => told(shared.post.post(&to, &body).await, secret),
        Err(outcome) => outcome,
    };
    aboard.flight = None;
    shared.landed(&flight, outcome);
}

/// What an attempt came to.
fn told(attempt: Result<Delivered, AttemptError>, secret: [u8; 32]) -> Outcome {
    match attempt {
        Ok(delivered) => Outcome::Delivered(delivered),
        Err(error) => Outcome::of(&error, secret),
    }
}

type Prepared = (Destination, [u8; 32], Vec<u8>);

/// Reads the report from the disk and the secret from the keyring, off the threads of the runtime.
async fn prepare(shared: Arc<Shared>, flight: Flight) -> Result<Prepared, Outcome> {
    let broken = |_| Outcome::Failed { reason: "the keyring panicked".to_owned(), asked: None };
    spawn_blocking(move || {
        let body = body(&shared, &flight)?;
        let name = &flight.to.secret_name;
        let no_secret =
            || Outcome::Stopped { reason: format!("the keyring has no secret {name}"), secret: None };
        let secret = shared.keyring.secret(name).ok_or_else(no_secret)?;
        let hash = hash(&secret);
        let wrong =
            |error: DestinationError| Outcome::Stopped { reason: error.to_string(), secret: Some(hash) };
        let to = flight.to.with(&secret).map_err(wrong)?;
        Ok((to, hash, body))
    })
    .await
    .map_err(broken)?
}

fn body(shared: &Shared, flight: &Flight) -> Result<Vec<u8>, Outcome> {
    let frame = shared.read(flight.seq).map_err(|unread| match unread {
        Unread::Gone => Outcome::Gone,
        Unread::Disk(error) => Outcome::Failed { reason: format!("it can't be read: {error}"), asked: None },
        Unread::Damaged => Outcome::Damaged,
    })?;
    match Record::of_frame(&frame) {
        Some(Record::Report(spooled)) => Ok(spooled.report.get().as_bytes().to_vec()),
        _ => Err(Outcome::Damaged),
    }
}

/// The stopped destinations whose secrets are to be looked for now.
fn looks(shared: &Shared, now: Timestamp) -> Vec<(NamedDestination, Stopped)> {
    let mut index = shared.index();
    let due = index.stopped().filter(|(_, stopped, _)| stopped.look <= now);
    let due: Vec<_> = due.map(|(to, stopped, _)| (NamedDestination::clone(to), stopped.clone())).collect();
    for (to, _) in &due {
        if let Some(stopped) = index.lane(to).and_then(|lane| lane.stopped.as_mut()) {
            stopped.look = now.after(shared.options.look_again);
        }
    }
    due
}

/// Resumes the destination if the keyring has another secret for it than the one that did not serve.
async fn look(shared: Arc<Shared>, to: NamedDestination, stopped: Stopped) {
    let (keyring, name) = (shared.keyring.clone(), to.secret_name.clone());
    let secret = spawn_blocking(move || keyring.secret(&name)).await;
    if let Ok(Some(secret)) = secret
        && Some(hash(&secret)) != stopped.secret
    {
        shared.resume(&to);
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
