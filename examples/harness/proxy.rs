//! A proxy between the robot and the server, as there are many on the internet: it hands on requests and answers, hears
//! them all before a witness, and fails on demand. It outlives them both.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use robot_callback_core::{CALLBACK_PATH, Report, Verdict};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::http::{Answered, request};
use crate::witness::{Testimony, Witness};

/// How one request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyFault {
    /// Whether the server is handed the request before it fails.
    pub handed_on: bool,
    /// What its sender sees.
    pub end: ProxyEnd,
}

/// What the sender of a request that fails sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyEnd {
    /// A 500 with a page of the proxy's own.
    Says500,
    /// A connection that is closed without an answer.
    Closes,
    /// No answer, for as long as the sender cares to wait.
    KeepsSilent,
}

/// A proxy at work. It stops when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    witness: Arc<Witness>,
    script: Mutex<VecDeque<Option<ProxyFault>>>,
    heard: mpsc::UnboundedSender<Report>,
}

impl Proxy {
    /// A proxy before that server, and every report that it hears from now on, repetitions included.
    ///
    /// # Errors
    /// When it can't listen.
    pub async fn start(
        server: SocketAddr,
        witness: Arc<Witness>,
    ) -> std::io::Result<(Self, mpsc::UnboundedReceiver<Report>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (heard, reports) = mpsc::unbounded_channel();
        let state = Arc::new(State { server, witness, script: Mutex::default(), heard });
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Ok((Self { address, state, accepting }, reports))
    }

    /// Where it listens, as the beginning of a URL.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where callbacks go that are to pass here.
    #[must_use]
    pub fn callback_url(&self) -> String {
        self.origin() + CALLBACK_PATH
    }

    /// Lets the next requests fail or go well, one after the other.
    pub fn script(&self, script: impl IntoIterator<Item = Option<ProxyFault>>) {
        self.state.script().extend(script);
    }

    /// How many of the faults are still to come.
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.state.script().iter().flatten().count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    fn script(&self) -> MutexGuard<'_, VecDeque<Option<ProxyFault>>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, state.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request| answer(request, state.clone()));
    // A connection that ends badly is one that was told to.
    _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> std::io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let fault = state.script().pop_front().flatten();
    let path = head.uri.to_string();
    let hand_on = || {
        // In a task of its own: what was sent arrives, also when its sender dies meanwhile.
        let handing = tokio::spawn(hand_on(state.clone(), path, head.headers, body));
        async { handing.await.map_err(std::io::Error::other)? }
    };
    let Some(ProxyFault { handed_on, end }) = fault else { return hand_on().await };
    if handed_on {
        _ = hand_on().await;
    }
    match end {
        ProxyEnd::Says500 => Ok(reply(500, &HeaderMap::new(), "<html><h1>Internal Server Error</h1></html>")),
        ProxyEnd::Closes => Err(std::io::ErrorKind::ConnectionAborted.into()),
        ProxyEnd::KeepsSilent => std::future::pending().await,
    }
}

/// Hands a request on. What can't be handed on is as if the server had hung up on its sender.
async fn hand_on(
    state: Arc<State>,
    path: String,
    headers: HeaderMap,
    body: Bytes,
) -> std::io::Result<Response<Full<Bytes>>> {
    let report = Report::parse(&body).map_err(std::io::Error::other)?;
    state.witness.sent(report.item_id);
    // Nobody may care to listen.
    _ = state.heard.send(report.clone());
    let headers: Vec<_> = headers
        .iter()
        .filter(|(name, _)| {
            ![HOST, CONTENT_LENGTH, CONTENT_TYPE, CONNECTION, TRANSFER_ENCODING].contains(name)
        })
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    match request(state.server, &path, &headers, Some(body.into())).await {
        Ok(answered) => {
            match verdict(&answered) {
                Some(verdict) => state.witness.answered_200(Testimony { report, verdict }),
                None => state.witness.unanswered(),
            }
            Ok(reply(answered.status, &answered.headers, answered.body))
        }
        Err(error) => {
            state.witness.unanswered();
            Err(std::io::Error::other(error))
        }
    }
}

/// Nothing when it is no 200; what it says the report did, if it says so.
fn verdict(answered: &Answered) -> Option<Option<Verdict>> {
    let said: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    (answered.status == 200).then(|| said["verdict"].as_str().and_then(Verdict::from_name))
}

fn reply(status: u16, headers: &HeaderMap, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kept = |(name, _): &(&hyper::header::HeaderName, _)| {
        ![CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING].contains(name)
    };
    let headers = headers.iter().filter(kept).map(|(name, value)| (name.clone(), value.clone()));
    response.headers_mut().extend(headers);
    response
}
