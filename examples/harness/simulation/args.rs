//! The command line of the robot with the simulated portal; every flag is an environment variable, too.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use super::death::Death;
use super::dial::Dial;

/// The folder of everything that outlives a restart, unless told otherwise.
pub(crate) const DATA: &str = "robot-data";
/// The portal's ledger, in that folder.
pub(crate) const LEDGER: &str = "portal-ledger.jsonl";

/// A robot with a simulated portal: takes batches over HTTP and reports what became of every order
#[derive(Clone, Debug, Parser)]
#[command(name = "robot")]
pub struct RobotArgs {
    /// The address to listen on
    #[arg(long, env = "BIND", value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The port to listen on; 0 is any free one
    #[arg(long, env = "PORT", default_value_t = 3001)]
    port: u16,
    /// The folder of everything that outlives a restart
    #[arg(long, env = "ROBOT_DATA", value_name = "FOLDER", default_value = DATA)]
    pub data: PathBuf,
    /// Where results may be sent, such as `https://crm.example.com` [default: to the server named next]
    #[arg(long, env = "ROBOT_ALLOW", value_name = "HOST", value_delimiter = ',')]
    pub allow: Vec<String>,
    /// The secret that whoever brings a batch has to know, in x-callback-secret [default: anybody may]
    #[arg(long, env = "ROBOT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// The server in the lines to try it with
    #[arg(long, env = "ROBOT_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// The pause between two orders, in milliseconds
    #[arg(long, env = "ROBOT_PAUSE_MS", value_name = "MS", default_value_t = 2000)]
    pause_ms: u64,
    /// When the portal is given up at an order, in milliseconds
    #[arg(long, env = "ROBOT_PORTAL_LIMIT_MS", value_name = "MS", default_value_t = 5000)]
    portal_limit_ms: u64,
    /// When the server is given up at a report, which is then sent again, in milliseconds
    #[arg(long, env = "ROBOT_ATTEMPT_DEADLINE_MS", value_name = "MS", default_value_t = 10_000)]
    attempt_deadline_ms: u64,
    /// Sends a report again after so many milliseconds, however often [default: a schedule of three days]
    #[arg(long, env = "ROBOT_RETRY_MS", value_name = "MS")]
    retry_ms: Option<u64>,
    /// When the spool begins another file, in bytes [default: 4 MiB]
    #[arg(long, env = "ROBOT_SEGMENT_BYTES", value_name = "BYTES")]
    pub segment_bytes: Option<u64>,
    /// What goes wrong in the portal.
    #[command(flatten)]
    pub dial: Dial,
    /// Where the robot dies.
    #[command(flatten)]
    pub death: Death,
}

impl RobotArgs {
    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }

    /// The pause between two orders.
    #[must_use]
    pub fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }

    /// When the portal is given up at an order.
    #[must_use]
    pub fn portal_limit(&self) -> Duration {
        Duration::from_millis(self.portal_limit_ms)
    }

    /// When the server is given up at a report.
    #[must_use]
    pub fn attempt_deadline(&self) -> Duration {
        Duration::from_millis(self.attempt_deadline_ms)
    }

    /// When a report is sent again, if not by the spool's own schedule.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry_ms.map(Duration::from_millis)
    }

    /// The portal's ledger.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.data.join(LEDGER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_told_when_to_end_by_its_environment() {
        let death = Death { die_at: vec!["here".into(), "or there".into()], die_after: Some(7) };
        let by_flags = death
            .environment()
            .into_iter()
            .flat_map(|(name, value)| [name.replace("ROBOT_", "--").replace('_', "-").to_lowercase(), value]);
        let args = RobotArgs::parse_from(std::iter::once("robot".to_owned()).chain(by_flags));
        assert_eq!(args.death, death, "what the harness says is what the robot reads");
    }
}
