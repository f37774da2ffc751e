//! The emitter that the settings name.

use std::sync::Arc;

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::{Emitter, LogEmitter};

use super::CliError;
use crate::config::Events;

pub(super) fn emitter(events: &Events) -> Result<Arc<dyn Emitter>, CliError> {
    match events {
        Events::Log => Ok(Arc::new(LogEmitter)),
        Events::Inngest { base_url, event_key } => {
            let base_url = base_url.clone();
            let options = InngestOptions { base_url, ..InngestOptions::cloud(event_key.clone()) };
            let emitter = InngestEmitter::new(options)
                .map_err(|error| CliError::failed("the settings of Inngest", &error))?;
            Ok(Arc::new(emitter))
        }
    }
}
