//! Whether the store is well: asked of it once at a time, for everybody who wants to know.
//!
//! `/readyz` is anybody's to ask, and what it asks takes connections that work needs.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{OperatorStore, StoreError};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::STORE_DEADLINE;

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(1);

/// What the store said of itself.
#[derive(Clone, Debug)]
pub(crate) enum Health {
    Well,
    Unwell(Arc<StoreError>),
    /// It did not answer in time.
    Late,
}

/// The last answer, and when it came. Whoever looks holds the lock meanwhile, and the others wait for it.
type Last = Option<(Instant, Health)>;

/// Clones share the answer.
#[derive(Clone, Default)]
pub(super) struct Readiness {
    last: Arc<Mutex<Last>>,
}

impl Readiness {
    /// The last answer, while it is fresh, or else a new one.
    pub(super) async fn of(&self, store: &Arc<dyn OperatorStore>) -> Health {
        let last = self.last.clone().lock_owned().await;
        match &*last {
            Some((at, health)) if at.elapsed() < FRESH => health.clone(),
            _ => look(store.clone(), last).await,
        }
    }
}

/// In a task of its own, which the lock goes along with: a caller that hangs up ends its waiting and not the look.
async fn look(store: Arc<dyn OperatorStore>, mut last: OwnedMutexGuard<Last>) -> Health {
    let looking = tokio::spawn(async move {
        let health = match tokio::time::timeout(STORE_DEADLINE, store.ping()).await {
            Ok(Ok(())) => Health::Well,
            Ok(Err(error)) => Health::Unwell(Arc::new(error)),
            Err(_) => Health::Late,
        };
        *last = Some((Instant::now(), health.clone()));
        health
    });
    looking.await.unwrap_or_else(|panic| Health::Unwell(Arc::new(StoreError::fault(panic))))
}
