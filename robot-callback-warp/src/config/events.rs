//! Where events go: to Inngest, by its settings, or to the log.

use std::fmt;

use robot_callback_core::inngest::{InngestEmitter, InngestError, InngestOptions};

use super::database::Database;
use super::layers::Layers;
use super::setting::{DATABASE_URL, EVENTS, INNGEST_BASE_URL, INNGEST_DEV, INNGEST_EVENT_KEY};
use super::{Setting, SettingError};

pub(crate) const CLOUD: &str = "https://inn.gs";
pub(crate) const DEV_SERVER: &str = "http://localhost:8288";

/// Where events go.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Events {
    /// To the log, by name and id, and nowhere else.
    Log,
    /// To Inngest.
    Inngest {
        /// Where it is.
        base_url: String,
        /// Who sends.
        event_key: String,
    },
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("Log"),
            Self::Inngest { base_url, .. } => write!(f, "Inngest({base_url})"),
        }
    }
}

impl Events {
    /// As `EVENTS` says; else to Inngest where one of its settings is there.
    pub(super) fn of(layers: &Layers, database: &Database) -> Result<Self, SettingError> {
        let Some(given) = layers.get(&EVENTS) else { return unsaid(layers, database) };
        match given.value.as_str() {
            "log" => Ok(Self::Log),
            "inngest" => {
                let missing = || given.error("needs INNGEST_EVENT_KEY beside it, or INNGEST_DEV");
                inngest(layers)?.ok_or_else(missing)
            }
            _ => Err(given.error("must be inngest or log")),
        }
    }
}

/// Where several servers share a database, one that lost its key would take its share of everybody's events and
/// swallow it. So nobody logs the events of a PostgreSQL database who was not told to.
fn unsaid(layers: &Layers, database: &Database) -> Result<Events, SettingError> {
    const RULE: &str = "is PostgreSQL's, and nothing says where its events go: set INNGEST_EVENT_KEY (or INNGEST_DEV), \
        or EVENTS=log to have them logged and sent to nobody";
    let events = inngest(layers)?.unwrap_or(Events::Log);
    let shared = layers.get(&DATABASE_URL).filter(|_| matches!(database, Database::Postgres(_)));
    match shared {
        Some(given) if events == Events::Log => Err(given.error(RULE)),
        _ => Ok(events),
    }
}

/// What the settings of Inngest say, if they say enough.
fn inngest(layers: &Layers) -> Result<Option<Events>, SettingError> {
    let value = |setting| layers.get(setting).map(|given| given.value);
    let (key, base, dev) = (value(&INNGEST_EVENT_KEY), layers.get(&INNGEST_BASE_URL), dev_server(layers));
    if key.is_none() && dev.is_none() {
        return base.map_or(Ok(None), |base| Err(base.error("needs INNGEST_EVENT_KEY beside it")));
    }
    let base_url = base.map(|given| given.value).or(dev).unwrap_or_else(|| CLOUD.into());
    // A development server takes any key.
    let event_key = key.unwrap_or_else(|| "dev".into());
    check(layers, &base_url, &event_key)?;
    Ok(Some(Events::Inngest { base_url, event_key }))
}

/// The rules are the emitter's own. What else it needs of this machine is no matter of settings.
fn check(layers: &Layers, base_url: &str, event_key: &str) -> Result<(), SettingError> {
    let options = InngestOptions { base_url: base_url.into(), ..InngestOptions::cloud(event_key) };
    let Err(InngestError::Setting(broken)) = InngestEmitter::new(options) else { return Ok(()) };
    let named: &[&Setting] =
        if broken.field == "event_key" { &[&INNGEST_EVENT_KEY] } else { &[&INNGEST_BASE_URL, &INNGEST_DEV] };
    let given = named.iter().find_map(|setting| layers.get(setting));
    given.map_or(Ok(()), |given| Err(given.error(broken.rule)))
}

/// `INNGEST_DEV` as Inngest's own libraries read it: a switch, or a URL.
fn dev_server(layers: &Layers) -> Option<String> {
    let value = layers.get(&INNGEST_DEV)?.value;
    match value.to_ascii_lowercase().as_str() {
        "0" | "false" | "no" | "off" => None,
        "1" | "true" | "yes" | "on" => Some(DEV_SERVER.into()),
        _ => Some(value),
    }
}
