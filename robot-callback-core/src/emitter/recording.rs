//! An emitter for tests: it keeps what it gets, and fails as it is told.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{EmitError, Emitter};
use crate::event::Event;

/// Keeps every event it takes. Failures are scripted with [`fail_next`](Self::fail_next) and
/// [`refuse`](Self::refuse).
///
/// ```
/// # use robot_callback_core::{Emitter, RecordingEmitter};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let emitter = RecordingEmitter::new();
/// emitter.fail_next(1);
/// assert!(emitter.emit(&[]).await.is_empty(), "nothing sent, nothing failed");
/// # });
/// ```
#[derive(Debug, Default)]
pub struct RecordingEmitter {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Event>,
    script: VecDeque<Failure>,
    refused: Option<String>,
}

/// How one scripted call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The events do not arrive.
    BeforeLanding,
    /// The events arrive, but the answer is lost: they will be sent again.
    AfterLanding,
}

impl RecordingEmitter {
    /// An emitter that takes everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `calls` calls that carry events fail for now, and nothing arrives.
    pub fn fail_next(&self, calls: usize) {
        self.script((0..calls).map(|_| Failure::BeforeLanding));
    }

    /// The next calls that carry events fail for now, each in its own way.
    pub fn script(&self, failures: impl IntoIterator<Item = Failure>) {
        self.state().script.extend(failures);
    }

    /// Every event of that name is refused for good from here on.
    pub fn refuse(&self, name: impl Into<String>) {
        self.state().refused = Some(name.into());
    }

    /// Nothing is refused any more.
    pub fn refuse_nothing(&self) {
        self.state().refused = None;
    }

    /// What was taken so far, in order, repetitions included.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.state().taken.clone()
    }

    /// The ids of what was taken, each once, sorted: what a receiver that honours ids acts on.
    #[must_use]
    pub fn distinct_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.state().taken.iter().map(|event| event.id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, event: &Event) -> Result<(), EmitError> {
        if self.refused.as_ref() == Some(&event.name) {
            return Err(EmitError::permanent("scripted refusal"));
        }
        self.taken.push(event.clone());
        Ok(())
    }
}

#[async_trait]
impl Emitter for RecordingEmitter {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        let mut state = self.state();
        let failure = if events.is_empty() { None } else { state.script.pop_front() };
        let lost = |_: &Event| Err(EmitError::transient("scripted failure"));
        match failure {
            Some(Failure::BeforeLanding) => events.iter().map(lost).collect(),
            Some(Failure::AfterLanding) => {
                state.taken.extend_from_slice(events);
                events.iter().map(lost).collect()
            }
            None => events.iter().map(|event| state.take(event)).collect(),
        }
    }
}
