//! The Inngest emitter against a server that speaks Inngest's event API, traps included.

mod answers;
mod end_to_end;
mod key;
mod loopback;
mod requests;
mod settings;
mod splitting;
mod transport;

use std::error::Error;
use std::time::Duration;

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_core::{EmitError, Emitter, Event};
use serde_json::value::RawValue;

const KEY: &str = "k3y-0f-7h3-5h0p";

/// Far longer than anything here takes; only a fault lets it run out.
const PATIENCE: Duration = Duration::from_secs(60);

fn event(n: usize) -> Event {
    let data = RawValue::from_string(format!(r#"{{"n":{n}}}"#)).unwrap();
    Event {
        name: "robot/job.batch_completed".to_owned(),
        id: format!("event-{n:04}"),
        data,
        traceparent: None,
    }
}

fn events(count: usize) -> Vec<Event> {
    (0..count).map(event).collect()
}

/// An event that Inngest refuses.
fn nameless(n: usize) -> Event {
    Event { name: String::new(), ..event(n) }
}

fn ids(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id.clone()).collect()
}

fn options(inngest: &InngestLoopback) -> InngestOptions {
    InngestOptions {
        base_url: inngest.base_url(),
        request_timeout: PATIENCE,
        call_timeout: PATIENCE,
        ..InngestOptions::cloud(KEY)
    }
}

fn emitter(inngest: &InngestLoopback) -> InngestEmitter {
    InngestEmitter::new(options(inngest)).unwrap()
}

/// What is known of an event after it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    Later,
    Refused,
}

use Fate::{Later, Refused, Taken};

fn fates(outcomes: &[Result<(), EmitError>]) -> Vec<Fate> {
    let fate = |outcome: &Result<(), EmitError>| match outcome {
        Ok(()) => Taken,
        Err(error) if error.is_transient() => Later,
        Err(_) => Refused,
    };
    outcomes.iter().map(fate).collect()
}

async fn send(emitter: &InngestEmitter, events: &[Event]) -> Vec<Fate> {
    fates(&emitter.emit(events).await)
}

/// An error and its causes, as a log shows them.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
