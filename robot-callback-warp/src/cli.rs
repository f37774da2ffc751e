//! The program `robot-callback`: its command line and its exit codes. What the commands do is in the parts.
//!
//! Another program can run it as a child process of itself: call [`run`] with the arguments.

mod actions;
mod actor;
mod admin;
mod asked;
mod backup;
mod check_config;
mod columns;
mod crew;
mod dead_letters;
mod desk;
mod doors;
mod events;
mod jobs;
mod keeper;
mod kept;
mod migrate;
mod process;
mod server;
mod signals;
mod store;
mod table;
mod verify;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use self::desk::Desk;
use crate::causes::chain;
use crate::config::{self, ALL, CONFIG, Config, Layers, SecretError, SettingError, SettingErrors};
use crate::log;
use crate::serve::TlsError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Setting(#[from] SettingErrors),
    /// What a setting names can't be used, which starting again does not mend.
    #[error("{0}")]
    Unusable(String),
    #[error("{0}")]
    Failed(String),
    #[error(
        "requests in flight ({0}) did not end before the drain's deadline and were cut off; their callers do not know what became of them"
    )]
    CutOff(usize),
}

impl CliError {
    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Setting(_) | Self::Unusable(_) => 2,
            Self::CutOff(_) => 3,
        }
    }

    /// A failure with all its causes.
    fn failed(what: &str, error: &dyn std::error::Error) -> Self {
        Self::Failed(format!("{what}: {}", chain(error)))
    }
}

/// Runs the program on this process's own arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program on those arguments, the first being its name, and this process's environment. Serving returns
/// after SIGINT or SIGTERM.
///
/// Exits with 0 when all went well, 1 when something failed, 2 when the command line or a setting was wrong, or a file that
/// a setting names, 3 when the server was told to stop and requests in flight did not end before the drain's deadline.
#[must_use]
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version come this way, too, and are no failure. If even this can't be printed, nobody reads.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(&matches) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::from(error.code())
        }
    }
}

fn complain(error: &CliError) {
    use std::io::Write;
    for line in error.to_string().lines() {
        let _ = writeln!(std::io::stderr(), "robot-callback: {line}");
    }
}

/// Writes to stdout; a reader that has gone away is no failure.
fn say(text: impl std::fmt::Display) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn command() -> Command {
    let settings = ALL.iter().chain([&CONFIG]).filter_map(|setting| {
        let flag = setting.flag?;
        let help = format!("{} [env: {}]", setting.help, setting.env);
        Some(Arg::new(flag).long(flag).value_name(setting.value).help(help).global(true))
    });
    let hidden: Vec<String> = ALL
        .iter()
        .filter(|setting| setting.flag.is_none())
        .map(|setting| format!("  {}\n          {}", setting.env, setting.help))
        .collect();
    Command::new("robot-callback")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Takes a robot's callbacks over HTTP: each result applied once, each completed batch announced once")
        .after_help(format!(
            "By environment or file only, since a command line is there for every user to read:\n{}\n\n\
             A flag goes before the environment, the environment before the file.",
            hidden.join("\n")
        ))
        .args(settings)
        .subcommand(Command::new("serve").about("Serve (also what happens when no command is given)"))
        .subcommand(
            Command::new("check-config")
                .about("Show what every setting is and where it comes from; exits with 2 if any can't be used"),
        )
        .subcommand(backup::command())
        .subcommand(jobs::command())
        .subcommand(kept::command())
        .subcommand(dead_letters::outbox_command())
        .subcommand(dead_letters::command())
        .subcommand(actions::command())
        .subcommand(verify::command())
        .subcommand(migrate::command())
}

fn dispatch(matches: &ArgMatches) -> Result<ExitCode, CliError> {
    let flags = innermost(matches);
    let layers = Layers::read(|flag| flags.get_one::<String>(flag).cloned(), &config::environment());
    if let Some(("check-config", _)) = matches.subcommand() {
        return check_config::run(&layers);
    }
    layers.sound()?;
    let (filter, format) = (config::log_filter(&layers)?, config::log_format(&layers)?);
    let collector = config::otlp_endpoint(&layers)?;
    process::dump_no_core();
    process::allow_many_connections();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed("no threads to run on", &error))?;
    // Before the runtime goes, what is left to be sent is sent.
    let logging = log::start(filter, format, collector.as_deref(), runtime.handle());
    let _logging = logging.map_err(|error| CliError::failed("the log", &error))?;
    match matches.subcommand() {
        Some(("backup", args)) => runtime.block_on(backup::run(args, &config::database(&layers)?)),
        Some(("jobs", args)) => runtime.block_on(jobs::run(args, &Desk::of(&layers)?)),
        Some(("kept", args)) => runtime.block_on(kept::run(args, &Desk::of(&layers)?)),
        Some(("outbox", args)) => runtime.block_on(dead_letters::outbox(args, &Desk::of(&layers)?)),
        Some(("dead-letters", args)) => runtime.block_on(dead_letters::run(args, &Desk::of(&layers)?)),
        Some(("actions", args)) => runtime.block_on(actions::run(args, &Desk::of(&layers)?)),
        Some(("verify", args)) => runtime.block_on(verify::run(args, &Desk::of(&layers)?)),
        Some(("migrate", args)) => runtime.block_on(migrate::run(args, || Ok(config::database(&layers)?))),
        _ => runtime.block_on(server::run(Config::of(&layers)?)),
    }
}

impl From<SettingError> for CliError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error.into())
    }
}

/// A secret that can't be kept is the disk's matter; all else is wrong with what the settings name.
impl From<SecretError> for CliError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Keep { .. } => Self::Failed(chain(&error)),
            _ => Self::Unusable(chain(&error)),
        }
    }
}

impl From<TlsError> for CliError {
    fn from(error: TlsError) -> Self {
        Self::Unusable(chain(&error))
    }
}

/// A global flag given after a subcommand is known to the innermost one, and so are those given before.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}
