//! The door: in which order it works, and what it lets out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::{
    CallbackError, EmitError, Emitter, Event, ItemId, MAX_BODY, OperatorStore, Receipt, RecordingEmitter,
    Relay, Secrets, Verdict, WorkspaceId, handle_callback,
};
use tokio::sync::oneshot;

use crate::watched::Watched;

async fn call(
    store: &Watched,
    emitter: &RecordingEmitter,
    secret: Option<&str>,
    body: &str,
) -> Result<Receipt, CallbackError> {
    let secrets = Secrets::new(["right", "previous"]);
    let secret = secrets.presented(secret.map(str::as_bytes));
    handle_callback(store, emitter, secret, body.as_bytes()).await
}

fn success(item: ItemId) -> String {
    format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"73150001234"}}"#)
}

fn calls(store: &Watched) -> usize {
    store.calls.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_receipt_says_what_the_callback_did() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (job_id, items) = store.job(2).await;
    for (n, item_id) in items.into_iter().enumerate() {
        let receipt = call(&store, &emitter, Some("right"), &success(item_id)).await.unwrap();
        let (verdict, completed) = (Verdict::Applied, n == 1);
        let expected = Receipt { verdict, item_id, job_id, attempt: 1, completed, order_missing: false };
        assert_eq!(receipt, expected, "a receipt says what the callback did");
        let again = call(&store, &emitter, Some("previous"), &success(item_id)).await.unwrap();
        let expected = Receipt { verdict: Verdict::Duplicate, completed: false, ..expected };
        assert_eq!(again, expected, "and that a second one did nothing");
    }
}

#[tokio::test]
async fn without_the_secret_nothing_is_revealed_and_the_store_is_not_asked() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (_, items) = store.job(1).await;
    let (known, unknown) = (success(items[0]), success(ItemId::random()));
    let too_large = " ".repeat(MAX_BODY + 1);
    for secret in [None, Some(""), Some("wrong"), Some("right ")] {
        for body in ["", "garbage", "{}", &known, &unknown, &too_large] {
            let refused = call(&store, &emitter, secret, body).await.unwrap_err();
            assert!(matches!(refused, CallbackError::Unauthorized), "whatever the body: {refused}");
            assert_eq!(refused.to_string(), "the callback secret is absent or wrong", "word for word");
        }
    }
    let nobody = Secrets::default();
    let refused = handle_callback(&*store, &emitter, nobody.presented(Some(b"")), known.as_bytes()).await;
    assert!(matches!(refused, Err(CallbackError::Unauthorized)), "without a secret nobody gets in");
    assert_eq!(calls(&store), 0, "nothing reaches the store");
    assert!(emitter.events().is_empty(), "nothing leaves");
}

#[tokio::test]
async fn another_workspaces_secret_is_answered_as_if_the_item_were_not_there() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (job, items) = store.job(1).await;
    let own = store.store.job(job).await.unwrap().unwrap().job.workspace_id;
    let secrets = Secrets::default().with_workspace(own, ["own"], []).with_workspace(
        WorkspaceId::random(),
        ["another's"],
        [],
    );
    let report = async |secret: &str, item| {
        let secret = secrets.presented(Some(secret.as_bytes()));
        handle_callback(&*store, &emitter, secret, success(item).as_bytes()).await
    };
    let (foreign, unknown) = (
        report("another's", items[0]).await.unwrap_err(),
        report("own", ItemId::random()).await.unwrap_err(),
    );
    assert!(matches!(foreign, CallbackError::UnknownItem), "{foreign}");
    assert_eq!(format!("{foreign:?}"), format!("{unknown:?}"), "nothing tells the one from the other");
    assert!(emitter.events().is_empty(), "nothing leaves");
    assert_eq!(report("own", items[0]).await.unwrap().verdict, Verdict::Applied, "nothing had changed");
}

#[tokio::test]
async fn size_comes_before_payload_and_payload_before_the_store() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let refused = call(&store, &emitter, Some("right"), &" ".repeat(MAX_BODY + 1)).await.unwrap_err();
    assert!(matches!(refused, CallbackError::TooLarge), "{refused}");
    for body in ["", "garbage", "[]", "{}", r#"{"itemId":"7","status":"success"}"#] {
        let refused = call(&store, &emitter, Some("right"), body).await.unwrap_err();
        assert!(matches!(refused, CallbackError::Invalid(_)), "{refused}");
    }
    assert_eq!(calls(&store), 0, "what is not a report does not reach the store");
    let refused = call(&store, &emitter, Some("right"), &success(ItemId::random())).await.unwrap_err();
    assert!(matches!(refused, CallbackError::UnknownItem), "{refused}");
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (_, items) = store.job(1).await;
    let mut body = success(items[0]);
    body.push_str(&" ".repeat(MAX_BODY - body.len()));
    assert_eq!(call(&store, &emitter, Some("right"), &body).await.unwrap().verdict, Verdict::Applied);
}

