//! An emitter for trying things out: it writes events to the log.

use async_trait::async_trait;

use super::{EmitError, Emitter};
use crate::event::Event;

/// Takes every event and logs its name and id, at level `INFO`. Not its data: that names people and addresses.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogEmitter;

#[async_trait]
impl Emitter for LogEmitter {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        let taken = events.iter().map(|event| {
            tracing::info!(event.name = event.name, event.id = event.id, "event");
            Ok(())
        });
        taken.collect()
    }
}
