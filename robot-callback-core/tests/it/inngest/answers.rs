//! Which answers count as success, which wait, which are final.

use std::time::Duration;

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_core::{EmitError, Emitter};

use super::{KEY, Later, Refused, Taken, chain, emitter, event, events, fates, options, send};

#[tokio::test]
async fn success_is_json_under_a_content_type_that_says_text() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.script([
        Fault::reply(200, r#"{"ids":["01J"],"status":200}"#),
        Fault::reply(200, r#"{"ids":["01J"],"status":200,"error":"","more":[1]}"#),
    ]);
    let emitter = emitter(&inngest);
    assert_eq!(send(&emitter, &events(1)).await, [Taken]);
    assert_eq!(send(&emitter, &events(1)).await, [Taken], "what we do not know does not hurt");
}

#[tokio::test]
async fn a_200_is_no_success_unless_its_body_says_so_of_every_event() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    for body in [
        "",
        "<!DOCTYPE html><html></html>",
        "null",
        "[]",
        "{}",
        r#"{"status":200}"#,
        r#"{"ids":[],"status":200}"#,
        r#"{"ids":["",""],"status":200}"#,
        r#"{"ids":["a","b"]}"#,
        r#"{"ids":["a","b"],"status":500}"#,
        r#"{"ids":["a","b"],"status":200,"error":"queue is down"}"#,
        r#"{"ids":["a","b"],"status":200,"error":{"code":1}}"#,
        r#"{"ids":["a","b","c"],"status":200}"#,
        r#"{"ids":["a","b"],"status":200"#,
        r#"{"ids":"a","status":200}"#,
    ] {
        inngest.script([Fault::reply(200, body)]);
        assert_eq!(send(&emitter, &events(2)).await, [Later, Later], "after {body:?}");
    }
    assert_eq!(inngest.requests().len(), 15, "and none is tried again by the emitter itself");
}

#[tokio::test]
async fn other_statuses_below_300_are_no_success_either() {
    let inngest = InngestLoopback::start().await.unwrap();
    for status in [201, 202, 206] {
        inngest.script([Fault::reply(status, r#"{"ids":["a"],"status":200}"#)]);
        assert_eq!(send(&emitter(&inngest), &events(1)).await, [Later], "after {status}");
    }
}

#[tokio::test]
async fn a_path_of_another_shape_is_answered_200_and_loses_nothing_here() {
    let inngest = InngestLoopback::start().await.unwrap();
    let base_url = format!("{}/e-api", inngest.base_url());
    let emitter = InngestEmitter::new(InngestOptions { base_url, ..options(&inngest) }).unwrap();
    assert_eq!(send(&emitter, &events(2)).await, [Later, Later], "the page is no receipt");
    assert!(inngest.events().is_empty());
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again_later() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    for status in [408, 425, 429, 500, 502, 503, 504, 529] {
        inngest.script([Fault::status(status)]);
        assert_eq!(send(&emitter, &events(2)).await, [Later, Later], "after {status}");
    }
    assert!(inngest.events().is_empty());
    assert_eq!(send(&emitter, &events(2)).await, [Taken, Taken], "and is taken then");
}

#[tokio::test]
async fn a_wrong_key_turns_nothing_into_a_dead_letter() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.demand_key("another key");
    let emitter = emitter(&inngest);
    let outcomes = emitter.emit(&events(3)).await;
    assert_eq!(fates(&outcomes), [Later; 3], "an operator will correct it");
    let text = chain(outcomes[0].as_ref().unwrap_err());
    assert_eq!(text, "not taken for now: Inngest answered 401: Event key not found");
    inngest.demand_key(KEY);
    assert_eq!(send(&emitter, &events(3)).await, [Taken; 3], "and then they leave");
}

#[tokio::test]
async fn a_refusal_of_the_key_or_the_address_is_no_refusal_of_the_event() {
    let inngest = InngestLoopback::start().await.unwrap();
    for status in [301, 401, 402, 403, 404, 405, 410, 415, 451] {
        inngest.script([Fault::status(status)]);
        assert_eq!(send(&emitter(&inngest), &events(1)).await, [Later], "after {status}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_event_is_final() {
    let inngest = InngestLoopback::start().await.unwrap();
    for status in [400, 413, 422] {
        inngest.script([Fault::status(status)]);
        assert_eq!(send(&emitter(&inngest), &events(1)).await, [Refused], "after {status}");
    }
    inngest.script([Fault::reply(413, "<html>413 Request Entity Too Large</html>")]);
    assert_eq!(send(&emitter(&inngest), &events(1)).await, [Refused], "a proxy says it in its own words");
    inngest.script([Fault::reply(400, r#"{"ids":null,"status":400,"error":"event name is empty"}"#)]);
    assert_eq!(send(&emitter(&inngest), &events(1)).await, [Refused], "`ids` may be null");
}

#[tokio::test]
async fn a_400_that_is_not_inngests_condemns_no_event() {
    let inngest = InngestLoopback::start().await.unwrap();
    for page in ["<html>The plain HTTP request was sent to HTTPS port</html>", "", r#"{"message":"no"}"#] {
        inngest.script([Fault::reply(400, page)]);
        assert_eq!(send(&emitter(&inngest), &events(3)).await, [Later; 3], "after {page:?}");
    }
}

#[tokio::test]
async fn retry_after_is_passed_on_as_seconds_or_as_a_date() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    let asked = [("7", 7), ("Mon, 23 Nov 2026 08:00:42 GMT", 42), ("86400", 3600)];
    for (retry_after, seconds) in asked {
        for status in [429, 503] {
            let fault = Fault::status(status).header("retry-after", retry_after);
            inngest.script([fault.header("date", "Mon, 23 Nov 2026 08:00:00 GMT")]);
            let outcomes = emitter.emit(&events(2)).await;
            for outcome in &outcomes {
                let Err(EmitError::Transient { retry_after, .. }) = outcome else { panic!("{outcome:?}") };
                assert_eq!(*retry_after, Some(Duration::from_secs(seconds)));
            }
        }
    }
}

#[tokio::test]
async fn after_a_failure_of_the_endpoint_the_rest_of_the_call_is_spared() {
    let inngest = InngestLoopback::start().await.unwrap();
    let one_each = InngestOptions { max_request_events: 1, ..options(&inngest) };
    inngest.script([Fault::reply(200, r#"{"ids":["a"],"status":200}"#), Fault::status(429)]);
    let fates = send(&InngestEmitter::new(one_each).unwrap(), &events(4)).await;
    assert_eq!(fates, [Taken, Later, Later, Later]);
    assert_eq!(inngest.requests().len(), 2, "who asks to be left alone is left alone");
}

#[tokio::test]
async fn an_event_that_landed_before_the_answer_failed_is_sent_again_under_its_id() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    inngest.script([Fault::status(500).after_landing()]);
    assert_eq!(send(&emitter, &[event(1)]).await, [Later]);
    assert_eq!(send(&emitter, &[event(1)]).await, [Taken]);
    assert_eq!(inngest.events().len(), 2, "at least once …");
    assert_eq!(inngest.distinct_ids(), ["event-0001"], "… and once by its id");
}
