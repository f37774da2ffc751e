//! A refused request says not which event is meant, and is not atomic: it is halved until the bad one stands alone.

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_core::{Emitter, Event};
use serde_json::value::RawValue;

use super::{Fate, Later, Refused, Taken, chain, emitter, event, events, ids, nameless, options, send};

/// A row in which those at `bad` are refused.
fn row(count: usize, bad: &[usize]) -> Vec<Event> {
    (0..count).map(|n| if bad.contains(&n) { nameless(n) } else { event(n) }).collect()
}

async fn only_the_bad_are_refused(count: usize, bad: &[usize]) {
    let inngest = InngestLoopback::start().await.unwrap();
    let row = row(count, bad);
    let fates = send(&emitter(&inngest), &row).await;
    let expected: Vec<Fate> = (0..count).map(|n| if bad.contains(&n) { Refused } else { Taken }).collect();
    assert_eq!(fates, expected, "{bad:?} of {count}");
    let good: Vec<Event> = row.into_iter().filter(|event| !event.name.is_empty()).collect();
    assert_eq!(inngest.distinct_ids(), ids(&good), "every other event has arrived: {bad:?} of {count}");
}

#[tokio::test]
async fn a_bad_event_is_refused_alone_and_all_others_are_delivered() {
    for bad in 0..9 {
        only_the_bad_are_refused(9, &[bad]).await;
    }
}

#[tokio::test]
async fn several_bad_events_are_each_refused_alone() {
    only_the_bad_are_refused(1, &[0]).await;
    only_the_bad_are_refused(2, &[0, 1]).await;
    only_the_bad_are_refused(10, &[0, 1, 5, 9]).await;
    only_the_bad_are_refused(400, &[13, 399]).await;
}

#[tokio::test]
async fn the_reason_of_a_refusal_is_kept() {
    let inngest = InngestLoopback::start().await.unwrap();
    let outcomes = emitter(&inngest).emit(&[nameless(1)]).await;
    let text = chain(outcomes[0].as_ref().unwrap_err());
    assert_eq!(text, "refused for good: Inngest answered 400: event name is empty");
}

#[tokio::test]
async fn an_event_over_3_mib_is_refused_alone() {
    let inngest = InngestLoopback::start().await.unwrap();
    let together = InngestOptions { max_request_bytes: 16 * 1024 * 1024, ..options(&inngest) };
    let mut row = events(4);
    row[2].data = RawValue::from_string(format!(r#"{{"text":"{}"}}"#, "x".repeat(3 * 1024 * 1024))).unwrap();
    let fates = send(&InngestEmitter::new(together).unwrap(), &row).await;
    assert_eq!(fates, [Taken, Taken, Refused, Taken]);
    assert_eq!(inngest.distinct_ids(), ["event-0000", "event-0001", "event-0003"]);
}

#[tokio::test]
async fn more_than_5000_events_in_a_request_lose_none() {
    let inngest = InngestLoopback::start().await.unwrap();
    let together = InngestOptions {
        max_request_bytes: 16 * 1024 * 1024,
        max_request_events: 10_000,
        ..options(&inngest)
    };
    let row = events(5001);
    assert_eq!(send(&InngestEmitter::new(together).unwrap(), &row).await, vec![Taken; 5001]);
    assert_eq!(inngest.distinct_ids(), ids(&row));
}

#[tokio::test]
async fn an_answer_with_fewer_ids_than_events_is_no_success() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.script([Fault::ids_cut_to(3), Fault::ids_cut_to(1)]);
    assert_eq!(
        send(&emitter(&inngest), &events(8)).await,
        vec![Taken; 8],
        "halved until all are answered for"
    );
    assert_eq!(inngest.requests().len(), 5, "8, 4, 2, 2, 4");
    assert_eq!(inngest.distinct_ids().len(), 8);
}

#[tokio::test]
async fn an_endpoint_that_fails_amid_the_halving_leaves_the_unknown_for_later() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    let row = row(4, &[3]);
    inngest.script([
        Fault::status(400),
        Fault::reply(200, r#"{"ids":["a","b"],"status":200}"#),
        Fault::close(),
    ]);
    assert_eq!(send(&emitter, &row).await, [Taken, Taken, Later, Later], "what is known is said");
    assert_eq!(send(&emitter, &row[2..]).await, [Taken, Refused], "the rest is found out next time");
}
