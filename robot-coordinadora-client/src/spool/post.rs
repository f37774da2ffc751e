//! What the spool needs of a client. There is one; tests of the schedule have another.

use std::fmt;

use async_trait::async_trait;
use robot_callback_core::Report;

use crate::answer::Delivered;
use crate::client::Client;
use crate::destination::Destination;
use crate::failure::{AttemptError, ReportFailure};

#[async_trait]
pub(crate) trait Post: fmt::Debug + Send + Sync {
    /// Sends a report's wire form once.
    async fn post(&self, to: &Destination, body: &[u8]) -> Result<Delivered, AttemptError>;

    /// Sends a report until it is delivered, or for as long as the caller may wait.
    async fn insist(&self, to: &Destination, report: &Report) -> Result<Delivered, ReportFailure>;
}

#[async_trait]
impl Post for Client {
    async fn post(&self, to: &Destination, body: &[u8]) -> Result<Delivered, AttemptError> {
        self.send(to, body).await
    }

    async fn insist(&self, to: &Destination, report: &Report) -> Result<Delivered, ReportFailure> {
        self.report_result(to, report).await
    }
}
