//! How patient a client is. Owns the settings and their defaults; decides nothing.

use std::time::Duration;

use robot_callback_core::Backoff;

/// How a [`Client`](crate::Client) works. The defaults suit a robot that waits for each result to be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// When the making of a connection is given up: name look-up, TCP and TLS together. Default: 5 seconds.
    pub connect_deadline: Duration,
    /// When one try is given up, from its beginning to the last byte of its answer. A server that has not
    /// answered by then may have recorded the result all the same; sending it again is safe. Default: 10 seconds.
    pub attempt_deadline: Duration,
    /// When a report is given up, all its tries and the waits between them together. Default: 2 minutes.
    pub total_deadline: Duration,
    /// The waits between tries. Default: up to 500 milliseconds after the first failure, doubling up to 30 seconds.
    /// A longer `Retry-After` of the receiver is honoured.
    pub backoff: Backoff,
    /// The seed of the jitter; the same seed gives the same waits. Default: random.
    pub seed: u64,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_deadline: Duration::from_secs(5),
            attempt_deadline: Duration::from_secs(10),
            total_deadline: Duration::from_secs(120),
            backoff: Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(30) },
            seed: fastrand::u64(..),
        }
    }
}

impl ClientOptions {
    /// The first deadline that leaves no time at all, by its name.
    pub(crate) fn without_time(&self) -> Option<&'static str> {
        let deadlines = [
            ("connect_deadline", self.connect_deadline),
            ("attempt_deadline", self.attempt_deadline),
            ("total_deadline", self.total_deadline),
        ];
        deadlines.into_iter().find(|(_, deadline)| deadline.is_zero()).map(|(name, _)| name)
    }
}
