//! The client against real servers on the loopback device, which do as a script tells them.
#![allow(clippy::unwrap_used, reason = "helpers of tests say what they expect by unwrapping it, as tests do")]

mod process;
mod server;
#[cfg(target_os = "linux")]
mod small_disk;

mod answers;
mod blocking;
mod deadlines;
mod robot;
mod secrecy;
mod settings;
mod spool;
mod tls;
mod vectors;
mod wire;

use std::time::Duration;

use robot_callback_core::{Backoff, ItemId, Report};
use robot_coordinadora_client::{Client, ClientOptions, Destination};

const SECRET: &str = "hunter2-is-the-secret";

/// Options that wait for next to nothing between attempts, and for long until they give up.
fn quick() -> ClientOptions {
    let backoff = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    let minute = Duration::from_secs(60);
    ClientOptions {
        connect_deadline: minute,
        attempt_deadline: minute,
        total_deadline: minute,
        backoff,
        seed: 7,
    }
}

fn client() -> Client {
    Client::new(quick()).unwrap()
}

fn destination(server: &server::Server) -> Destination {
    Destination::new(&server.url(), SECRET).unwrap()
}

fn item() -> ItemId {
    "6f9619ff-8b86-4d01-b42d-00c04fc964ff".parse().unwrap()
}

fn report() -> Report {
    Report::success(item(), "73150001234")
}
