//! What goes into one request: events as JSON, and where to cut a long row of them. Pure.

use std::ops::Range;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::event::Event;

/// An event as it stands in a request's body. Written once, however often it is sent.
pub(super) type Written = Vec<u8>;

/// An event as Inngest takes it. It hands a function `name`, `data`, `user`, `id` and `ts`, and drops every other
/// key: so a trace stands under `user`, since what stands in `data` is not ours to add to.
#[derive(Serialize)]
struct Sent<'a> {
    name: &'a str,
    id: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User<'a>>,
}

#[derive(Serialize)]
struct User<'a> {
    traceparent: &'a str,
}

impl<'a> From<&'a Event> for Sent<'a> {
    fn from(event: &'a Event) -> Self {
        let Event { name, id, data, traceparent } = event;
        Self { name, id, data, user: traceparent.as_deref().map(|traceparent| User { traceparent }) }
    }
}

/// Each event as JSON. `ts` is left out: one in the future would delay what the event starts.
pub(super) fn write(events: &[Event]) -> Vec<Written> {
    events.iter().map(write_one).collect()
}

fn write_one(event: &Event) -> Written {
    /// More than the names and a trace take; with the rest known, nothing is written twice.
    const FRAME: usize = 128;
    let mut json = Vec::with_capacity(event.name.len() + event.id.len() + event.data.get().len() + FRAME);
    serde_json::to_writer(&mut json, &Sent::from(event)).expect("strings and raw JSON are always written");
    json
}

/// A request's body: always an array, one event or many.
pub(super) fn body(events: &[Written]) -> Vec<u8> {
    let mut body = Vec::with_capacity(events.iter().map(|event| event.len() + 1).sum::<usize>() + 1);
    for (n, event) in events.iter().enumerate() {
        body.push(if n == 0 { b'[' } else { b',' });
        body.extend_from_slice(event);
    }
    body.push(b']');
    body
}

/// Cuts a row of events into requests of at most `max_bytes` and `max_events`, in order. An event that is larger
/// by itself stands alone: whoever receives it may take more than we thought.
pub(super) fn cut(events: &[Written], max_bytes: usize, max_events: usize) -> Vec<Range<usize>> {
    const BRACKETS: usize = 2;
    const COMMA: usize = 1;
    let mut requests = Vec::new();
    let (mut start, mut bytes) = (0, BRACKETS);
    for (n, event) in events.iter().enumerate() {
        if n > start && (bytes + COMMA + event.len() > max_bytes || n - start >= max_events) {
            requests.push(start..n);
            (start, bytes) = (n, BRACKETS);
        }
        bytes += event.len() + if n > start { COMMA } else { 0 };
    }
    if start < events.len() {
        requests.push(start..events.len());
    }
    requests
}

/// A receiver's words without what the events' data say: it may repeat what it was sent, and that is about people.
/// Shorter words than three letters stay, since they are in everything.
pub(super) fn without_data(words: &str, events: &[Written]) -> String {
    const LONGEST: usize = 4000;
    let mut told = Vec::new();
    for event in events {
        let mut event = serde_json::from_slice::<Value>(event).unwrap_or_default();
        texts(event.get_mut("data").map(Value::take).unwrap_or_default(), &mut told);
    }
    // The longest first: one may be a part of another.
    told.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
    let words: String = words.chars().take(LONGEST).collect();
    told.iter().fold(words, |words, text| words.replace(text.as_str(), "[data]"))
}

fn texts(value: Value, told: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().count() >= 3 => told.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| texts(value, told)),
        Value::Object(values) => values.into_iter().for_each(|(_, value)| texts(value, told)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(sizes: &[usize]) -> Vec<Written> {
        sizes.iter().map(|size| vec![b'x'; *size]).collect()
    }

    #[test]
    fn a_request_is_exactly_as_large_as_allowed_and_no_larger() {
        let events = events(&[10, 10, 10, 10]);
        let two = body(&events[..2]).len();
        assert_eq!(cut(&events, two, 400), [0..2, 2..4], "two fit to the byte");
        assert_eq!(cut(&events, two - 1, 400), [0..1, 1..2, 2..3, 3..4], "and do not with one byte less");
    }

    #[test]
    fn an_event_over_the_limit_stands_alone_and_is_not_dropped() {
        assert_eq!(cut(&events(&[5, 500, 5, 5]), 100, 400), [0..1, 1..2, 2..4]);
    }

    #[test]
    fn the_number_of_events_is_limited_too_and_none_is_lost() {
        assert_eq!(cut(&events(&[1; 7]), 1000, 3), [0..3, 3..6, 6..7]);
        assert_eq!(cut(&[], 1000, 3), []);
    }

    #[test]
    fn what_a_receiver_repeats_of_the_data_is_taken_out_of_its_words() {
        let data =
            r#"{"contactName":"Ana","contactEmail":"ana@example.com","more":["Calle Ana 1",{"x":"no"}]}"#;
        let data = RawValue::from_string(data.into()).unwrap();
        let event = Event { name: "shop/sent".into(), id: "sent:1".into(), data, traceparent: None };
        let said = without_data("no name in sent:1 (Ana, Calle Ana 1, ana@example.com)", &write(&[event]));
        assert_eq!(said, "no name in sent:1 ([data], [data], [data])");
    }
}
