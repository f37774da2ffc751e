//! What the server keeps, what it will do next, and who waits for it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use tokio::sync::{Semaphore, watch};

use super::fault::Fault;
use crate::event::Event;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its method, such as `POST`.
    pub method: String,
    /// Its path, with the event key in it.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
}

#[derive(Default)]
pub(super) struct State {
    records: Mutex<Records>,
    progress: watch::Sender<Progress>,
    releases: Releases,
}

/// How many held requests may go on.
struct Releases(Semaphore);

impl Default for Releases {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

#[derive(Default)]
struct Records {
    key: Option<String>,
    script: VecDeque<Fault>,
    requests: Vec<Delivery>,
    events: Vec<Event>,
    ids: BTreeSet<String>,
}

/// How far things have come, for those who wait.
#[derive(Clone, Copy, Default)]
pub(super) struct Progress {
    pub(super) requests: usize,
    pub(super) distinct_ids: usize,
}

impl State {
    pub(super) fn demand_key(&self, key: String) {
        self.records().key = Some(key);
    }

    pub(super) fn admits(&self, key: &str) -> bool {
        self.records().key.as_ref().is_none_or(|demanded| demanded == key)
    }

    pub(super) fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.records().script.extend(faults);
    }

    /// Keeps a request, and says how it is to fail, if it is.
    pub(super) fn arrived(&self, request: Delivery) -> Option<Fault> {
        let mut records = self.records();
        records.requests.push(request);
        self.progress.send_modify(|progress| progress.requests += 1);
        records.script.pop_front()
    }

    pub(super) fn landed(&self, events: &[Event]) {
        let mut records = self.records();
        records.events.extend_from_slice(events);
        records.ids.extend(events.iter().map(|event| event.id.clone()));
        let distinct_ids = records.ids.len();
        self.progress.send_modify(|progress| progress.distinct_ids = distinct_ids);
    }

    pub(super) fn release(&self) {
        self.releases.0.add_permits(1);
    }

    pub(super) async fn released(&self) {
        if let Ok(permit) = self.releases.0.acquire().await {
            permit.forget();
        }
    }

    pub(super) async fn wait_until(&self, reached: impl FnMut(&Progress) -> bool + Send) {
        // It fails only when the sender is gone, and that is part of `self`.
        _ = self.progress.subscribe().wait_for(reached).await;
    }

    pub(super) fn requests(&self) -> Vec<Delivery> {
        self.records().requests.clone()
    }

    pub(super) fn events_after(&self, first: usize) -> Vec<Event> {
        self.records().events.iter().skip(first).cloned().collect()
    }

    pub(super) fn distinct_ids(&self) -> Vec<String> {
        self.records().ids.iter().cloned().collect()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
