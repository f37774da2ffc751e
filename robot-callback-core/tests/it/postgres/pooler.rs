//! PgBouncer in transaction mode before a server of our own: each transaction may get another connection. It ends
//! with the process that started it.

use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, free_port};
use super::database::cluster;
use super::programs::found;

/// Ends the pooler when its standard input closes.
const KEEPER: &str = r#"exec 3<&0; "$1" -q pooler.ini & pooler=$!; cat <&3 >/dev/null; kill "$pooler""#;

/// The pooler, and the port it listens on.
pub(crate) struct Pooler {
    port: u16,
    // Its standard input stays open for as long as this process lives.
    _keeper: Child,
}

/// The pooler that tests share, before the [`own`] server.
pub(crate) fn pooler() -> &'static Pooler {
    static POOLER: OnceLock<Pooler> = OnceLock::new();
    POOLER.get_or_init(|| Pooler::start(cluster()))
}

impl Pooler {
    fn start(cluster: &Cluster) -> Self {
        let program = found("pgbouncer").expect(
            "these tests send everything through PgBouncer too and found no `pgbouncer`: install it (Debian and \
             Ubuntu: `apt-get install pgbouncer`; Fedora and Homebrew: `pgbouncer`)",
        );
        let port = free_port();
        cluster.write("pooler.ini", &settings(cluster, port));
        cluster.write("users.txt", &format!("\"postgres\" \"{}\"\n", cluster.password));
        let mut keeper = cluster.runner.command("/bin/sh", &cluster.folder);
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(program)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let keeper = keeper.spawn().expect("a shell can be started");
        let given_up = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < given_up, "PgBouncer starts, but says: {}", cluster.read("pooler.log"));
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { port, _keeper: keeper }
    }

    /// Where a database of the server is, through the pooler.
    pub(crate) fn url(&self, database: &str) -> String {
        let password = &cluster().password;
        format!("postgres://postgres:{password}@127.0.0.1:{}/{database}", self.port)
    }
}

/// As the package has them, but for what makes it a transaction pooler. Two connections for a database are few
/// enough to make its clients take turns on them.
fn settings(cluster: &Cluster, port: u16) -> String {
    format!(
        "[databases]\n* = host=127.0.0.1 port={} password={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = md5\nauth_file = users.txt\npool_mode = transaction\n\
         default_pool_size = 2\nmax_client_conn = 1000\nlogfile = pooler.log\n",
        cluster.port, cluster.password
    )
}
