//! The witness: what was reported, and what was answered to it. Lives outside the server and outlives it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use robot_callback_core::{ItemId, Report, Verdict};
use robot_coordinadora_client::{Client, Destination};
use tokio::sync::watch;

/// One report that was answered 200.
#[derive(Clone, Debug)]
pub struct Testimony {
    /// What was reported.
    pub report: Report,
    /// What was answered; `None` if the 200 did not say.
    pub verdict: Option<Verdict>,
}

/// How far things have come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Reports on their way now.
    pub in_flight: usize,
    /// Reports answered 200.
    pub answered: usize,
}

/// Keeps every answer.
#[derive(Debug, Default)]
pub struct Witness {
    heard: Mutex<Heard>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Heard {
    begun: Vec<ItemId>,
    answered: Vec<Testimony>,
    given_up: Vec<String>,
}

impl Witness {
    /// How far things have come, and a way to wait for more.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Every report that was answered 200, in the order of the answers.
    #[must_use]
    pub fn answered(&self) -> Vec<Testimony> {
        self.heard().answered.clone()
    }

    /// What was given up, in words.
    #[must_use]
    pub fn given_up(&self) -> Vec<String> {
        self.heard().given_up.clone()
    }

    /// Whether a report of that item has been sent, answered or not.
    #[must_use]
    pub fn has_begun(&self, item: ItemId) -> bool {
        self.heard().begun.contains(&item)
    }

    fn sent(&self, item: ItemId) {
        self.heard().begun.push(item);
        self.progress.send_modify(|progress| progress.in_flight += 1);
    }

    fn ended(&self, ended: Result<Testimony, String>) {
        let good = ended.is_ok();
        let mut heard = self.heard();
        match ended {
            Ok(testimony) => heard.answered.push(testimony),
            Err(reason) => heard.given_up.push(reason),
        }
        drop(heard);
        self.progress.send_modify(|progress| {
            progress.in_flight -= 1;
            progress.answered += usize::from(good);
        });
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports results through the robot's client, before the witness.
#[derive(Clone, Debug)]
pub struct Reporter {
    client: Client,
    destination: Destination,
    witness: Arc<Witness>,
}

impl Reporter {
    /// A reporter to that destination.
    #[must_use]
    pub fn new(client: Client, destination: Destination, witness: Arc<Witness>) -> Self {
        Self { client, destination, witness }
    }

    /// Reports a result until it is answered 200 or the client gives up; the witness has it either way.
    pub async fn report(&self, report: Report) {
        self.witness.sent(report.item_id);
        let ended = match self.client.report_result(&self.destination, &report).await {
            Ok(delivered) => Ok(Testimony { report, verdict: delivered.verdict }),
            Err(failure) => Err(failure.to_string()),
        };
        self.witness.ended(ended);
    }

    /// Reports the same result so many times at once.
    pub async fn report_at_once(&self, report: &Report, times: usize) {
        let mut copies = tokio::task::JoinSet::new();
        for _ in 0..times {
            let (reporter, report) = (self.clone(), report.clone());
            copies.spawn(async move { reporter.report(report).await });
        }
        copies.join_all().await;
    }
}
