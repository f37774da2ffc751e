//! The loopback server itself: it has the traps of the real one.

use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Posts a body, and gives the status, the content type and the body of the answer.
async fn post(inngest: &InngestLoopback, path: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(inngest.address()).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: loopback\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap();
    (status, content_type.to_owned(), body.to_owned())
}

async fn posted(inngest: &InngestLoopback, body: &str) -> (u16, Value) {
    let (status, content_type, answer) = post(inngest, "/e/key", body.as_bytes()).await;
    assert_eq!(content_type, "text/plain; charset=utf-8");
    (status, serde_json::from_str(&answer).unwrap())
}

fn ids_in(answer: &Value) -> usize {
    answer["ids"].as_array().unwrap().iter().filter(|id| **id != "").count()
}

#[tokio::test]
async fn an_object_or_an_array_is_taken_and_each_event_gets_an_id_of_the_servers_own() {
    let inngest = InngestLoopback::start().await.unwrap();
    let (status, answer) = posted(&inngest, r#"{"name":"one","id":"1","data":{},"ts":1700000000000}"#).await;
    assert_eq!((status, &answer["status"], ids_in(&answer)), (200, &200.into(), 1));
    let (status, answer) =
        posted(&inngest, r#" [ {"name":"two","id":"2"} , {"name":"one","id":"1"} ] "#).await;
    assert_eq!((status, ids_in(&answer)), (200, 2));
    assert_eq!(inngest.events().len(), 3, "it keeps repetitions");
    assert_eq!(inngest.distinct_ids(), ["1", "2"]);
}

#[tokio::test]
async fn nothing_sent_is_answered_200() {
    let inngest = InngestLoopback::start().await.unwrap();
    for body in ["[]", ""] {
        let (status, answer) = posted(&inngest, body).await;
        assert_eq!((status, answer.to_string().as_str()), (200, r#"{"ids":[""],"status":200}"#));
    }
}

#[tokio::test]
async fn a_path_of_another_shape_is_a_page_and_the_event_is_gone() {
    let inngest = InngestLoopback::start().await.unwrap();
    for path in ["/e", "/e/", "/e/a/b", "/", "/x/key"] {
        let (status, content_type, _) = post(&inngest, path, br#"{"name":"one"}"#).await;
        assert_eq!((status, content_type.as_str()), (200, "text/html; charset=utf-8"), "{path}");
    }
    assert!(inngest.events().is_empty());
    assert_eq!(inngest.requests().len(), 5);
}

#[tokio::test]
async fn a_400_comes_after_the_events_before_the_bad_one_were_taken() {
    for bad in
        [r#"{"id":"3"}"#, r#"{"name":3}"#, r#"{"name":"c","data":[]}"#, r#"{"name":"c","ts":1.5}"#, "3", "{"]
    {
        let inngest = InngestLoopback::start().await.unwrap();
        let body =
            format!(r#"[{{"name":"a","id":"1"}},{{"name":"b","id":"2"}},{bad},{{"name":"d","id":"4"}}]"#);
        let (status, answer) = posted(&inngest, &body).await;
        assert_eq!((status, &answer["status"]), (400, &400.into()), "{bad}");
        assert!(answer["error"].is_string(), "it says why");
        assert_eq!(inngest.distinct_ids(), ["1", "2"], "not atomic: {bad}");
    }
}

#[tokio::test]
async fn a_truncated_array_is_answered_200_with_fewer_ids() {
    let inngest = InngestLoopback::start().await.unwrap();
    let (status, answer) = posted(&inngest, r#"[{"name":"a","id":"1"},{"name":"b","id":"2"}"#).await;
    assert_eq!((status, ids_in(&answer)), (200, 2));
    let (status, _) = posted(&inngest, r#"[{"name":"a","id":"1"},"#).await;
    assert_eq!(status, 400, "after a comma something is missing");
}

#[tokio::test]
async fn of_more_than_5000_events_5000_are_taken_and_the_answer_is_400() {
    let inngest = InngestLoopback::start().await.unwrap();
    let event = |n| format!(r#"{{"name":"many","id":"{n}"}}"#);
    let many: Vec<String> = (0..5001).map(event).collect();
    let (status, answer) = posted(&inngest, &format!("[{}]", many.join(","))).await;
    assert_eq!((status, ids_in(&answer), inngest.events().len()), (400, 5000, 5000));
}

#[tokio::test]
async fn an_event_over_3_mib_and_a_compressed_body_are_refused() {
    let inngest = InngestLoopback::start().await.unwrap();
    let large = format!(r#"{{"name":"large","data":{{"text":"{}"}}}}"#, "x".repeat(3 * 1024 * 1024));
    assert_eq!(posted(&inngest, &large).await.0, 400);
    let (status, _, _) = post(&inngest, "/e/key", &[0x1f, 0x8b, 8, 0]).await;
    assert_eq!(status, 400, "gzip");
    assert!(inngest.events().is_empty());
}

#[tokio::test]
async fn a_wrong_key_is_refused_when_a_key_is_demanded() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.demand_key("right");
    let (status, _, body) = post(&inngest, "/e/wrong", br#"{"name":"one"}"#).await;
    assert_eq!((status, body.as_str()), (401, r#"{"error":"Event key not found","status":401}"#));
    assert_eq!(post(&inngest, "/e/right", br#"{"name":"one"}"#).await.0, 200);
    assert_eq!(inngest.events().len(), 1);
}

#[tokio::test]
async fn faults_come_in_order_and_then_all_is_well() {
    let inngest = InngestLoopback::start().await.unwrap();
    inngest.script([Fault::status(503), Fault::status(500).after_landing(), Fault::ids_cut_to(1)]);
    let body = r#"[{"name":"a","id":"1"},{"name":"b","id":"2"}]"#;
    let mut statuses = Vec::new();
    for taken in [0, 2, 4, 6] {
        statuses.push(posted(&inngest, body).await.0);
        assert_eq!(inngest.events().len(), taken, "taken so far");
    }
    assert_eq!(statuses, [503, 500, 200, 200]);
}

#[tokio::test]
async fn a_stop_ends_held_requests_and_a_restart_keeps_what_was_taken() {
    let inngest = InngestLoopback::start().await.unwrap();
    posted(&inngest, r#"{"name":"a","id":"1"}"#).await;
    inngest.script([Fault::hold()]);
    let mut stream = TcpStream::connect(inngest.address()).await.unwrap();
    stream.write_all(b"POST /e/key HTTP/1.1\r\nhost: l\r\ncontent-length: 2\r\n\r\n[]").await.unwrap();
    inngest.wait_for_requests(2).await;
    inngest.stop().await;
    let mut rest = Vec::new();
    _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "no answer any more");
    assert!(TcpStream::connect(inngest.address()).await.is_err(), "nobody listens");
    inngest.restart().await.unwrap();
    posted(&inngest, r#"{"name":"b","id":"2"}"#).await;
    inngest.wait_for(2).await;
    assert_eq!(inngest.distinct_ids(), ["1", "2"]);
}

#[tokio::test]
async fn it_listens_on_this_machine_alone() {
    let error = InngestLoopback::start_at("0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "must be a loopback address");
    let first = InngestLoopback::start().await.unwrap();
    let address = first.address();
    first.stop().await;
    let second = InngestLoopback::start_at(address).await.unwrap();
    assert_eq!(second.base_url(), format!("http://{address}"), "an address can be chosen");
}
