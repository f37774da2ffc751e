//! What Inngest does with a body: which events it takes, and what it answers. Pure.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Event;

const MAX_EVENTS: usize = 5000;
const MAX_EVENT: usize = 3 * 1024 * 1024;

/// What became of a body: these events were taken, and then came the end or an error.
pub(super) struct Intake {
    pub(super) events: Vec<Event>,
    pub(super) error: Option<String>,
}

/// An event as somebody may send it.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    id: String,
    data: Option<Box<RawValue>>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default, rename = "ts")]
    _ts: i64,
}

#[derive(Deserialize)]
struct User {
    traceparent: Option<String>,
}

impl Intake {
    pub(super) fn of(body: &[u8]) -> Self {
        let mut intake = Self { events: Vec::new(), error: None };
        intake.error = intake.take(body).err();
        intake
    }

    fn take(&mut self, body: &[u8]) -> Result<(), String> {
        let body = body.trim_ascii();
        match body.first() {
            None => Ok(()),
            Some(b'{') => self.take_event(body),
            Some(b'[') => self.take_array(&body[1..]),
            Some(_) => {
                Err("Request body must contain an event object or an array of event objects".to_owned())
            }
        }
    }

    /// One event after the other is taken as soon as it is read, so an error comes too late for those before it.
    /// An array that merely ends too early is no error.
    fn take_array(&mut self, mut rest: &[u8]) -> Result<(), String> {
        loop {
            rest = rest.trim_ascii_start();
            if matches!(rest.first(), None | Some(b']')) {
                return Ok(());
            }
            if !self.events.is_empty() {
                rest = rest.strip_prefix(b",").ok_or("invalid character after array element")?;
            }
            if self.events.len() == MAX_EVENTS {
                return Err(format!("Exceeded maximum events ({MAX_EVENTS})"));
            }
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
            let event = values.next().ok_or("unexpected EOF")?.map_err(|error| error.to_string())?;
            self.take_event(event.get().as_bytes())?;
            rest = &rest[values.byte_offset()..];
        }
    }

    fn take_event(&mut self, json: &[u8]) -> Result<(), String> {
        if json.len() > MAX_EVENT {
            return Err(format!(
                "Event is over the max size: Max {MAX_EVENT} bytes / Size {} bytes",
                json.len()
            ));
        }
        let sent: Sent = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if sent.name.is_empty() {
            return Err("event name is empty".to_owned());
        }
        let data = sent.data.unwrap_or_else(|| RawValue::from_string("{}".to_owned()).expect("it is JSON"));
        if !data.get().starts_with('{') {
            return Err("event data must be an object".to_owned());
        }
        let traceparent = sent.user.and_then(|user| user.traceparent);
        self.events.push(Event { name: sent.name, id: sent.id, data, traceparent });
        Ok(())
    }

    /// The answer: a status, and a body that names an id of the server's own for each event taken, the first
    /// `ids` of them.
    pub(super) fn answer(&self, ids: usize) -> (u16, String) {
        let mut ids: Vec<String> = self.events.iter().take(ids).map(|_| new_id()).collect();
        if ids.is_empty() {
            // Nothing taken, and yet an id: an empty one.
            ids.push(String::new());
        }
        let status = if self.error.is_some() { 400 } else { 200 };
        let answer = Answer { ids, status, error: self.error.as_deref() };
        (status, serde_json::to_string(&answer).expect("plain data is always JSON"))
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    ids: Vec<String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// The event key in a path, if it has the one shape that leads anywhere.
pub(super) fn key_in(path: &str) -> Option<&str> {
    path.strip_prefix("/e/").filter(|key| !key.is_empty() && !key.contains('/'))
}
