//! The contract's table of answers, row by row, each with what was read of the body by then.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use ::http::{HeaderMap, Version};
use async_trait::async_trait;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{Notify, Semaphore};

mod signed;

use super::*;
use crate::callback::{CALLBACK_PATH, MAX_BODY};
use crate::error::StoreError;
use crate::id::JobId;
use crate::outbox::{Claim, EntryId, Lease, LeaseToken, Settlement};
use crate::report::Report;
use crate::store::Applied;
use crate::verdict::Verdict;
use crate::{EmitError, Event};

/// A store that answers one thing to every report, once it is let to.
struct Scripted {
    answer: fn(&Report) -> Result<Option<Applied>, StoreError>,
    begun: Notify,
    may_end: Semaphore,
    ended: Notify,
}

impl Scripted {
    fn new(answer: fn(&Report) -> Result<Option<Applied>, StoreError>) -> Arc<Self> {
        let store = Self::waiting(answer);
        store.may_end.add_permits(1000);
        store
    }

    fn waiting(answer: fn(&Report) -> Result<Option<Applied>, StoreError>) -> Arc<Self> {
        let (begun, ended, may_end) = (Notify::new(), Notify::new(), Semaphore::new(0));
        Arc::new(Self { answer, begun, may_end, ended })
    }

    /// An hour of paused time, which passes at once when nothing else can happen.
    async fn has_ended(&self) {
        let ended = tokio::time::timeout(Duration::from_secs(3600), self.ended.notified());
        ended.await.expect("the work that was begun ends");
    }
}

#[async_trait]
impl Store for Scripted {
    async fn apply(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        self.begun.notify_one();
        self.may_end.acquire().await.unwrap().forget();
        self.ended.notify_one();
        (self.answer)(&report)
    }
    async fn claim(&self, _: Claim) -> Result<Lease, StoreError> {
        unreachable!("an endpoint claims nothing")
    }
    async fn settle(&self, _: LeaseToken, _: Vec<(EntryId, Settlement)>) -> Result<(), StoreError> {
        unreachable!("an endpoint settles nothing")
    }
    async fn prune(&self, _: Duration, _: usize) -> Result<usize, StoreError> {
        unreachable!("an endpoint prunes nothing")
    }
    async fn ping(&self) -> Result<(), StoreError> {
        unreachable!("an endpoint pings nothing")
    }
}

struct NoEmitter;

#[async_trait]
impl Emitter for NoEmitter {
    async fn emit(&self, _: &[Event]) -> Vec<Result<(), EmitError>> {
        unreachable!("no report here causes an event")
    }
}

