//! Where things are sent to: an endpoint that keeps the ids alone, and answers after a while. The server's events go to
//! one like Inngest's, the robot's reports to one like the server's own.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The endpoint; it runs on a thread of its own for as long as the program does.
pub(crate) struct Endpoint {
    address: SocketAddr,
    ids: Arc<Mutex<Vec<String>>>,
}

/// Reads the ids in a body, and gives the answer to them.
type Reads = fn(&[u8]) -> serde_json::Result<(Vec<String>, Vec<u8>)>;

#[derive(Deserialize)]
struct Event {
    id: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    status: u16,
    ids: &'a [String],
}

/// Events, as Inngest takes them.
fn events(body: &[u8]) -> serde_json::Result<(Vec<String>, Vec<u8>)> {
    let events: Vec<Event> = serde_json::from_slice(body)?;
    let ids: Vec<String> = events.into_iter().map(|event| event.id).collect();
    let answer = serde_json::to_vec(&Answer { status: 200, ids: &ids })?;
    Ok((ids, answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    item_id: String,
}

/// A report, as a callback endpoint takes it.
fn report(body: &[u8]) -> serde_json::Result<(Vec<String>, Vec<u8>)> {
    let Report { item_id } = serde_json::from_slice(body)?;
    Ok((vec![item_id], br#"{"received":true,"verdict":"applied"}"#.to_vec()))
}

impl Endpoint {
    /// Starts one for events. Each request is answered after `latency`.
    pub(crate) fn for_events(latency: Duration) -> io::Result<Self> {
        Self::start(events, latency)
    }

    /// Starts one for reports, which answers at once.
    pub(crate) fn for_reports() -> io::Result<Self> {
        Self::start(report, Duration::ZERO)
    }

    fn start(reads: Reads, latency: Duration) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let (address, ids) = (listener.local_addr()?, Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let taken = Arc::clone(&ids);
        std::thread::spawn(move || runtime.block_on(accept(listener, taken, reads, latency)));
        Ok(Self { address, ids })
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many have arrived, those that came twice counted once.
    pub(crate) fn count(&self) -> usize {
        lock(&self.ids).iter().collect::<HashSet<_>>().len()
    }

    /// The ids of all that arrived, sorted, those that came twice twice.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids = lock(&self.ids).clone();
        ids.sort_unstable();
        ids
    }
}

fn lock(ids: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(
    listener: std::net::TcpListener,
    ids: Arc<Mutex<Vec<String>>>,
    reads: Reads,
    latency: Duration,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let ids = Arc::clone(&ids);
        tokio::spawn(async move {
            let service = service_fn(|request| take(request, &ids, reads, latency));
            // The server closes its connections when it ends.
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn take(
    request: Request<Incoming>,
    ids: &Mutex<Vec<String>>,
    reads: Reads,
    latency: Duration,
) -> io::Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let (new, answer) = reads(&body)?;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    lock(ids).extend(new);
    Ok(Response::new(Full::from(answer)))
}
