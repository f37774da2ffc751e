//! Where events go: the settings of Inngest, or the log when there are none.

use std::fmt;

use super::SettingError;
use super::layers::Layers;
use super::setting::{INNGEST_BASE_URL, INNGEST_DEV, INNGEST_EVENT_KEY};

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
    pub(super) fn of(layers: &Layers) -> Result<Self, SettingError> {
        let key = layers.get(&INNGEST_EVENT_KEY).map(|given| given.value);
        let base = layers.get(&INNGEST_BASE_URL);
        if let Some(dev) = dev_server(layers) {
            let base_url = base.map_or(dev, |given| given.value);
            // A development server takes any key.
            return Ok(Self::Inngest { base_url, event_key: key.unwrap_or_else(|| "dev".into()) });
        }
        match (base, key) {
            (None, None) => Ok(Self::Log),
            (base, Some(event_key)) => {
                let base_url = base.map_or(CLOUD.into(), |given| given.value);
                Ok(Self::Inngest { base_url, event_key })
            }
            (Some(base), None) => Err(base.error("needs INNGEST_EVENT_KEY beside it")),
        }
    }
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
