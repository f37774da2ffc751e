//! A program in a process of its own, which can be killed at any moment and started again where it was.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::http::{Answered, request};
use crate::port::Port;

/// How long a program may take until it is ready.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take to say whether it is: a question that is not answered is asked again.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait between two looks whether it is.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// What a process is let know of the environment of whoever runs the tests. Any setting could be among the rest.
const INHERITED: [&str; 7] =
    ["PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "LLVM_PROFILE_FILE", "SYSTEMROOT"];

/// Settings, by the names of environment variables.
pub type Environment = Vec<(&'static str, String)>;

/// What a process is started with. It is configured by its environment alone, which tells it its address, too.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// What it is called; its log is `NAME.log`.
    pub(crate) name: &'static str,
    /// The program and its arguments.
    pub(crate) program: (PathBuf, Vec<String>),
    /// Where it works, and where its log goes.
    pub(crate) folder: PathBuf,
    /// The path that answers 200 once it is ready.
    pub(crate) ready: &'static str,
    /// Its settings in all its lives.
    pub(crate) environment: Environment,
}

/// A process that runs, or has died and can be started again. Killed for good when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    launch: Launch,
    port: Port,
    child: Option<Child>,
    lives: u32,
}

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The process or its log can't be made, or it can't be killed.
    #[error("the process of the {0} failed")]
    Process(&'static str, #[source] std::io::Error),
    /// It ended by itself. Its log says why.
    #[error("the {name} ended by itself ({status}); its log is {}", log.display())]
    Ended {
        /// What it is called.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
    },
    /// It was not ready in time.
    #[error("the {name} was not ready within {START_DEADLINE:?} ({said}); its log is {}", log.display())]
    Late {
        /// What it is called.
        name: &'static str,
        /// What it said when it was last asked.
        said: String,
        /// Its log.
        log: PathBuf,
    },
}

impl Process {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(launch: Launch) -> Result<Self, ProcessError> {
        const TRIES: u32 = 5;
        let name = launch.name;
        let port = || Port::free().map_err(|error| ProcessError::Process(name, error));
        let mut process = Self { launch, port: port()?, child: None, lives: 0 };
        for _ in 1..TRIES {
            match process.restart(&[]).await {
                // Somebody may have taken the port since.
                Err(ProcessError::Ended { .. }) => process.port = port()?,
                started => return started.map(|()| process),
            }
        }
        process.restart(&[]).await.map(|()| process)
    }

    /// Starts it again at the same address, on the same data, with further settings, and waits until it is ready.
    pub(crate) async fn restart(&mut self, settings: &[(&str, String)]) -> Result<(), ProcessError> {
        self.child = Some(self.spawn(settings).map_err(|error| self.failed(error))?);
        self.lives += 1;
        let deadline = Instant::now() + START_DEADLINE;
        while let Err(said) = self.is_ready().await {
            let ended = self.child.as_mut().map(Child::try_wait).transpose();
            match ended.map_err(|error| self.failed(error))?.flatten() {
                Some(status) => return Err(self.ended(status)),
                None if Instant::now() > deadline => {
                    return Err(ProcessError::Late { name: self.launch.name, said, log: self.log() });
                }
                None => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
        Ok(())
    }

    /// Kills it (SIGKILL): it gets no chance to tidy up. When this returns, it is dead.
    pub(crate) async fn kill(&mut self) -> Result<(), ProcessError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        match child.try_wait().map_err(|error| self.failed(error))? {
            Some(_died_before) => Ok(()),
            None => child.kill().await.map_err(|error| self.failed(error)),
        }
    }

    /// Waits until it ends by itself.
    pub(crate) async fn end(&mut self) -> Result<ExitStatus, ProcessError> {
        match &mut self.child {
            Some(child) => child.wait().await.map_err(|error| self.failed(error)),
            None => std::future::pending().await,
        }
    }

    /// Where it listens, in all its lives.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// How many times it was started.
    pub(crate) fn lives(&self) -> u32 {
        self.lives
    }

    /// Where it works.
    pub(crate) fn folder(&self) -> &Path {
        &self.launch.folder
    }

    /// What it wrote to its standard error, in all its lives.
    pub(crate) fn log(&self) -> PathBuf {
        self.launch.folder.join(self.launch.name).with_extension("log")
    }

    fn spawn(&self, settings: &[(&str, String)]) -> std::io::Result<Child> {
        let Launch { program: (program, arguments), folder, environment, .. } = &self.launch;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(inherited);
        command.env("BIND", self.address().ip().to_string()).env("PORT", self.address().port().to_string());
        command.envs(environment.iter().map(|(name, value)| (*name, value))).env("RUST_LOG", "warn");
        command.envs(settings.iter().map(|(name, value)| (*name, value))).spawn()
    }

    /// Whether it is; if not, what it said instead.
    async fn is_ready(&self) -> Result<(), String> {
        let asked = request(self.address(), self.launch.ready, &[], None);
        match tokio::time::timeout(ANSWER_DEADLINE, asked).await {
            Ok(Ok(Answered { status: 200, .. })) => Ok(()),
            Ok(Ok(Answered { status, body, .. })) => {
                Err(format!("{status}: {}", String::from_utf8_lossy(&body)))
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {ANSWER_DEADLINE:?}")),
        }
    }

    fn failed(&self, error: std::io::Error) -> ProcessError {
        ProcessError::Process(self.launch.name, error)
    }

    pub(crate) fn ended(&self, status: ExitStatus) -> ProcessError {
        ProcessError::Ended { name: self.launch.name, status, log: self.log() }
    }
}
