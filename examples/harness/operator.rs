//! The operator's side: makes jobs over HTTP, again and again under one idempotency key until one is made.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::http::{Answered, request};
use crate::orders::JobRows;

/// How long to try.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Whoever makes jobs on a server.
#[derive(Clone, Debug)]
pub struct Operator {
    address: SocketAddr,
    authorization: String,
}

/// Why no job was made.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The server refused.
    #[error("the job was refused with {status}: {body}")]
    Refused {
        /// The answer's status.
        status: u16,
        /// Its body.
        body: String,
    },
    /// There was no whole answer in time.
    #[error("no job was made within {DEADLINE:?}")]
    Late,
}

impl Operator {
    /// The operator of that server, with that token.
    #[must_use]
    pub fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, authorization: format!("Bearer {token}") }
    }

    /// Makes a job, whatever happens to the server meanwhile; the key sees to it that it is one.
    ///
    /// # Errors
    /// An [`OperatorError`].
    pub async fn make_job(&self, job: &Value, key: &str) -> Result<JobRows, OperatorError> {
        let headers = [("authorization", self.authorization.as_str()), ("idempotency-key", key)];
        let give_up = Instant::now() + DEADLINE;
        while Instant::now() < give_up {
            let body = job.to_string().into_bytes();
            match request(self.address, "/api/jobs", &headers, Some(body)).await {
                // A server that could not read the job back says its id alone; the next answer brings it all.
                Ok(Answered { status: 200 | 201, body, .. }) => match serde_json::from_slice(&body) {
                    Ok(job) => return Ok(job),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Ok(Answered { status, body, .. }) if status < 500 => {
                    let body = String::from_utf8_lossy(&body).into_owned();
                    return Err(OperatorError::Refused { status, body });
                }
                Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(OperatorError::Late)
    }
}
