//! A throw-away PostgreSQL server on 127.0.0.1, durable as an owner's is. It ends with this process.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Makes the server as the user that owns the folder, says when it runs, and stops it when its input closes.
const KEEPER: &str = r#"
set -e
cd "$1"
bin=$(pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as=""
if [ "$(id -u)" = 0 ]; then chown -R postgres "$1"; as="setpriv --reuid=postgres --regid=postgres --clear-groups"; fi
export LC_ALL=C
$as "$bin/initdb" -D data -U postgres -E UTF8 --locale=C --auth=trust >/dev/null
$as "$bin/pg_ctl" -D data -w -l log -o "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -p $2 $3" start >/dev/null
echo "$bin"
cat >/dev/null
$as "$bin/pg_ctl" -D data -m immediate stop >/dev/null
cd /
rm -rf "$1"
"#;

/// The server.
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    port: u16,
    // Its standard input stays open for as long as this process lives.
    keeper: Child,
}

impl Cluster {
    /// `settings` are given to the server as options of its command line.
    pub(crate) fn start(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("robot-callback-bench-").tempdir();
        let folder = folder.expect("a temporary folder can be made").keep();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("some port is free").port();
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(port.to_string()).arg(settings);
        // In a process group of its own: what ends this program's group leaves it time to clear up.
        let keeper = keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut keeper = keeper.expect("a shell can be started");
        let mut bin = String::new();
        let mut output = keeper.stdout.take().expect("its output is ours");
        let mut byte = [0];
        while output.read_exact(&mut byte).is_ok() && byte != *b"\n" {
            bin.push(char::from(byte[0]));
        }
        assert!(!bin.is_empty(), "PostgreSQL's server is installed and starts");
        Self { folder, bin: bin.into(), port, keeper }
    }

    /// Where a database of this server is.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// One of PostgreSQL's programs.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        Command::new(self.bin.join(program))
    }

    /// The server's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        file.ok().and_then(|file| file.lines().next()?.parse().ok()).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing can be done about a keeper that fails, and the folder is temporary.
        _ = self.keeper.wait();
    }
}
