//! The program's settings as values, each checked, from wherever they came.

mod access;
mod database;
mod events;
mod layers;
mod number;
mod operating;
mod problems;
mod relaying;
mod secret;
mod setting;
mod unknown;
mod workspaces;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use robot_callback_core::{Allowance, EndpointOptions, RelayOptions, StatementMode};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::{EnvFilter, Layer, Registry};
use warp::http::HeaderName;

pub(crate) use self::access::{Access, Granted};
pub(crate) use self::database::{Database, Postgres};
pub(crate) use self::events::Events;
pub(crate) use self::layers::{Layers, Origin, environment};
use self::number::{number, seconds, switch};
pub(crate) use self::operating::allowance;
use self::problems::Problems;
pub(crate) use self::problems::SettingErrors;
pub(crate) use self::relaying::within;
pub(crate) use self::secret::{Credential, SecretError};
pub(crate) use self::setting::{ALL, CONFIG, Setting};
use crate::serve::{self, Limits, Tls, TlsError};

/// A setting that can't be used: which one, the rule it breaks, and where it came from. Never its value, which may
/// be a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{setting} {rule} (from {origin})")]
pub(crate) struct SettingError {
    setting: String,
    rule: String,
    origin: Origin,
}

/// Everything a server needs to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) database: Database,
    pub(crate) access: Access,
    pub(crate) events: Events,
    pub(crate) bind: SocketAddr,
    pub(crate) admin_bind: Option<SocketAddr>,
    pub(crate) drain_delay: Duration,
    pub(crate) field_changes: bool,
    pub(crate) serving: serve::Options,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) endpoint: EndpointOptions,
    pub(crate) allowance: Option<Allowance>,
    pub(crate) relay: RelayOptions,
}

/// The files that TLS is spoken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificates: PathBuf,
    pub(crate) key: PathBuf,
}

impl TlsFiles {
    pub(crate) fn read(&self) -> Result<Tls, TlsError> {
        Tls::read(&self.certificates, &self.key)
    }

    pub(crate) fn paths(&self) -> [PathBuf; 2] {
        [self.certificates.clone(), self.key.clone()]
    }
}

impl Config {
    /// # Errors
    /// All that is wrong.
    pub(crate) fn of(layers: &Layers) -> Result<Self, SettingErrors> {
        let mut problems = layers.problems();
        let limits = limits(layers, &mut problems);
        let database = problems.or(database(layers), Database::Memory);
        let events = problems.or(Events::of(layers, &database), Events::Log);
        let client_address = problems.or(client_address(layers), None);
        let config = Self {
            database,
            access: Access::of(layers, &mut problems),
            bind: bind(layers, &mut problems),
            admin_bind: problems.or(admin_bind(layers), None),
            drain_delay: problems.or(drain_delay(layers), Duration::ZERO),
            field_changes: problems.or(field_changes(layers), false),
            serving: serve::Options { limits, client_address, ..serve::Options::default() },
            tls: problems.or(tls(layers), None),
            endpoint: endpoint(layers, &mut problems),
            allowance: problems.or(allowance(layers), None),
            relay: relaying::relay(layers, &events, &mut problems),
            events,
        };
        problems.or(log_filter(layers).map(drop), ());
        problems.or(log_format(layers).map(drop), ());
        problems.or(otlp_endpoint(layers).map(drop), ());
        problems.none().map(|()| config)
    }
}

/// Where the data is.
pub(crate) fn database(layers: &Layers) -> Result<Database, SettingError> {
    let Some(given) = layers.get(&setting::DATABASE_URL) else { return Ok(Database::default()) };
    let mut database = Database::parse(&given.value).map_err(|rule| given.error(rule))?;
    if let Database::Postgres(postgres) = &mut database {
        let direct = layers.get(&setting::DATABASE_DIRECT_URL);
        direct.iter().chain([&given]).try_for_each(Postgres::check)?;
        postgres.direct_url = direct.map(|given| given.value);
        postgres.mode = statement_mode(layers)?;
        set(&mut postgres.deadline, seconds(layers, &setting::STORE_DEADLINE)?);
    }
    Ok(database)
}

fn statement_mode(layers: &Layers) -> Result<StatementMode, SettingError> {
    let Some(given) = layers.get(&setting::STATEMENT_MODE) else { return Ok(StatementMode::default()) };
    match given.value.as_str() {
        "prepared" => Ok(StatementMode::Prepared),
        "unnamed" => Ok(StatementMode::Unnamed),
        _ => Err(given.error("must be prepared or unnamed")),
    }
}

/// Whether each change to an order's fields is announced.
pub(crate) fn field_changes(layers: &Layers) -> Result<bool, SettingError> {
    Ok(switch(layers, &setting::FIELD_CHANGES)?.unwrap_or_default())
}

/// What decides what is logged.
pub(crate) type LogFilter = Box<dyn Layer<Registry> + Send + Sync>;

