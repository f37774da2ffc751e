//! The robot: a journal, a spool and a keyring in one folder, a portal, and a door.

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use robot_callback_core::{Backoff, Secrets};
use robot_callback_harness::simulation::{Banner, Ledger, RobotArgs, SimulatedPortal};
use robot_callback_warp::serve::{self, Limits};
use robot_coordinadora_client::{
    CallbackHosts, Client, ClientOptions, DoorOptions, FileKeyring, Robot, RobotOptions, Spool, SpoolOptions,
    door,
};
use tokio::net::TcpListener;

/// How long the last reports may take when the robot is stopped. The rest goes at the next start.
const LAST_REPORTS: Duration = Duration::from_secs(5);

/// Runs a robot until it is told to stop.
pub(crate) fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let args = RobotArgs::parse_from(args);
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter()).init();
    args.death.clone().lie_in_wait();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(work(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the robot can't work");
            ExitCode::FAILURE
        }
    }
}

async fn work(args: &RobotArgs) -> Result<(), Box<dyn Error>> {
    let keyring = Arc::new(FileKeyring::open(args.data.join("secrets"))?);
    let client = ClientOptions { attempt_deadline: args.attempt_deadline(), ..ClientOptions::default() };
    let client = Client::new(client)?;
    let spool = Spool::open(args.data.join("spool"), client, keyring.clone(), spool_options(args))?;
    let spool = Arc::new(spool);
    let portal = Arc::new(SimulatedPortal::new(Ledger::at(args.ledger()), args.dial.clone()));
    let robot = Robot::start(robot_options(args), portal, spool.clone(), keyring).await?;
    let listener = TcpListener::bind(args.address()).await?;
    println!("{}", Banner { address: listener.local_addr()?, args });
    let door = door(robot.clone(), door_options(args)?);
    serve::run(listener, door, told_to_stop(), Limits::default()).await;
    robot.shutdown().await;
    spool.shutdown(LAST_REPORTS).await;
    Ok(())
}

fn robot_options(args: &RobotArgs) -> RobotOptions {
    RobotOptions {
        pause: args.pause(),
        order_limit: args.portal_limit(),
        ..RobotOptions::in_folder(args.data.join("journal"))
    }
}

fn door_options(args: &RobotArgs) -> Result<DoorOptions, Box<dyn Error>> {
    let allowed = if args.allow.is_empty() { std::slice::from_ref(&args.server) } else { &*args.allow };
    let secrets = args.secret.as_ref().map(|secret| Secrets::new([secret]));
    Ok(DoorOptions { callback_hosts: CallbackHosts::parse(allowed)?, secrets, ..DoorOptions::default() })
}

fn spool_options(args: &RobotArgs) -> SpoolOptions {
    let defaults = SpoolOptions::default();
    let segment_bytes = args.segment_bytes.unwrap_or(defaults.segment_bytes);
    match args.retry() {
        None => SpoolOptions { segment_bytes, ..defaults },
        Some(retry) => SpoolOptions {
            schedule: vec![retry; 100_000],
            rest: Backoff { base: retry, cap: retry },
            segment_bytes,
            ..defaults
        },
    }
}

fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into())
}

/// Resolves at the first signal to stop.
async fn told_to_stop() {
    // Without a way to be told, it works until it is killed, which does no harm.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
