//! What an answer says about the events of its request: the one place that tells success from the many things that
//! look like it. Pure.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;
use super::key::EventKey;
use super::request::{Written, without_data};
use crate::field::Text;

/// An answer as it came, cut to what matters.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// What is known about the events of a request.
pub(super) enum Judgement {
    /// All were taken.
    Taken,
    /// One of them at least was not, and it is not said which: those before it may have been.
    Mixed(Failure),
    /// It is not about the events: the same request may go well later.
    Later(Postponement),
}

/// Why a request, and whatever would have followed it, waits for another time.
#[derive(Clone)]
pub(super) struct Postponement {
    pub(super) failure: Arc<Failure>,
    pub(super) retry_after: Option<Duration>,
}

impl From<Failure> for Postponement {
    fn from(failure: Failure) -> Self {
        Self { failure: Arc::new(failure), retry_after: None }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    status: Option<u16>,
    #[serde(borrow)]
    ids: Option<Vec<Text<'a>>>,
    error: Value,
}

impl Answer {
    /// Judges the answer to a request of those events.
    pub(super) fn judge(&self, sent: &[Written], key: &EventKey) -> Judgement {
        // The content type says nothing: success comes as `text/plain`.
        let body = serde_json::from_slice::<Body<'_>>(&self.body).ok();
        match (self.status, body) {
            (200, Some(body)) => self.judge_ids(&body, sent, key),
            // Inngest says why. A page of another server's is no word about an event.
            (400 | 422, Some(body)) if body.has_error() => {
                Judgement::Mixed(self.failure(Some(&body), sent, key))
            }
            // This one comes from whatever stands in front, in its own words.
            (413, body) => Judgement::Mixed(self.failure(body.as_ref(), sent, key)),
            (200 | 400 | 422, _) => self.later(Failure::Foreign { status: self.status }),
            (_, body) => self.later(self.failure(body.as_ref(), sent, key)),
        }
    }

    fn judge_ids(&self, body: &Body<'_>, sent: &[Written], key: &EventKey) -> Judgement {
        let taken = body.ids.iter().flatten().filter(|Text(id)| !id.is_empty()).count();
        if body.has_error() {
            self.later(self.failure(Some(body), sent, key))
        } else if body.status != Some(200) || taken == 0 || taken > sent.len() {
            self.later(Failure::Foreign { status: self.status })
        } else if taken < sent.len() {
            Judgement::Mixed(Failure::Fewer { taken, sent: sent.len() })
        } else {
            Judgement::Taken
        }
    }

    fn failure(&self, body: Option<&Body<'_>>, sent: &[Written], key: &EventKey) -> Failure {
        let why = body.and_then(|body| body.error.as_str()).unwrap_or("no reason given");
        Failure::Refused { status: self.status, why: key.hide_in(&without_data(why, sent)) }
    }

    fn later(&self, failure: Failure) -> Judgement {
        Judgement::Later(Postponement { failure: Arc::new(failure), retry_after: self.retry_after })
    }
}

impl Body<'_> {
    fn has_error(&self) -> bool {
        match &self.error {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        }
    }
}
