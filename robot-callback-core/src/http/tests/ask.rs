//! One request, what it is answered by, and what came back.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use ::http::HeaderMap;
use async_trait::async_trait;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::callback::CALLBACK_PATH;
use crate::id::JobId;
use crate::outbox::{Claim, EntryId, Lease, LeaseToken, Settlement};
use crate::{EmitError, Event};

/// A store that answers one thing to every report, once it is let to.
pub(super) struct Scripted {
    answer: fn(&Report) -> Result<Option<Applied>, StoreError>,
    pub(super) begun: Notify,
    pub(super) may_end: Semaphore,
    ended: Notify,
}

impl Scripted {
    pub(super) fn new(answer: fn(&Report) -> Result<Option<Applied>, StoreError>) -> Arc<Self> {
        let store = Self::waiting(answer);
        store.may_end.add_permits(1000);
        store
    }

    pub(super) fn waiting(answer: fn(&Report) -> Result<Option<Applied>, StoreError>) -> Arc<Self> {
        let (begun, ended, may_end) = (Notify::new(), Notify::new(), Semaphore::new(0));
        Arc::new(Self { answer, begun, may_end, ended })
    }

    /// An hour of paused time, which passes at once when nothing else can happen.
    pub(super) async fn has_ended(&self) {
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

pub(super) struct NoEmitter;

#[async_trait]
impl Emitter for NoEmitter {
    async fn emit(&self, _: &[Event]) -> Vec<Result<(), EmitError>> {
        unreachable!("no report here causes an event")
    }
}

/// A body in pieces that counts how often it is asked for the next; it ends, breaks off or hangs after the last.
pub(super) struct Probe {
    pieces: VecDeque<Bytes>,
    end: End,
    /// How often it has nothing yet before it has the next piece.
    pauses: usize,
    paused: usize,
    polls: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
pub(super) enum End {
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
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) headers: Vec<(&'static str, Vec<u8>)>,
    pub(super) pieces: Vec<Bytes>,
    pub(super) end: End,
    pub(super) pauses: usize,
}

/// What came back, and how often the body was polled.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) polls: usize,
}

pub(super) const ITEM: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

impl Ask {
    pub(super) fn right() -> Self {
        let body = format!(r#"{{"itemId":"{ITEM}","status":"success","trackingNumber":"73150001234"}}"#);
        let headers = vec![
            ("x-callback-secret", b"right".to_vec()),
            ("content-type", b"application/json".to_vec()),
            ("content-length", body.len().to_string().into_bytes()),
        ];
        Self { method: "POST", headers, pieces: vec![body.into()], end: End::Proper, pauses: 0 }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self = self.without(name);
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    pub(super) fn also(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Sent in chunks, with no length declared.
    pub(super) fn chunked(self, pieces: Vec<Bytes>, end: End) -> Self {
        let mut ask = self.without("content-length").header("transfer-encoding", "chunked");
        (ask.pieces, ask.end) = (pieces, end);
        ask
    }

    pub(super) fn body(self, body: &'static str) -> Self {
        let mut ask = self.header("content-length", body.len().to_string());
        ask.pieces = vec![body.into()];
        ask
    }

    pub(super) fn request(self, polls: &Arc<AtomicUsize>) -> Request<Probe> {
        let mut request = Request::builder().method(self.method).uri(CALLBACK_PATH);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let (pieces, polls) = (self.pieces.into(), polls.clone());
        let probe = Probe { pieces, end: self.end, pauses: self.pauses, paused: 0, polls };
        request.body(probe).unwrap()
    }

    pub(super) async fn of(self, endpoint: &CallbackEndpoint) -> Told {
        let polls = Arc::default();
        let (head, body) = endpoint.respond(self.request(&polls)).await.into_parts();
        let Ok(body) = body.collect().await.map_err(|never: Infallible| match never {});
        let body = String::from_utf8(body.to_bytes().into()).unwrap();
        let polls = polls.load(Ordering::SeqCst);
        Told { status: head.status.as_u16(), headers: head.headers, body, polls }
    }
}

impl Told {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, error: &str) {
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
    pub(super) fn keeps_its_connection(&self) {
        assert_eq!(self.header("connection"), None, "the body is out of the way: the connection serves on");
    }

    #[track_caller]
    pub(super) fn left_the_body_alone(&self) {
        assert_eq!(self.polls, 0, "no byte of the body is read");
        assert_eq!(
            self.header("connection"),
            Some("close"),
            "what was not read must not be taken for a request"
        );
    }
}

pub(super) fn applied(verdict: Verdict) -> Applied {
    let job_id = JobId(uuid::Uuid::nil());
    Applied { verdict, job_id, attempt: 1, completed: false, events: 0, order_missing: false }
}

pub(super) fn taken(_: &Report) -> Result<Option<Applied>, StoreError> {
    Ok(Some(applied(Verdict::Applied)))
}

pub(super) fn endpoint(answer: fn(&Report) -> Result<Option<Applied>, StoreError>) -> CallbackEndpoint {
    CallbackEndpoint::new(Scripted::new(answer), Arc::new(NoEmitter), Secrets::new(["right", "pässword"]))
}
