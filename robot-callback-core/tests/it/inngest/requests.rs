//! What goes over the wire.

use robot_callback_core::Emitter;
use robot_callback_core::inngest::{InngestEmitter, InngestOptions};
use robot_callback_core::inngest_loopback::InngestLoopback;
use serde_json::value::RawValue;

use super::{KEY, Taken, emitter, event, events, ids, options, send};

#[tokio::test]
async fn a_request_is_an_array_of_names_ids_and_data_and_nothing_else() {
    let inngest = InngestLoopback::start().await.unwrap();
    assert_eq!(send(&emitter(&inngest), &events(2)).await, [Taken, Taken]);
    let requests = inngest.requests();
    assert_eq!(requests.len(), 1, "both go together");
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/e/k3y-0f-7h3-5h0p"));
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        r#"[{"name":"robot/job.batch_completed","id":"event-0000","data":{"n":0}},{"name":"robot/job.batch_completed","id":"event-0001","data":{"n":1}}]"#,
        "no `ts`: one in the future would delay the run"
    );
    let mut headers: Vec<&str> = request.headers.keys().map(|name| name.as_str()).collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        ["accept", "content-length", "content-type", "host"],
        "no Authorization, and no Content-Encoding, which is refused"
    );
    assert_eq!(request.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_trace_stands_beside_the_data_where_inngest_keeps_it() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let inngest = InngestLoopback::start().await.unwrap();
    let mut events = events(1);
    events[0].traceparent = Some(TRACE.to_owned());
    assert_eq!(send(&emitter(&inngest), &events).await, [Taken]);
    let body: serde_json::Value = serde_json::from_slice(&inngest.requests()[0].body).unwrap();
    assert_eq!(body[0]["user"], serde_json::json!({"traceparent": TRACE}), "an unknown key would be dropped");
    assert_eq!(body[0]["data"], serde_json::json!({"n": 0}), "nothing is added to the data");
    assert_eq!(inngest.events(), events);
}

#[tokio::test]
async fn nothing_to_send_sends_nothing() {
    let inngest = InngestLoopback::start().await.unwrap();
    assert!(emitter(&inngest).emit(&[]).await.is_empty());
    assert_eq!(inngest.requests().len(), 0, "an empty array would be answered 200");
}

#[tokio::test]
async fn a_key_stays_one_segment_of_the_path_whatever_it_holds() {
    let inngest = InngestLoopback::start().await.unwrap();
    let options = InngestOptions { event_key: "a/b?c#d%2F\\..ñ".to_owned(), ..options(&inngest) };
    let emitter = InngestEmitter::new(options).unwrap();
    assert_eq!(send(&emitter, &events(1)).await, [Taken], "another path would lose the event with a 200");
    assert_eq!(inngest.requests()[0].path, "/e/a%2Fb%3Fc%23d%252F%5C..%C3%B1");
}

#[tokio::test]
async fn a_base_url_keeps_its_path_and_may_end_in_a_slash() {
    let inngest = InngestLoopback::start().await.unwrap();
    for (path, expected) in [("/", "/e/k"), ("/behind/proxy", "/behind/proxy/e/k"), ("/proxy/", "/proxy/e/k")]
    {
        let base_url = format!("{}{path}", inngest.base_url());
        let emitter = InngestEmitter::new(InngestOptions { base_url, ..InngestOptions::cloud("k") }).unwrap();
        send(&emitter, &events(1)).await;
        assert_eq!(inngest.requests().last().unwrap().path, expected);
    }
}

#[tokio::test]
async fn a_long_row_is_cut_into_requests_of_some_hundred_events() {
    let inngest = InngestLoopback::start().await.unwrap();
    let row = events(900);
    assert_eq!(send(&emitter(&inngest), &row).await, vec![Taken; 900]);
    let sizes = inngest.requests().iter().map(|request| request.body.len()).max().unwrap();
    assert_eq!(inngest.requests().len(), 3, "400, 400 and 100");
    assert!(sizes <= 256 * 1024, "{sizes} bytes are too many");
    assert_eq!(ids(&inngest.events()), ids(&row), "each once, in order");
}

#[tokio::test]
async fn a_row_of_large_events_is_cut_by_bytes() {
    let inngest = InngestLoopback::start().await.unwrap();
    let text = format!(r#"{{"address":"{}"}}"#, "x".repeat(100 * 1024));
    let mut row = events(5);
    for event in &mut row {
        event.data = RawValue::from_string(text.clone()).unwrap();
    }
    assert_eq!(send(&emitter(&inngest), &row).await, vec![Taken; 5]);
    assert_eq!(inngest.requests().len(), 3, "two of 100 KiB go together, three do not");
    assert!(inngest.requests().iter().all(|request| request.body.len() <= 256 * 1024));
}

#[tokio::test]
async fn an_event_over_the_limit_of_a_request_is_tried_alone() {
    let inngest = InngestLoopback::start().await.unwrap();
    let mut large = event(1);
    large.data = RawValue::from_string(format!(r#"{{"text":"{}"}}"#, "x".repeat(300 * 1024))).unwrap();
    let row = [event(0), large, event(2)];
    assert_eq!(send(&emitter(&inngest), &row).await, [Taken; 3], "a plan may allow more than 256 KiB");
    assert_eq!(inngest.requests().len(), 3);
}

#[tokio::test]
async fn many_calls_use_one_emitter_at_once() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.demand_key(KEY);
    let emitter = emitter(&inngest);
    let (first, second) = (events(3), [event(7), event(8)]);
    let (first, second) = tokio::join!(send(&emitter, &first), send(&emitter, &second));
    assert_eq!((first, second), (vec![Taken; 3], vec![Taken; 2]));
    assert_eq!(inngest.distinct_ids().len(), 5);
}
