//! The program's settings as values, each checked, from wherever they came.

mod access;
mod database;
mod events;
mod layers;
mod number;
mod secret;
mod setting;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use robot_callback_core::{EndpointOptions, RelayOptions, StatementMode};

pub(crate) use self::access::{Access, Granted};
pub(crate) use self::database::{Database, Postgres};
pub(crate) use self::events::Events;
pub(crate) use self::layers::{Layers, Origin};
use self::number::{number, seconds, switch};
pub(crate) use self::secret::Credential;
pub(crate) use self::setting::{ALL, CONFIG, Setting};
use crate::serve::Limits;

/// A setting that can't be used: which one, the rule it breaks, and where it came from. Never its value, which may
/// be a secret.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {rule} (from {origin})")]
pub(crate) struct SettingError {
    setting: &'static str,
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
    pub(crate) limits: Limits,
    pub(crate) endpoint: EndpointOptions,
    pub(crate) relay: RelayOptions,
}

impl Config {
    pub(crate) fn of(layers: &Layers) -> Result<Self, SettingError> {
        Ok(Self {
            database: database(layers)?,
            access: Access::of(layers)?,
            events: Events::of(layers)?,
            bind: bind(layers)?,
            admin_bind: admin_bind(layers)?,
            drain_delay: drain_delay(layers)?,
            field_changes: switch(layers, &setting::FIELD_CHANGES)?.unwrap_or_default(),
            limits: limits(layers)?,
            endpoint: endpoint(layers)?,
            relay: relay(layers)?,
        })
    }
}

/// Where the data is.
pub(crate) fn database(layers: &Layers) -> Result<Database, SettingError> {
    let Some(given) = layers.get(&setting::DATABASE_URL) else { return Ok(Database::default()) };
    let mut database = Database::parse(&given.value).map_err(|rule| given.error(rule))?;
    if let Database::Postgres(postgres) = &mut database {
        postgres.direct_url = layers.get(&setting::DATABASE_DIRECT_URL).map(|given| given.value);
        postgres.mode = statement_mode(layers)?;
        postgres.deadline = endpoint(layers)?.store_deadline;
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

/// What is logged, in the words of `tracing-subscriber`'s `EnvFilter`.
pub(crate) fn log_filter(layers: &Layers) -> Result<tracing_subscriber::EnvFilter, SettingError> {
    let Some(given) = layers.get(&setting::LOG) else { return Ok("info".into()) };
    let filter = tracing_subscriber::EnvFilter::try_new(&given.value);
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
fn bind(layers: &Layers) -> Result<SocketAddr, SettingError> {
    let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    if let Some(given) = layers.get(&setting::BIND) {
        let (text, port) = (given.value.as_str(), address.port());
        let alone = text.parse().map(|ip: IpAddr| SocketAddr::from((ip, port)));
        address = text
            .parse()
            .or(alone)
            .map_err(|_| given.error("must be an address such as 127.0.0.1:8080 or 0.0.0.0"))?;
    }
    if let Some(port) = number(layers, &setting::PORT, 0..=u16::MAX.into())? {
        address.set_port(u16::try_from(port).unwrap_or_default());
    }
    Ok(address)
}

fn limits(layers: &Layers) -> Result<Limits, SettingError> {
    let mut limits = Limits::default();
    if let Some(most) = number(layers, &setting::MAX_CONNECTIONS, 1..=1_000_000)? {
        limits.connections = usize::try_from(most).unwrap_or(limits.connections);
    }
    set(&mut limits.idle, seconds(layers, &setting::IDLE_TIMEOUT)?);
    set(&mut limits.drain, seconds(layers, &setting::DRAIN_DEADLINE)?);
    Ok(limits)
}

fn endpoint(layers: &Layers) -> Result<EndpointOptions, SettingError> {
    let mut options = EndpointOptions::default();
    set(&mut options.body_deadline, seconds(layers, &setting::BODY_DEADLINE)?);
    set(&mut options.store_deadline, seconds(layers, &setting::STORE_DEADLINE)?);
    Ok(options)
}

/// A send is given up at two thirds of its lease, so that nobody else has begun by then.
fn relay(layers: &Layers) -> Result<RelayOptions, SettingError> {
    let mut options = RelayOptions::default();
    if let Some(lease) = seconds(layers, &setting::RELAY_LEASE)? {
        (options.lease, options.send_timeout) = (lease, lease * 2 / 3);
    }
    Ok(options)
}

fn set(field: &mut Duration, given: Option<Duration>) {
    *field = given.unwrap_or(*field);
}

#[cfg(test)]
mod tests;
