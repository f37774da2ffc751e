//! The reporter: the robot's client, before a witness.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{Backoff, Cause, Report};
use robot_coordinadora_client::{Client, ClientOptions, Destination};

use crate::witness::{Testimony, Witness};

/// Reports results through the robot's client, before the witness.
#[derive(Clone, Debug)]
pub struct Reporter {
    client: Client,
    destination: Destination,
    witness: Arc<Witness>,
}

impl Reporter {
    /// A reporter to that URL, with that secret: less patient between two tries than a robot on the internet.
    ///
    /// # Errors
    /// When the URL or the secret can't be used, or the machine trusts no certificates.
    pub fn new(url: &str, secret: &str, witness: Arc<Witness>, seed: u64) -> Result<Self, Cause> {
        let options = ClientOptions {
            attempt_deadline: Duration::from_secs(10),
            total_deadline: Duration::from_secs(40),
            backoff: Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(250) },
            seed,
            ..ClientOptions::default()
        };
        Ok(Self { client: Client::new(options)?, destination: Destination::new(url, secret)?, witness })
    }

    /// Reports a result until it is answered 200 or the client gives up; the witness has it either way.
    pub async fn report(&self, report: Report) {
        self.witness.sent(report.item_id);
        match self.client.report_result(&self.destination, &report).await {
            Ok(delivered) => self.witness.answered_200(Testimony { report, verdict: delivered.verdict }),
            Err(failure) => self.witness.gave_up(failure.to_string()),
        }
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
