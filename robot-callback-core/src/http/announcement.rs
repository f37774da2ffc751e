//! Telling the emitter what a callback has recorded, where nothing that it does can change the answer.

use std::sync::Arc;
use std::time::Duration;

use super::finishing::Finishing;
use crate::callback;
use crate::emitter::Emitter;
use crate::store::Store;

/// How long an answer waits, so that what is sent in line has usually left by then.
const PATIENCE: Duration = Duration::from_secs(1);

/// An announcement that takes place, whoever waits for it and for how long.
pub(super) struct Announcement(Finishing<()>);

impl Announcement {
    pub(super) fn new(store: Arc<dyn Store>, emitter: Arc<dyn Emitter>) -> Self {
        Self(Finishing::new(async move { callback::announce(&*store, &*emitter).await }))
    }

    /// Waits for a moment. What takes longer goes on behind the answer.
    pub(super) async fn awaited(self) {
        if tokio::time::timeout(PATIENCE, self.0).await.is_err() {
            tracing::warn!("the emitter takes long; the answer does not wait for it");
        }
    }
}
