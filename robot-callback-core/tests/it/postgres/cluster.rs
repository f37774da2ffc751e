//! A throw-away PostgreSQL server on 127.0.0.1. It ends with the process that started it, whatever that one's end is,
//! and leaves nothing behind.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::programs::{Runner, postgres_program, run};

/// Waits until its standard input closes (when whoever started it is gone), stops the server and clears up.
const KEEPER: &str =
    r#"cat >/dev/null; "$1" -D "$2/data" -m immediate stop >/dev/null 2>&1; cd /; rm -rf "$2""#;

/// How many connections a server takes: every test brings pools of its own.
const MAX_CONNECTIONS: u32 = 400;

/// A running server, or one that was stopped and can be started again.
pub(crate) struct Cluster {
    /// Where it has all that is its.
    pub(crate) folder: PathBuf,
    /// The user it runs as.
    pub(crate) runner: Runner,
    /// The port it listens on, the same after every start.
    pub(crate) port: u16,
    /// The password of its user `postgres`.
    pub(crate) password: String,
    // Its standard input stays open for as long as this process lives.
    keeper: Child,
}

impl Cluster {
    /// Makes a server and starts it: durable (`fsync` on), as an owner's is.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start; says why.
    pub(crate) fn start() -> Self {
        let made = tempfile::Builder::new().prefix("robot-callback-postgres-").tempdir();
        let folder = made.expect("a temporary folder can be made").keep();
        let runner = Runner::for_folder_of(&folder);
        let keeper = keeper(runner, &folder);
        let password = random_hex();
        runner.own(&folder);
        let mut cluster = Self { folder, runner, port: 0, password, keeper };
        cluster.write("password", &cluster.password);
        run(cluster
            .command("initdb")
            .args(["-D", "data", "-U", "postgres", "-E", "UTF8", "--locale=C", "--pwfile=password"])
            // A password over loopback, so that no other user of this machine becomes a superuser here.
            .args(["--auth-local=reject", "--auth-host=password"]));
        cluster.choose_port_and_start();
        cluster
    }

    /// Another process may take a port between our look and the server's: then another one is tried.
    fn choose_port_and_start(&mut self) {
        for attempt in 1.. {
            self.port = free_port();
            match self.try_to_start_again() {
                Ok(()) => return,
                Err(said) => assert!(attempt < 5, "the server starts, but: {said}"),
            }
        }
    }

    /// Where a database of this server is.
    pub(crate) fn url(&self, database: &str) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://postgres:{password}@127.0.0.1:{port}/{database}")
    }

    /// One of PostgreSQL's programs, by the user the server runs as.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.runner.command(postgres_program(program), &self.folder)
    }

    /// Puts a file for the server's user into its folder, to be read by nobody else; says where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is ours");
        self.runner.own(&path);
        path
    }

    /// A file of the server's folder; nothing when it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Stops it at once, without a word to anybody: what it had not made durable is lost.
    pub(crate) fn stop_immediately(&self) {
        run(self.command("pg_ctl").args(["-D", "data", "-m", "immediate", "-w", "stop"]));
    }

    /// Starts it again after a stop.
    pub(crate) fn start_again(&self) {
        self.try_to_start_again().unwrap_or_else(|said| panic!("the server starts again, but: {said}"));
    }

    fn try_to_start_again(&self) -> Result<(), String> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -p {} -c max_connections={MAX_CONNECTIONS}",
            self.port
        );
        let mut start = self.command("pg_ctl");
        start.args(["-D", "data", "-w", "-t", "60", "-l", "log", "-o", &options, "start"]);
        let output = start.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}{}", String::from_utf8_lossy(&output.stderr), self.read("log")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing can be done about a keeper that fails, and the folder is in /tmp.
        _ = self.keeper.wait();
    }
}

/// It has a process group of its own, so that Ctrl-C ends the tests and leaves it time to clear up.
fn keeper(runner: Runner, folder: &Path) -> Child {
    let mut keeper = runner.command("/bin/sh", Path::new("/"));
    keeper.args(["-c", KEEPER, "keeper"]).arg(postgres_program("pg_ctl")).arg(folder).process_group(0);
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    keeper.spawn().expect("a shell can be started")
}

/// A free port below those that the kernel gives to outgoing connections: one of those could take the port while
/// the server is stopped, and a connection to a closed port among them can even meet itself.
pub(crate) fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| 20_000 + random_number() % 10_000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("some port is free")
}

fn random_number() -> u16 {
    u16::from_str_radix(&random_hex()[..4], 16).expect("four hexadecimal digits are a number")
}

/// 32 hexadecimal digits that nobody can guess.
pub(crate) fn random_hex() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
