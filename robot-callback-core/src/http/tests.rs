//! The contract's table of answers, row by row, each with what was read of the body by then.

mod announcing;
mod ask;
mod bodies;
mod signed;

use self::ask::{Ask, End, NoEmitter, Scripted, applied, endpoint, taken};
use super::*;
use crate::error::StoreError;
use crate::report::Report;
use crate::store::Applied;
use crate::verdict::Verdict;

#[test]
fn an_answer_names_its_verdict() {
    for verdict in Verdict::ALL {
        assert_eq!(accepted_body(verdict), format!(r#"{{"received":true,"verdict":"{}"}}"#, verdict.name()));
    }
}

#[tokio::test]
async fn a_result_is_answered_with_its_verdict_and_nothing_else() {
    let told = Ask::right().of(&endpoint(taken)).await;
    assert_eq!((told.status, told.body.as_str()), (200, r#"{"received":true,"verdict":"applied"}"#));
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(told.header("connection"), None, "the connection serves the next callback");
    let told = Ask::right().of(&endpoint(|_| Ok(Some(applied(Verdict::Stale))))).await;
    assert_eq!((told.status, told.body.as_str()), (200, r#"{"received":true,"verdict":"stale"}"#));
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_one_named() {
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"] {
        let ask = Ask { method, ..Ask::right().without("x-callback-secret") };
        let told = ask.of(&endpoint(taken)).await;
        told.is_problem(405, "Method not allowed");
        assert_eq!(told.header("allow"), Some("POST"));
        told.keeps_its_connection();
    }
}

#[tokio::test]
async fn without_a_valid_secret_nothing_is_looked_at_and_nothing_revealed() {
    let strangers = [
        Ask::right().without("x-callback-secret"),
        Ask::right().header("x-callback-secret", ""),
        Ask::right().header("x-callback-secret", "wrong"),
        Ask::right().header("x-callback-secret", b"\xff\xfe"),
        Ask::right().also("x-callback-secret", "wrong"),
        Ask::right().header("x-callback-secret", "wrong").header("content-type", "text/html"),
        Ask::right().header("x-callback-secret", "wrong").body("no json"),
    ];
    for stranger in strangers {
        let told = stranger.of(&endpoint(taken)).await;
        told.is_problem(401, "Unauthorized");
        assert_eq!(
            told.body,
            r#"{"type":"about:blank","title":"Unauthorized","status":401,"error":"Unauthorized"}"#
        );
        assert!(told.header("www-authenticate").is_some(), "a 401 says how to authenticate");
        told.keeps_its_connection();
    }
}

#[tokio::test]
async fn no_secret_configured_means_401_for_everybody() {
    let nobody = CallbackEndpoint::new(Scripted::new(taken), Arc::new(NoEmitter), Secrets::default());
    Ask::right().of(&nobody).await.is_problem(401, "Unauthorized");
    Ask::right().header("x-callback-secret", "").of(&nobody).await.is_problem(401, "Unauthorized");
}

#[tokio::test]
async fn a_secret_may_be_made_of_any_bytes() {
    let told = Ask::right().header("x-callback-secret", "pässword").of(&endpoint(taken)).await;
    assert_eq!(told.status, 200);
}

#[tokio::test]
async fn new_secrets_are_valid_from_the_next_request_on_in_every_clone() {
    let endpoint = endpoint(taken);
    endpoint.clone().set_secrets(Secrets::new(["new"]));
    Ask::right().of(&endpoint).await.is_problem(401, "Unauthorized");
    assert_eq!(Ask::right().header("x-callback-secret", "new").of(&endpoint).await.status, 200);
}

#[tokio::test]
async fn a_declared_content_type_that_is_not_json_is_415() {
    let others: [&[u8]; 5] =
        [b"text/plain", b"application/x-www-form-urlencoded", b"application/jsonp", b"json", b"\xff"];
    for other in others {
        let told = Ask::right().header("content-type", other).of(&endpoint(taken)).await;
        told.is_problem(415, "Content type is not JSON");
        told.keeps_its_connection();
    }
    for json in ["application/json; charset=utf-8", "Application/JSON", "application/vnd.robot+json", ""] {
        let told = Ask::right().header("content-type", json).of(&endpoint(taken)).await;
        assert_eq!(told.status, 200, "{json:?} is JSON");
    }
    let told = Ask::right().without("content-type").of(&endpoint(taken)).await;
    assert_eq!(told.status, 200, "no content type declared is no wrong one");
}

#[tokio::test]
async fn what_is_not_json_or_breaks_a_rule_is_400_with_the_field_and_the_rule() {
    let told = Ask::right().body("not json").of(&endpoint(taken)).await;
    told.is_problem(400, "the body must be one JSON object");
    assert_eq!(told.header("connection"), None, "the body was read: the connection serves on");
    let short =
        r#"{"itemId":"0f0e0d0c-0b0a-4908-8706-050403020100","status":"success","trackingNumber":"1"}"#;
    let told = Ask::right().body(short).of(&endpoint(taken)).await;
    told.is_problem(400, "trackingNumber must be 3 to 50 characters long");
}

#[tokio::test]
async fn an_unknown_item_is_404() {
    Ask::right().of(&endpoint(|_| Ok(None))).await.is_problem(404, "Item not found");
}

#[tokio::test]
async fn a_store_out_of_reach_is_503_with_a_time_to_come_back() {
    let told = Ask::right().of(&endpoint(|_| Err(StoreError::unavailable("secret host is down")))).await;
    told.is_problem(503, "Store not available");
    assert_eq!(told.header("retry-after"), Some("2"));
    assert!(!told.body.contains("host"), "causes stay in the log");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_too_long_is_503_and_its_work_goes_on() {
    let store = Scripted::waiting(taken);
    let endpoint = CallbackEndpoint::new(store.clone(), Arc::new(NoEmitter), Secrets::new(["right"]));
    let told = Ask::right().of(&endpoint).await;
    told.is_problem(503, "Store not available");
    assert_eq!(told.header("retry-after"), Some("2"));
    store.may_end.add_permits(1);
    store.has_ended().await;
}

#[tokio::test]
async fn a_fault_or_a_panic_is_500_without_its_cause() {
    type Answer = fn(&Report) -> Result<Option<Applied>, StoreError>;
    let faults: [Answer; 2] = [|_| Err(StoreError::fault("secret row is broken")), |_| panic!("secret bug")];
    for fault in faults {
        let told = Ask::right().of(&endpoint(fault)).await;
        told.is_problem(500, "Internal error");
        assert!(!told.body.contains("secret"), "causes stay in the log");
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_was_begun_ends_when_the_caller_hangs_up() {
    let store = Scripted::waiting(taken);
    let endpoint = CallbackEndpoint::new(store.clone(), Arc::new(NoEmitter), Secrets::new(["right"]));
    let request = Ask::right().request(&Arc::default());
    let mut responding = Box::pin(endpoint.respond(request));
    tokio::select! {
        _ = &mut responding => panic!("the store has not answered yet"),
        () = store.begun.notified() => {}
    }
    drop(responding);
    store.may_end.add_permits(1);
    store.has_ended().await;
}

#[test]
fn an_endpoint_goes_wherever_a_server_takes_it() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    fn is_send<F: Future + Send>(_: &F) {}
    is_shared::<CallbackEndpoint>();
    is_send(&endpoint(taken).respond(Ask::right().request(&Arc::default())));
}
