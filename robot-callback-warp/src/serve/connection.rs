//! One connection, from its first byte to its orderly end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics::{counter, gauge};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::Instrument;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::Limits;
use super::request::Observed;
use super::stall::Stall;
use crate::metrics::{CONNECTIONS, CONNECTIONS_SILENT};

/// Serves one connection until either side is done with it, its time is up, or the server stops.
pub(super) async fn serve(
    stream: TcpStream,
    routes: BoxedFilter<(Response,)>,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
        return;
    }
    let _open = Open::new();
    let begun = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Stall::new(stream, limits.write_stall));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .serve_connection(io, service(routes, begun.clone()));
    let mut first_request = pin!(tokio::time::sleep(limits.first_request));
    let mut told = false;
    loop {
        tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection broke");
                }
                break;
            }
            () = &mut first_request, if !begun.load(Ordering::Relaxed) => {
                if !begun.load(Ordering::Relaxed) {
                    counter!(CONNECTIONS_SILENT.name).increment(1);
                    tracing::debug!("a connection brought no request");
                    return;
                }
            }
            _ = stopping.wait_for(|stop| *stop), if !told => {
                Pin::new(&mut connection).graceful_shutdown();
                told = true;
            }
        }
    }
    if !told {
        linger(connection.into_parts().io.into_inner()).await;
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

/// The routes; says when the first request has come.
fn service(
    routes: BoxedFilter<(Response,)>,
    begun: Arc<AtomicBool>,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future = Answering> {
    let routes = TowerToHyperService::new(warp::service(routes));
    service_fn(move |request| {
        begun.store(true, Ordering::Relaxed);
        let observed = Observed::of(&request);
        let (span, answering) = (observed.span.clone(), routes.call(request));
        let answering = async move { Ok(observed.answered(answering.await?)) };
        let answering: Answering = Box::pin(answering.instrument(span));
        answering
    })
}

/// Closes in the order that lets the last answer arrive: a socket closed over unread bytes sends a reset, and the
/// peer may lose the answer that was on its way (a 413, say, while it was still sending).
async fn linger(mut stream: Stall<TcpStream>) {
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
