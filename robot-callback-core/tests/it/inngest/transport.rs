//! Connections that fail, hang, or lead elsewhere.

use std::time::Duration;

use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};

use super::{KEY, Later, PATIENCE, Taken, emitter, events, options, send};

#[tokio::test]
async fn nobody_listening_is_transient_and_over_once_somebody_does() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    inngest.stop().await;
    assert_eq!(send(&emitter, &events(2)).await, [Later, Later]);
    inngest.restart().await.unwrap();
    assert_eq!(send(&emitter, &events(2)).await, [Taken, Taken]);
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_transient() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    inngest.script([Fault::close(), Fault::close().after_landing()]);
    assert_eq!(send(&emitter, &events(2)).await, [Later, Later]);
    assert!(inngest.events().is_empty());
    assert_eq!(send(&emitter, &events(2)).await, [Later, Later], "that they arrived is not known here");
    assert_eq!(inngest.distinct_ids().len(), 2);
    assert_eq!(inngest.requests().len(), 2, "nothing below retries on its own");
}

#[tokio::test]
async fn a_connection_that_was_closed_between_two_calls_loses_nothing() {
    let inngest = InngestLoopback::start().await.unwrap();
    let emitter = emitter(&inngest);
    assert_eq!(send(&emitter, &events(1)).await, [Taken]);
    inngest.restart().await.unwrap();
    let taken = async { while send(&emitter, &events(2)).await != [Taken, Taken] {} };
    tokio::time::timeout(PATIENCE, taken).await.expect("a new connection is opened");
    assert_eq!(inngest.distinct_ids().len(), 2, "what was not taken at first was for later");
}

#[tokio::test]
async fn a_silent_endpoint_is_given_up_after_the_request_timeout() {
    let inngest = InngestLoopback::start().await.unwrap();
    let hasty = InngestOptions { request_timeout: Duration::from_millis(100), ..options(&inngest) };
    inngest.script([Fault::hold()]);
    let emitter = InngestEmitter::new(hasty).unwrap();
    assert_eq!(send(&emitter, &events(2)).await, [Later, Later], "within one call, not for ever");
}

#[tokio::test]
async fn a_call_ends_in_time_and_says_what_it_knows_by_then() {
    let inngest = InngestLoopback::start().await.unwrap();
    let options =
        InngestOptions { call_timeout: Duration::from_secs(2), max_request_events: 2, ..options(&inngest) };
    inngest.script([Fault::reply(200, r#"{"ids":["a","b"],"status":200}"#), Fault::hold()]);
    let emitter = InngestEmitter::new(options).unwrap();
    assert_eq!(send(&emitter, &events(6)).await, [Taken, Taken, Later, Later, Later, Later]);
    assert_eq!(inngest.requests().len(), 2, "the third was not begun");
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.script([Fault::hold()]);
    let emitter = emitter(&inngest);
    let releasing = async {
        inngest.wait_for_requests(1).await;
        assert!(inngest.events().is_empty(), "held, so nothing has landed");
        inngest.release();
    };
    let events = events(1);
    let (fates, ()) = tokio::join!(send(&emitter, &events), releasing);
    assert_eq!(fates, [Taken]);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_neither_key_nor_event_reaches_the_other_host() {
    let inngest = InngestLoopback::start().await.unwrap();
    let elsewhere = InngestLoopback::start().await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/e/{KEY}", elsewhere.base_url());
        inngest.script([Fault::status(status).header("location", location)]);
        assert_eq!(send(&emitter(&inngest), &events(1)).await, [Later], "after {status}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn an_answer_of_two_megabytes_is_not_read_to_its_end() {
    let inngest = InngestLoopback::start().await.unwrap();
    let filling = "x".repeat(2 * 1024 * 1024);
    inngest.script([Fault::reply(200, format!(r#"{{"ids":["a"],"status":200,"more":"{filling}"}}"#))]);
    assert_eq!(send(&emitter(&inngest), &events(1)).await, [Later], "no receipt is so long");
}
