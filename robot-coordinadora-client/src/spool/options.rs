//! How a spool works. Owns the settings and their defaults; decides nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::Backoff;

use super::status::SpoolAlarm;

/// Is told of what needs somebody's attention; see [`SpoolOptions::on_alarm`].
pub type AlarmHook = Arc<dyn Fn(&SpoolAlarm) + Send + Sync>;

/// How a [`Spool`](super::Spool) works. The defaults suit a robot that reports to one shop or to many.
#[derive(Clone)]
pub struct SpoolOptions {
    /// How much it holds at most, in bytes of reports that wait or are dead letters. With what is not yet cleared
    /// away, the folder may take a little more than twice that. Default: 256 MiB, some 600,000 reports.
    pub max_bytes: u64,
    /// When a report is tried again after its first failure, its second, and so on; each up to a fifth longer, by
    /// chance. After as many failures and one more it is a dead letter. The first try is made at once. Default:
    /// 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: three days.
    pub schedule: Vec<Duration>,
    /// How long a destination is left alone after a failure, and after the next without a success in between.
    /// Then one report is sent to see whether it is back. Default: up to 1 second, doubling up to 1 minute.
    pub rest: Backoff,
    /// How many requests a destination gets at the same time. Default: 4.
    pub at_once: usize,
    /// How often to look whether the keyring has a secret for a destination that lacks one, or another for one that
    /// was refused. Default: 30 seconds.
    pub look_again: Duration,
    /// When a new file is begun, in bytes. Default: 4 MiB.
    pub segment_bytes: u64,
    /// Is told of what needs somebody's attention, on a thread of the spool's: it must return soon. The same is logged
    /// in any case. Default: nobody.
    pub on_alarm: Option<AlarmHook>,
    /// The seed of all jitter; the same seed gives the same waits. Default: random.
    pub seed: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let schedule =
            [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        Self {
            max_bytes: 256 * 1024 * 1024,
            schedule: schedule.map(Duration::from_secs).to_vec(),
            rest: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
            at_once: 4,
            look_again: Duration::from_secs(30),
            segment_bytes: 4 * 1024 * 1024,
            on_alarm: None,
            seed: fastrand::u64(..),
        }
    }
}

impl fmt::Debug for SpoolOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolOptions")
            .field("max_bytes", &self.max_bytes)
            .field("schedule", &self.schedule)
            .field("rest", &self.rest)
            .field("at_once", &self.at_once)
            .field("look_again", &self.look_again)
            .field("segment_bytes", &self.segment_bytes)
            .field("on_alarm", &self.on_alarm.is_some())
            .field("seed", &self.seed)
            .finish()
    }
}
