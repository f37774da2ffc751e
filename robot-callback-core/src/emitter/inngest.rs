//! An emitter that sends to Inngest's event API.
//!
//! # What counts as taken
//! An answer with status 200 whose body says 200 too, names no error, and names as many ids as events were sent.
//! Nothing less: a wrong path is answered 200 with a page, and the events are gone.
//!
//! # What is refused for good, and what waits
//! **Only a refusal of an event makes it a dead letter**: 400 and 422 in Inngest's own words, and 413. Such a refusal
//! covers a whole request and does not say which event is meant, while those before it have been taken. So the
//! request is halved, and halved again, until the bad event stands alone; all others are delivered. Some arrive
//! twice on the way, under the same id.
//!
//! **Everything else waits in the outbox**: no answer, 408, 425, 429, 5xx, a 200 that is not Inngest's; and also 401,
//! 403, 404, 405 and other statuses that would be final for a single request. Those speak of the key or the address
//! and not of the event: with a mistyped key, every event would be refused, and the whole outbox would turn into
//! dead letters while an operator corrects one setting. They are logged as an error that names the settings, and
//! the events leave by themselves once the setting is right. After the first such failure the rest of the call is
//! not tried: it would meet the same. `Retry-After`, an hour at most, is passed on: none of those events is sent again
//! before, and a [`Relay`](crate::Relay) sends nothing at all until then if nothing of its batch was taken.
//!
//! Neither loses anything: a dead letter is kept too, and can be redriven. That is also the way back for events that
//! met a self-hosted server whose own queue was failing: it answers 400 then, too, and nothing tells the two apart.

mod answer;
mod endpoint;
mod failure;
mod key;
mod options;
mod request;
mod retry_after;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;

use self::answer::{Judgement, Postponement};
use self::endpoint::Endpoint;
use self::failure::Failure;
pub use self::options::{InngestError, InngestOptions};
use self::request::Written;
use super::{EmitError, Emitter};
use crate::error::chain;
use crate::event::Event;

/// Sends events to Inngest.
///
/// ```
/// # use robot_callback_core::inngest::{InngestEmitter, InngestError, InngestOptions};
/// let emitter = InngestEmitter::new(InngestOptions::dev_server())?;
/// let error = InngestEmitter::new(InngestOptions::cloud("")).unwrap_err();
/// assert_eq!(error.to_string(), "event_key must not be empty");
/// # Ok::<(), InngestError>(())
/// ```
pub struct InngestEmitter {
    endpoint: Endpoint,
    options: InngestOptions,
}

/// What is known of each event of a call so far.
type Known = [Option<Result<(), EmitError>>];

impl InngestEmitter {
    /// An emitter with those options. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InngestError::Setting`] when an option breaks a rule, [`InngestError::Client`] when no HTTP client can be
    /// made on this machine.
    pub fn new(options: InngestOptions) -> Result<Self, InngestError> {
        Ok(Self { endpoint: Endpoint::new(&options)?, options })
    }

    /// Sends request after request, halving those that are refused, until all is known or the endpoint fails.
    async fn deliver(&self, events: &[Written], known: &mut Known) -> Result<(), Postponement> {
        let InngestOptions { max_request_bytes, max_request_events, .. } = self.options;
        let mut waiting = request::cut(events, max_request_bytes, max_request_events);
        waiting.reverse();
        while let Some(range) = waiting.pop() {
            match self.endpoint.send(&events[range.clone()]).await {
                Judgement::Taken => known[range].fill_with(|| Some(Ok(()))),
                Judgement::Later(postponement) => return Err(postponement),
                Judgement::Mixed(failure) if range.len() == 1 => {
                    known[range.start] = Some(Err(EmitError::permanent(failure)));
                }
                Judgement::Mixed(failure) => {
                    tracing::warn!(events = range.len(), reason = %failure, "a request is halved");
                    waiting.extend(halves(&range));
                }
            }
        }
        Ok(())
    }

    fn report(&self, failure: &Failure) {
        if failure.needs_an_operator() {
            let (base_url, reason) = (&self.options.base_url, chain(failure));
            tracing::error!(
                base_url,
                reason,
                "events can't leave: check INNGEST_EVENT_KEY and INNGEST_BASE_URL"
            );
        }
    }
}

/// The second half and then the first, for a stack.
fn halves(range: &Range<usize>) -> [Range<usize>; 2] {
    let middle = range.start + range.len() / 2;
    [middle..range.end, range.start..middle]
}

#[async_trait]
impl Emitter for InngestEmitter {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        let mut known: Vec<_> = events.iter().map(|_| None).collect();
        let written = request::write(events);
        let call_timeout = self.options.call_timeout;
        let ended = match tokio::time::timeout(call_timeout, self.deliver(&written, &mut known)).await {
            Ok(ended) => ended,
            Err(_) => Err(Failure::OutOfTime(call_timeout).into()),
        };
        let Err(Postponement { failure, retry_after }) = ended else {
            return known.into_iter().flatten().collect();
        };
        self.report(&failure);
        let later = || Err(EmitError::Transient { retry_after, cause: failure.clone().into() });
        known.into_iter().map(|known| known.unwrap_or_else(later)).collect()
    }
}

impl fmt::Debug for InngestEmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InngestEmitter").field("options", &self.options).finish_non_exhaustive()
    }
}
