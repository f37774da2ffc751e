//! A robot in a process of its own, which may be told when to die, and whoever hands it batches.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use robot_coordinadora_client::BatchRequest;
use tokio::time::Instant;

use crate::http::{Answered, request};
use crate::process::{Environment, Launch, Process, ProcessError};
use crate::simulation::{DATA, Death, LEDGER, Ledger, Shipment};

/// Where a robot takes batches.
pub(crate) const DOOR: &str = "/api/crear-pedidos-batch";
/// How long to try to hand over a batch.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// What a robot is started with.
#[derive(Clone, Debug)]
pub struct RobotSettings {
    /// The program and its arguments.
    pub program: (PathBuf, Vec<String>),
    /// Where it works, and where its log `robot.log` goes.
    pub folder: PathBuf,
    /// Its settings in all its lives, by the names of environment variables.
    pub environment: Environment,
}

impl RobotSettings {
    /// A robot that works in that folder as fast as it can, reports to that origin alone, and tries a report again at
    /// once.
    #[must_use]
    pub fn hasty(program: (PathBuf, Vec<String>), folder: impl Into<PathBuf>, origin: String) -> Self {
        let environment =
            vec![("ROBOT_PAUSE_MS", "0".into()), ("ROBOT_RETRY_MS", "20".into()), ("ROBOT_ALLOW", origin)];
        Self { program, folder: folder.into(), environment }
    }

    /// The same with a further setting.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.environment.push((name, value.to_string()));
        self
    }
}

/// A robot that runs, or has died and can be started again. Killed for good when it is dropped.
#[derive(Debug)]
pub struct RobotProcess(Process);

/// Why a batch was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The robot refused.
    #[error("the batch was refused with {status}: {body}")]
    Refused {
        /// The answer's status.
        status: u16,
        /// Its body.
        body: String,
    },
    /// The batch can't be written as JSON.
    #[error("the batch is no JSON")]
    Json(#[from] serde_json::Error),
    /// There was no whole answer in time.
    #[error("no batch was accepted within {DEADLINE:?}")]
    Late,
}

impl RobotProcess {
    /// Starts a robot and waits until it is ready.
    ///
    /// # Errors
    /// A [`ProcessError`].
    pub async fn start(settings: RobotSettings) -> Result<Self, ProcessError> {
        let RobotSettings { program, folder, environment } = settings;
        let launch = Launch { name: "robot", program, folder, ready: "/api/health", environment };
        Process::start(launch).await.map(Self)
    }

    /// Starts it again at the same address, on the same data, and waits until it is ready, or has died as it was told.
    ///
    /// # Errors
    /// A [`ProcessError`].
    pub async fn restart(&mut self, death: &Death) -> Result<(), ProcessError> {
        match self.0.restart(&death.environment()).await {
            Err(ProcessError::Ended { status, .. }) if was_killed(status) => Ok(()),
            started => started,
        }
    }

    /// Waits until it is dead.
    ///
    /// # Errors
    /// When it was not killed, by its own hand or another's, but gave up or crashed, which no robot should.
    pub async fn death(&mut self) -> Result<(), ProcessError> {
        match self.0.end().await? {
            status if was_killed(status) => Ok(()),
            status => Err(self.0.ended(status)),
        }
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

    /// How many times it was started.
    #[must_use]
    pub fn lives(&self) -> u32 {
        self.0.lives()
    }

    /// The folder of everything that outlives a restart.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.folder().join(DATA)
    }

    /// Every shipment of its portal.
    ///
    /// # Errors
    /// When the portal's ledger can't be read.
    pub fn shipments(&self) -> std::io::Result<Vec<Shipment>> {
        Ledger::at(self.data().join(LEDGER)).shipments()
    }

    /// What it wrote to its standard error, in all its lives.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.log()
    }
}

/// Hands a batch to the robot at that address, again and again until it is accepted, whatever happens to the robot
/// meanwhile.
///
/// # Errors
/// A [`HandOverError`].
pub async fn hand_over(robot: SocketAddr, batch: &BatchRequest) -> Result<(), HandOverError> {
    let body = serde_json::to_vec(batch)?;
    let give_up = Instant::now() + DEADLINE;
    while Instant::now() < give_up {
        match request(robot, DOOR, &[], Some(body.clone())).await {
            Ok(Answered { status: 200, .. }) => return Ok(()),
            Ok(Answered { status, body, .. }) if status < 500 => {
                let body = String::from_utf8_lossy(&body).into_owned();
                return Err(HandOverError::Refused { status, body });
            }
            Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(HandOverError::Late)
}

#[cfg(unix)]
fn was_killed(status: std::process::ExitStatus) -> bool {
    const SIGKILL: i32 = 9;
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGKILL)
}

#[cfg(not(unix))]
fn was_killed(status: std::process::ExitStatus) -> bool {
    !status.success()
}
