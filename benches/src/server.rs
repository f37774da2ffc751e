//! Processes of their own: this program again, run as `robot-callback`, as a bare HTTP floor or as a robot's spool.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::http::Connection;
use crate::limits::{serve_floor, serve_warp_floor};
use crate::spool::{AS_SPOOL, be_the_spool};

/// The callback secret of every run.
pub(crate) const SECRET: &str = "a callback secret of sixty-four bytes, as a generator makes them";

const AS_SERVER: &str = "be-the-server";
pub(crate) const AS_FLOOR: &str = "be-the-floor";
pub(crate) const AS_WARP_FLOOR: &str = "be-the-warp-floor";

/// Runs one of these instead, if that is what this process was started for: call it first in `main`.
#[must_use]
pub(crate) fn serve_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(AS_SERVER), None) => Some(robot_callback_warp::cli::run(["robot-callback", "serve"])),
        (Some(AS_FLOOR), Some(address)) => Some(serve_floor(&address)),
        (Some(AS_WARP_FLOOR), Some(address)) => Some(serve_warp_floor(&address)),
        (Some(AS_SPOOL), Some(task)) => Some(be_the_spool(&task)),
        _ => None,
    }
}

/// A free address. Another process may take it before it is used; then the run fails, and says so.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A server's process. Killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: SocketAddr,
}

impl Child {
    /// Starts this program again with other arguments, and waits until it answers at that address.
    pub(crate) async fn start(mut command: Command, address: SocketAddr) -> io::Result<Self> {
        const DEADLINE: Duration = Duration::from_secs(30);
        let mut child = Self { process: command.stdin(Stdio::null()).spawn()?, address };
        let late = Instant::now() + DEADLINE;
        let hello = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
        while Instant::now() < late {
            if let Some(status) = child.process.try_wait()? {
                return Err(io::Error::other(format!("the server ended by itself: {status}")));
            }
            if let Ok(mut connection) = Connection::open(address).await
                && connection.send(&hello).await.is_ok()
            {
                return Ok(child);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(io::Error::other("the server was not ready in time"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended already, or it ends now.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Starts the real server with its settings of every day, its log in `folder`.
pub(crate) async fn start(folder: &Path, database: &str, events: &str) -> io::Result<Child> {
    let address = free_address()?;
    let log = File::create(folder.join("server.log"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(AS_SERVER).current_dir(folder).stdout(Stdio::null()).stderr(log);
    let set_elsewhere = [
        "ROBOT_CALLBACK_CONFIG",
        "ROBOT_CALLBACK_SECRET_FILE",
        "EVENTS",
        "INNGEST_DEV",
        "FIELD_CHANGES",
        "PORT",
    ];
    for variable in set_elsewhere {
        command.env_remove(variable);
    }
    command.env("BIND", address.to_string()).env("DATABASE_URL", database);
    command.env("ROBOT_CALLBACK_SECRET", SECRET).env("ROBOT_CALLBACK_OPERATOR_TOKEN", "operator");
    command.env("INNGEST_BASE_URL", events).env("INNGEST_EVENT_KEY", "loopback");
    // Refusals are measured from one address, and it is not their slowing that is measured.
    command.env("AUTH_FAILURES", "1000000");
    // An eighth of the places is for those who leave, and a connection of the load is silent until its turn comes.
    command.env("MAX_CONNECTIONS", "8192");
    Child::start(command, address).await
}
