//! A server in a process of its own, which can be killed at any moment and started again where it was.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use robot_callback_core::CALLBACK_PATH;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::http::request;

/// How long a server may take until it is ready.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long to wait between two looks whether it is.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What a server is started with. It is configured by its environment alone.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The program and its arguments.
    pub program: (PathBuf, Vec<String>),
    /// Where it works, and where its log `server.log` goes.
    pub folder: PathBuf,
    /// Where its data is, such as `sqlite:robot-callback.db`.
    pub database: String,
    /// The callback secret.
    pub secret: String,
    /// The operator's token.
    pub token: String,
    /// Where its events go.
    pub inngest: String,
}

/// A server that runs, or was killed and can be started again. Killed for good when it is dropped.
#[derive(Debug)]
pub struct Server {
    settings: ServerSettings,
    address: SocketAddr,
    child: Option<Child>,
    lives: u32,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The process or its log can't be made, or it can't be killed.
    #[error("the server's process failed: {0}")]
    Process(#[from] std::io::Error),
    /// It ended by itself. Its log says why.
    #[error("the server ended by itself ({status}); its log is {}", log.display())]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
    },
    /// It was not ready in time.
    #[error("the server was not ready within {START_DEADLINE:?}; its log is {}", .0.display())]
    Late(PathBuf),
}

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// A [`ServerError`].
    pub async fn start(settings: ServerSettings) -> Result<Self, ServerError> {
        const TRIES: u32 = 5;
        let mut server = Self { settings, address: free_address()?, child: None, lives: 0 };
        for _ in 1..TRIES {
            match server.restart().await {
                // Somebody may have taken the port since.
                Err(ServerError::Ended { .. }) => server.address = free_address()?,
                started => return started.map(|()| server),
            }
        }
        server.restart().await.map(|()| server)
    }

    /// Starts it again at the same address, on the same data, and waits until it is ready.
    ///
    /// # Errors
    /// A [`ServerError`].
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.child = Some(self.spawn()?);
        self.lives += 1;
        let deadline = Instant::now() + START_DEADLINE;
        while !self.is_ready().await {
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            match ended {
                Some(status) => return Err(ServerError::Ended { status, log: self.log() }),
                None if Instant::now() > deadline => return Err(ServerError::Late(self.log())),
                None => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
        Ok(())
    }

    /// Kills it (SIGKILL): it gets no chance to tidy up. When this returns, it is dead.
    ///
    /// # Errors
    /// When it can't be killed.
    pub async fn kill(&mut self) -> Result<(), ServerError> {
        match self.child.take() {
            Some(mut child) => Ok(child.kill().await?),
            None => Ok(()),
        }
    }

    /// Where it listens, in all its lives.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it takes callbacks.
    #[must_use]
    pub fn callback_url(&self) -> String {
        format!("http://{}{CALLBACK_PATH}", self.address)
    }

    /// How many times it was started.
    #[must_use]
    pub fn lives(&self) -> u32 {
        self.lives
    }

    fn spawn(&self) -> Result<Child, ServerError> {
        let Self { settings, address, .. } = self;
        let log = File::options().create(true).append(true).open(self.log())?;
        let (program, arguments) = &settings.program;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&settings.folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        for inherited in ["CONFIG", "SECRET_FILE", "SECRET_PREVIOUS", "OPERATOR_TOKEN_FILE"] {
            command.env_remove(format!("ROBOT_CALLBACK_{inherited}"));
        }
        command.env_remove("INNGEST_DEV").env_remove("FIELD_CHANGES");
        command.env("BIND", address.ip().to_string()).env("PORT", address.port().to_string());
        command.env("DATABASE_URL", &settings.database);
        command.env("ROBOT_CALLBACK_SECRET", &settings.secret);
        command.env("ROBOT_CALLBACK_OPERATOR_TOKEN", &settings.token);
        command.env("INNGEST_BASE_URL", &settings.inngest).env("INNGEST_EVENT_KEY", "loopback");
        // What a killed server had claimed is sent by the next one after this long, instead of a minute.
        command.env("RELAY_LEASE_SECS", "2").env("RUST_LOG", "warn");
        Ok(command.spawn()?)
    }

    async fn is_ready(&self) -> bool {
        request(self.address, "/readyz", &[], None).await.is_ok_and(|answer| answer.status == 200)
    }

    fn log(&self) -> PathBuf {
        log_in(&self.settings.folder)
    }
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// An address that nobody listens on. A server that comes back to the same port needs one from below the range that
/// systems give to outgoing connections: while it is dead, one of the clients' own could get the port otherwise.
fn free_address() -> std::io::Result<SocketAddr> {
    const TRIES: u32 = 100;
    let candidate = || SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(20_000..30_000)));
    let free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    let none = || std::io::Error::other("no free port between 20000 and 30000");
    (0..TRIES).map(|_| candidate()).find(free).ok_or_else(none)
}