#[tokio::test]
async fn a_store_out_of_reach_is_an_error_and_the_same_call_works_later() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (_, items) = store.job(1).await;
    store.failing_applies.store(1, Ordering::SeqCst);
    let refused = call(&store, &emitter, Some("right"), &success(items[0])).await.unwrap_err();
    let CallbackError::Store(error) = refused else { panic!("{refused}") };
    assert!(error.is_transient(), "the robot should send it again");
    assert!(emitter.events().is_empty(), "nothing leaves that was not recorded");
    let again = call(&store, &emitter, Some("right"), &success(items[0])).await.unwrap();
    assert_eq!(again.verdict, Verdict::Applied, "and then it is applied");
}

#[tokio::test]
async fn without_a_relay_events_leave_in_line_and_once() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (job, items) = store.job(1).await;
    for _ in 0..3 {
        call(&store, &emitter, Some("right"), &success(items[0])).await.unwrap();
    }
    let ids: Vec<String> = emitter.events().into_iter().map(|event| event.id).collect();
    let shipped = format!("robot.coord.completed:{}:1", items[0]);
    assert_eq!(ids, [shipped, format!("robot/job.batch_completed:{job}:1")]);
    assert_eq!(store.store.outbox_depth().await.unwrap().pending, 0, "they are settled");
}

#[tokio::test]
async fn a_callback_that_records_no_event_announces_nothing() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (_, items) = store.job(2).await;
    let body = format!(r#"{{"itemId":"{}","status":"error"}}"#, items[0]);
    call(&store, &emitter, Some("right"), &body).await.unwrap();
    assert_eq!(calls(&store), 1, "the store is asked to apply, and not for events");
}

#[tokio::test(start_paused = true)]
async fn with_the_emitter_down_the_callback_is_taken_and_the_relay_delivers_later() {
    let (store, emitter) = (Watched::new(), Arc::new(RecordingEmitter::new()));
    let (_, items) = store.job(1).await;
    emitter.fail_next(3);
    let receipt = call(&store, &emitter, Some("right"), &success(items[0])).await.unwrap();
    assert!(receipt.completed, "the callback is taken all the same");
    assert!(emitter.events().is_empty(), "though nothing has left yet");
    let (stop, stopped) = oneshot::channel::<()>();
    let relay = Relay::new(store.clone(), emitter.clone());
    let relay = tokio::spawn(relay.run(async { _ = stopped.await }));
    let delivered = tokio::time::timeout(Duration::from_secs(3600), async {
        while store.store.outbox_depth().await.unwrap().pending > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    delivered.await.expect("the relay delivers later");
    assert_eq!(emitter.distinct_ids().len(), 2, "both events");
    drop(stop);
    relay.await.unwrap();
}

#[tokio::test]
async fn a_store_that_fails_after_the_result_is_durable_fails_no_callback() {
    let (store, emitter) = (Watched::new(), RecordingEmitter::new());
    let (_, items) = store.job(1).await;
    store.failing_claims.store(1, Ordering::SeqCst);
    let receipt = call(&store, &emitter, Some("right"), &success(items[0])).await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Applied, "the result is durable");
    assert_eq!(store.store.outbox_depth().await.unwrap().pending, 2, "its events wait");
}

/// An emitter that panics whenever it is told of anything.
struct Panicking;

#[async_trait]
impl Emitter for Panicking {
    async fn emit(&self, _: &[Event]) -> Vec<Result<(), EmitError>> {
        panic!("an emitter panics, as it was told to")
    }
}

#[tokio::test]
async fn an_emitter_that_panics_after_the_result_is_durable_fails_no_callback() {
    let store = Watched::new();
    let (_, items) = store.job(1).await;
    let secrets = Secrets::new(["right"]);
    let body = success(items[0]);
    let receipt = handle_callback(&*store, &Panicking, secrets.presented(Some(b"right")), body.as_bytes());
    assert_eq!(receipt.await.unwrap().verdict, Verdict::Applied, "the result is durable");
    assert_eq!(store.store.outbox_depth().await.unwrap().pending, 2, "its events wait");
}
