//! A server in a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use robot_callback_core::CALLBACK_PATH;

use crate::process::{Environment, Launch, Process, ProcessError};

/// What a server is started with.
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
pub struct Server(Process);

impl Server {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// A [`ProcessError`].
    pub async fn start(settings: ServerSettings) -> Result<Self, ProcessError> {
        Process::start(settings.launch()).await.map(Self)
    }

    /// Starts it again at the same address, on the same data, and waits until it is ready.
    ///
    /// # Errors
    /// A [`ProcessError`].
    pub async fn restart(&mut self) -> Result<(), ProcessError> {
        self.0.restart(&[]).await
    }

    /// Kills it (SIGKILL): it gets no chance to tidy up. When this returns, it is dead.
    ///
    /// # Errors
    /// When it can't be killed.
    pub async fn kill(&mut self) -> Result<(), ProcessError> {
        self.0.kill().await
    }

    /// Where it listens, in all its lives.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Where it takes callbacks.
    #[must_use]
    pub fn callback_url(&self) -> String {
        format!("http://{}{CALLBACK_PATH}", self.address())
    }

    /// How many times it was started.
    #[must_use]
    pub fn lives(&self) -> u32 {
        self.0.lives()
    }
}

impl ServerSettings {
    fn launch(self) -> Launch {
        let environment: Environment = vec![
            ("DATABASE_URL", self.database),
            ("ROBOT_CALLBACK_SECRET", self.secret),
            ("ROBOT_CALLBACK_OPERATOR_TOKEN", self.token),
            ("INNGEST_BASE_URL", self.inngest),
            ("INNGEST_EVENT_KEY", "loopback".into()),
            // What a killed server had claimed is sent by the next one after this long, instead of a minute.
            ("RELAY_LEASE_SECS", "2".into()),
        ];
        let (program, folder) = (self.program, self.folder);
        Launch { name: "server", program, folder, ready: "/readyz", environment }
    }
}
