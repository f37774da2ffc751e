//! The event key travels in the URL, and must show nowhere else.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_core::{Emitter, Event};
use tracing::field::{Field, Visit};
use tracing::span;

use super::{KEY, chain, events, nameless, options};

/// Keeps every log line of this thread, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Line(self));
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Line(self));
    }
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Line(self));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line<'a>(&'a Log);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

async fn everything_said(emitter: &InngestEmitter, events: &[Event]) -> String {
    let outcomes = emitter.emit(events).await;
    let errors = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    errors.map(|error| format!("{} {error:?}\n", chain(error))).collect()
}

#[tokio::test]
async fn the_key_shows_in_no_debug_text_no_error_and_no_log() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let inngest = InngestLoopback::start().await.unwrap();
    let hasty = InngestOptions { request_timeout: Duration::from_secs(1), ..options(&inngest) };
    let mut said = format!("{hasty:?} {hasty:#?}");
    let emitter = InngestEmitter::new(hasty).unwrap();
    write!(said, "{emitter:?} {emitter:#?}").unwrap();

    let echo = format!(r#"{{"error":"no route for POST /e/{KEY}","status":404}}"#);
    let refusal = format!(r#"{{"error":"/e/{KEY}: bad event","status":400}}"#);
    inngest.script([
        Fault::reply(404, echo),
        Fault::reply(400, refusal),
        Fault::reply(200, format!("<html>Cannot POST /e/{KEY}</html>")),
        Fault::status(307).header("location", format!("{}/e/{KEY}", inngest.base_url())),
        Fault::close(),
        Fault::hold(),
    ]);
    for _ in 0..6 {
        let more = everything_said(&emitter, &events(1)).await;
        assert_ne!(more, "", "each of these fails");
        said += &more;
    }
    said += &everything_said(&emitter, &[nameless(0), nameless(1)]).await;
    inngest.stop().await;
    said += &everything_said(&emitter, &events(1)).await;
    said += &log.text();
    assert!(!said.contains(KEY), "the key is in:\n{said}");
    assert!(said.contains("no route for POST /e/[event key]"), "the rest of the words is kept:\n{said}");
}

#[tokio::test]
async fn a_key_that_had_to_be_encoded_shows_in_neither_form() {
    let inngest = InngestLoopback::start().await.unwrap();
    let options = InngestOptions { event_key: "s3cr/t".to_owned(), ..options(&inngest) };
    let emitter = InngestEmitter::new(options).unwrap();
    for form in ["s3cr/t", "s3cr%2Ft"] {
        inngest.script([Fault::reply(404, format!(r#"{{"error":"no such key: {form}"}}"#))]);
        let said = everything_said(&emitter, &events(1)).await;
        assert!(said.contains("no such key: [event key]") && !said.contains("s3cr"), "{said}");
    }
}

#[tokio::test]
async fn a_broken_setting_is_named_without_its_value() {
    for key in ["s3cr t", "s3cr\n"] {
        let error = InngestEmitter::new(InngestOptions::cloud(key)).unwrap_err();
        let said = format!("{} {error:?}", chain(&error));
        assert!(!said.contains("s3cr"), "{said}");
    }
    let pasted =
        InngestOptions { base_url: "https://inn.gs/e/s3cr".to_owned(), ..InngestOptions::cloud("key") };
    let said = format!("{:?}", InngestEmitter::new(pasted));
    assert!(!said.contains("s3cr"), "{said}");
}

#[tokio::test]
async fn a_refused_key_or_address_is_logged_with_the_settings_to_check() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = InngestEmitter::new(options(&inngest)).unwrap();
    for (fault, loud) in [
        (Fault::status(401), true),
        (Fault::status(404), true),
        (Fault::reply(200, "<html></html>"), true),
        (Fault::reply(400, "<html></html>"), true),
        (Fault::status(503), false),
        (Fault::status(429), false),
        (Fault::close(), false),
    ] {
        let log = Log::default();
        let _logging = tracing::subscriber::set_default(log.clone());
        inngest.script([fault.clone()]);
        _ = emitter.emit(&events(1)).await;
        let named = log.text().contains("check INNGEST_EVENT_KEY and INNGEST_BASE_URL");
        assert_eq!(named, loud, "after {fault:?}:\n{}", log.text());
    }
}