/// What is logged, in the words of `tracing-subscriber`'s `EnvFilter`. That one looks at each span anew, each time it is
/// entered, which nobody needs who names a level alone.
pub(crate) fn log_filter(layers: &Layers) -> Result<LogFilter, SettingError> {
    let Some(given) = layers.get(&setting::LOG) else { return Ok(LevelFilter::INFO.boxed()) };
    if let Ok(level) = given.value.parse::<LevelFilter>() {
        return Ok(level.boxed());
    }
    let filter = EnvFilter::try_new(&given.value).map(Layer::boxed);
    filter.map_err(|_| given.error("must be a level, or a list such as info,robot_callback_core=debug"))
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

pub(crate) fn log_format(layers: &Layers) -> Result<LogFormat, SettingError> {
    let Some(given) = layers.get(&setting::LOG_FORMAT) else { return Ok(LogFormat::default()) };
    match given.value.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(given.error("must be text or json")),
    }
}

/// Where spans go.
pub(crate) fn otlp_endpoint(layers: &Layers) -> Result<Option<String>, SettingError> {
    let Some(given) = layers.get(&setting::OTLP_ENDPOINT) else { return Ok(None) };
    if !cfg!(feature = "otel") {
        return Err(given.error("needs a program that was built with the feature otel"));
    }
    let is_url = ["http://", "https://"].iter().any(|scheme| given.value.starts_with(scheme));
    if is_url {
        Ok(Some(given.value))
    } else {
        Err(given.error("must be a URL, such as http://localhost:4318"))
    }
}

fn admin_bind(layers: &Layers) -> Result<Option<SocketAddr>, SettingError> {
    let Some(given) = layers.get(&setting::ADMIN_BIND) else { return Ok(None) };
    let address = given.value.parse().map(Some);
    address.map_err(|_| given.error("must be an address with a port, such as 127.0.0.1:9464"))
}

fn drain_delay(layers: &Layers) -> Result<Duration, SettingError> {
    let seconds = number(layers, &setting::DRAIN_DELAY, 0..=3600)?;
    Ok(Duration::from_secs(seconds.unwrap_or_default()))
}

/// `BIND` is an address with or without a port; `PORT`, where it is set, is the port.
fn bind(layers: &Layers, problems: &mut Problems) -> SocketAddr {
    let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    if let Some(given) = layers.get(&setting::BIND) {
        let (text, port) = (given.value.as_str(), address.port());
        let alone = text.parse().map(|ip: IpAddr| SocketAddr::from((ip, port)));
        let parsed = text
            .parse()
            .or(alone)
            .map_err(|_| given.error("must be an address such as 127.0.0.1:8080 or 0.0.0.0"));
        address = problems.or(parsed, address);
    }
    if let Some(port) = problems.or(number(layers, &setting::PORT, 0..=u16::MAX.into()), None) {
        address.set_port(u16::try_from(port).unwrap_or_default());
    }
    address
}

fn limits(layers: &Layers, problems: &mut Problems) -> Limits {
    let mut limits = Limits::default();
    if let Some(most) = problems.or(number(layers, &setting::MAX_CONNECTIONS, 1..=1_000_000), None) {
        limits.connections = usize::try_from(most).unwrap_or(limits.connections);
    }
    if let Some(most) = problems.or(number(layers, &setting::MAX_HEAD, 8192..=1024 * 1024), None) {
        limits.head = usize::try_from(most).unwrap_or(limits.head);
    }
    if let Some(most) = problems.or(number(layers, &setting::AUTH_FAILURES, 0..=1_000_000), None) {
        limits.failures = u32::try_from(most).unwrap_or(limits.failures);
    }
    for (field, setting) in [
        (&mut limits.first_request, &setting::FIRST_REQUEST),
        (&mut limits.idle, &setting::IDLE_TIMEOUT),
        (&mut limits.write_stall, &setting::WRITE_STALL),
        (&mut limits.drain, &setting::DRAIN_DEADLINE),
    ] {
        set(field, problems.or(seconds(layers, setting), None));
    }
    limits
}

fn client_address(layers: &Layers) -> Result<Option<HeaderName>, SettingError> {
    let Some(given) = layers.get(&setting::CLIENT_ADDRESS_HEADER) else { return Ok(None) };
    given.value.parse().map(Some).map_err(|_| given.error("must be the name of a header"))
}

fn tls(layers: &Layers) -> Result<Option<TlsFiles>, SettingError> {
    use setting::{TLS_CERT_FILE, TLS_KEY_FILE};
    match (layers.get(&TLS_CERT_FILE), layers.get(&TLS_KEY_FILE)) {
        (None, None) => Ok(None),
        (Some(certificates), Some(key)) => {
            Ok(Some(TlsFiles { certificates: certificates.value.into(), key: key.value.into() }))
        }
        (Some(given), None) => Err(given.error(format!("needs {} beside it", TLS_KEY_FILE.env))),
        (None, Some(given)) => Err(given.error(format!("needs {} beside it", TLS_CERT_FILE.env))),
    }
}

fn endpoint(layers: &Layers, problems: &mut Problems) -> EndpointOptions {
    let mut options = EndpointOptions::default();
    set(&mut options.body_deadline, problems.or(seconds(layers, &setting::BODY_DEADLINE), None));
    set(&mut options.store_deadline, problems.or(seconds(layers, &setting::STORE_DEADLINE), None));
    options
}

fn set(field: &mut Duration, given: Option<Duration>) {
    *field = given.unwrap_or(*field);
}

#[cfg(test)]
mod tests;
