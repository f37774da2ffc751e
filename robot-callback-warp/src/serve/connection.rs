//! One connection, from its first byte to its orderly end.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{counter, gauge};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use warp::reply::Response;

use super::arriving::Arriving;
use super::house::{House, answer};
use super::stall::Stall;
use super::tls::Tls;
use super::waiting::Place;
use crate::metrics::{CONNECTIONS, CONNECTIONS_SILENT};

/// How long a connection that is shown out may take to end what it was sending, unless places are short.
const PARTING: Duration = Duration::from_secs(1);

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is known of one connection.
pub(super) struct Connection {
    pub(super) house: Arc<House>,
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
    _open: Open,
    /// Whether the first request has come.
    begun: AtomicBool,
    /// When it must have.
    deadline: Instant,
}

impl Connection {
    pub(super) fn new(house: Arc<House>, peer: SocketAddr) -> Self {
        let place = house.waiting.enter();
        let deadline = Instant::now() + house.options.limits.first_request;
        Self { house, peer, place, _open: Open::new(), begun: AtomicBool::new(false), deadline }
    }

    fn begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Serves until either side is done with it, its time is up, its place is needed, or the server stops.
    ///
    /// In a box: as one future, a connection without TLS would take the room of one with it.
    pub(super) fn serve(self, stream: TcpStream, stopping: watch::Receiver<bool>) -> Serving {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone already");
            return Box::pin(ready(()));
        }
        match self.house.options.tls.clone() {
            None => Box::pin(Arc::new(self).speak(stream, stopping)),
            Some(tls) => Box::pin(self.speak_behind(tls, stream, stopping)),
        }
    }

    async fn speak_behind(self, tls: Tls, stream: TcpStream, mut stopping: watch::Receiver<bool>) {
        let shaken = tokio::select! {
            shaken = tls.accept(stream) => shaken,
            () = tokio::time::sleep_until(self.deadline) => Err(io::ErrorKind::TimedOut.into()),
            () = self.place.shown_out() => return tracing::debug!("the place of a handshake was needed"),
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match shaken {
            Ok(stream) => Arc::new(self).speak(stream, stopping).await,
            Err(error) => tracing::debug!(%error, "a handshake failed"),
        }
    }

    async fn speak<S>(self: Arc<Self>, stream: S, mut stopping: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = self.house.options.limits;
        let io = TokioIo::new(Stall::new(stream, limits.write_stall));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Who has said all may listen on. To notice sooner that nobody listens, hyper would keep a second buffer.
            .half_close(true)
            // An answer is short: one piece that is copied together costs the kernel less than a list of two.
            .writev(false)
            .header_read_timeout(limits.idle)
            .max_buf_size(limits.head)
            .serve_connection(io, service(self.clone()));
        let mut deadline = pin!(tokio::time::sleep_until(self.deadline));
        let (mut told, mut parting) = (false, false);
        loop {
            tokio::select! {
                biased;
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                    if let Err(error) = ended {
                        tracing::debug!(error = %error, "a connection broke");
                    }
                    break;
                }
                () = &mut deadline, if parting || !self.begun() => {
                    if parting || !self.begun() {
                        counter!(CONNECTIONS_SILENT.name).increment(1);
                        tracing::debug!("a connection brought no request, or its place was needed");
                        return;
                    }
                }
                () = self.place.shown_out(), if !parting => {
                    Pin::new(&mut connection).graceful_shutdown();
                    parting = true;
                    let hurry = !self.begun() || self.house.is_pressed();
                    let more = if hurry { Duration::ZERO } else { PARTING };
                    deadline.as_mut().reset(Instant::now() + more);
                }
                _ = stopping.wait_for(|stop| *stop), if !told => {
                    Pin::new(&mut connection).graceful_shutdown();
                    told = true;
                }
            }
        }
        if !told && !parting {
            linger(connection.into_parts().io.into_inner()).await;
        }
    }
}

/// A connection, counted for as long as it is there.
struct Open;

impl Open {
    fn new() -> Self {
        gauge!(CONNECTIONS.name).increment(1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!(CONNECTIONS.name).decrement(1);
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// The house's answers, and the connection's standing by them.
fn service(
    connection: Arc<Connection>,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future = Answering> {
    service_fn(move |request| {
        connection.begun.store(true, Ordering::Relaxed);
        connection.place.works();
        let request = request.map(|body| Arriving::new(body, connection.clone()));
        let answering: Answering = Box::pin(answer(connection.clone(), request));
        answering
    })
}

/// Closes in the order that lets the last answer arrive: a socket closed over unread bytes sends a reset, and the
/// peer may lose the answer that was on its way (a 413, say, while it was still sending).
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    const TIME: Duration = Duration::from_secs(5);
    const BYTES: u64 = 1024 * 1024;
    let closing = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut (&mut stream).take(BYTES), &mut tokio::io::sink()).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(TIME, closing).await {
        tracing::trace!(%error, "a peer left first");
    }
}
