//! The emitter that the settings name.

use std::sync::Arc;

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::{Emitter, LogEmitter, RelayOptions};

use super::CliError;
use crate::config::{Events, within};

/// One that gives up before that relay gives up on it.
pub(super) fn emitter(events: &Events, relay: &RelayOptions) -> Result<Arc<dyn Emitter>, CliError> {
    match events {
        Events::Log => Ok(Arc::new(LogEmitter)),
        Events::Inngest { base_url, event_key } => {
            let base_url = base_url.clone();
            let options = InngestOptions { base_url, ..InngestOptions::cloud(event_key.clone()) };
            let emitter = InngestEmitter::new(within(relay, options))
                .map_err(|error| CliError::failed("sending to Inngest", &error))?;
            Ok(Arc::new(emitter))
        }
    }
}