/// A body in pieces that counts how often it is asked for the next; it ends, breaks off or hangs after the last.
struct Probe {
    pieces: VecDeque<Bytes>,
    end: End,
    /// How often it has nothing yet before it has the next piece.
    pauses: usize,
    paused: usize,
    polls: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
enum End {
    Proper,
    Broken,
    Never,
}

impl Body for Probe {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        if self.paused < self.pauses {
            self.paused += 1;
            return Poll::Pending;
        }
        self.paused = 0;
        match (self.pieces.pop_front(), self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, End::Proper) => Poll::Ready(None),
            (None, End::Broken) => Poll::Ready(Some(Err("the peer is gone"))),
            (None, End::Never) => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// One request; [`Ask::right`] is one that is taken, and each row of the table changes one thing about it.
struct Ask {
    method: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    pieces: Vec<Bytes>,
    end: End,
    pauses: usize,
}

/// What came back, and how often the body was polled.
struct Told {
    status: u16,
    headers: HeaderMap,
    body: String,
    polls: usize,
}

const ITEM: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

impl Ask {
    fn right() -> Self {
        let body = format!(r#"{{"itemId":"{ITEM}","status":"success","trackingNumber":"73150001234"}}"#);
        let headers = vec![
            ("x-callback-secret", b"right".to_vec()),
            ("content-type", b"application/json".to_vec()),
            ("content-length", body.len().to_string().into_bytes()),
        ];
        Self { method: "POST", headers, pieces: vec![body.into()], end: End::Proper, pauses: 0 }
    }

    fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self = self.without(name);
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    fn also(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Sent in chunks, with no length declared.
    fn chunked(self, pieces: Vec<Bytes>, end: End) -> Self {
        let mut ask = self.without("content-length").header("transfer-encoding", "chunked");
        (ask.pieces, ask.end) = (pieces, end);
        ask
    }

    fn body(self, body: &'static str) -> Self {
        let mut ask = self.header("content-length", body.len().to_string());
        ask.pieces = vec![body.into()];
        ask
    }

    fn request(self, polls: &Arc<AtomicUsize>) -> Request<Probe> {
        let mut request = Request::builder().method(self.method).uri(CALLBACK_PATH);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let (pieces, polls) = (self.pieces.into(), polls.clone());
        let probe = Probe { pieces, end: self.end, pauses: self.pauses, paused: 0, polls };
        request.body(probe).unwrap()
    }

    async fn of(self, endpoint: &CallbackEndpoint) -> Told {
        let polls = Arc::default();
        let (head, body) = endpoint.respond(self.request(&polls)).await.into_parts();
        let Ok(body) = body.collect().await.map_err(|never: Infallible| match never {});
        let body = String::from_utf8(body.to_bytes().into()).unwrap();
        let polls = polls.load(Ordering::SeqCst);
        Told { status: head.status.as_u16(), headers: head.headers, body, polls }
    }
}

impl Told {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    fn is_problem(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(body["status"], status);
        assert_eq!(body["error"], error);
        assert_eq!(body["type"], "about:blank");
        assert!(body["title"].is_string(), "a problem has a title");
        assert_eq!(body["detail"].is_string(), status != 401 && !error.starts_with("trackingNumber"));
    }

    #[track_caller]
    fn keeps_its_connection(&self) {
        assert_eq!(self.header("connection"), None, "the body is out of the way: the connection serves on");
    }

    #[track_caller]
    fn left_the_body_alone(&self) {
        assert_eq!(self.polls, 0, "no byte of the body is read");
        assert_eq!(
            self.header("connection"),
            Some("close"),
            "what was not read must not be taken for a request"
        );
    }
}

fn applied(verdict: Verdict) -> Applied {
    let job_id = JobId(uuid::Uuid::nil());
    Applied { verdict, job_id, attempt: 1, completed: false, events: 0, order_missing: false }
}

fn taken(_: &Report) -> Result<Option<Applied>, StoreError> {
    Ok(Some(applied(Verdict::Applied)))
}

fn endpoint(answer: fn(&Report) -> Result<Option<Applied>, StoreError>) -> CallbackEndpoint {
    CallbackEndpoint::new(Scripted::new(answer), Arc::new(NoEmitter), Secrets::new(["right", "pässword"]))
}

#[test]
fn an_answer_names_its_verdict() {
    for verdict in Verdict::ALL {
        assert_eq!(body(verdict), format!(r#"{{"received":true,"verdict":"{}"}}"#, verdict.name()));
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
async fn the_body_of_a_refused_request_is_left_alone_unless_it_is_short_and_on_its_way() {
    let wrong = || Ask::right().header("x-callback-secret", "wrong");
    let pieces = || vec![Bytes::from_static(b"{}"); 2];
    for unread in [
        wrong().header("content-length", "65537"),
        wrong().header("content-length", "99999999999999999999999999"),
        wrong().header("expect", "100-continue"),
        wrong().chunked(pieces(), End::Proper),
        wrong().chunked(pieces(), End::Proper).header("content-length", "4"),
    ] {
        let told = unread.of(&endpoint(taken)).await;
        told.is_problem(401, "Unauthorized");
        told.left_the_body_alone();
    }
    let polls = Arc::default();
    let mut old = wrong().request(&polls);
    *old.version_mut() = Version::HTTP_10;
    let answer = endpoint(taken).respond(old).await;
    assert_eq!(
        answer.headers().get(CONNECTION).unwrap(),
        "close",
        "an older client may mean its end by silence"
    );
    assert_eq!(polls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_has_arrived_of_a_refused_body_is_discarded_and_the_rest_is_not_waited_for() {
    let wrong = |pieces: usize, end, pauses| {
        let pieces = vec![Bytes::from(vec![b' '; 8 * 1024]); pieces];
        let ask = Ask::right().header("x-callback-secret", "wrong").header("content-length", "65536");
        Ask { pieces, end, pauses, ..ask }
    };
    for (whole, pauses) in [(wrong(8, End::Proper, 0), 0), (wrong(8, End::Proper, 1), 1)] {
        let told = whole.of(&endpoint(taken)).await;
        assert_eq!(told.polls, 9 * (1 + pauses), "each piece, and the end");
        told.keeps_its_connection();
    }
    for (partial, polls) in [
        (wrong(7, End::Never, 0), 9),
        (wrong(7, End::Broken, 0), 8),
        (wrong(8, End::Proper, 2), 2),
        (wrong(100, End::Never, 0), 9),
    ] {
        let told = partial.of(&endpoint(taken)).await;
        told.is_problem(401, "Unauthorized");
        assert_eq!(told.header("connection"), Some("close"), "what is left must not be taken for a request");
        assert_eq!(told.polls, polls, "it is asked once more and then given up");
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
async fn a_body_declared_too_large_is_413_unread() {
    for length in ["65537", "99999999999999999999999999"] {
        let told = Ask::right().header("content-length", length).of(&endpoint(taken)).await;
        told.is_problem(413, "Body too large");
        told.left_the_body_alone();
    }
    let told = Ask::right().header("content-length", "16385").of(&endpoint(taken)).await;
    told.is_problem(413, "Body too large");
    told.keeps_its_connection();
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_413_and_read_no_further() {
    let piece = Bytes::from(vec![b' '; MAX_BODY / 2]);
    let told = Ask::right().chunked(vec![piece; 100], End::Never).of(&endpoint(taken)).await;
    told.is_problem(413, "Body too large");
    assert_eq!(told.polls, 3, "reading stops with the piece that goes over the limit");
    assert_eq!(told.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let report = format!(r#"{{"itemId":"{ITEM}","status":"success"}}"#);
    let told = Ask::right().chunked(vec![format!("{report:MAX_BODY$}").into()], End::Proper);
    assert_eq!(told.of(&endpoint(taken)).await.status, 200);
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

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_in_time_is_408() {
    let told = Ask::right().chunked(vec!["{".into()], End::Never).of(&endpoint(taken)).await;
    told.is_problem(408, "Body took too long");
    assert_eq!(told.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let told = Ask::right().chunked(vec!["{".into()], End::Broken).of(&endpoint(taken)).await;
    told.is_problem(400, "Body broke off");
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
