//! The accept loop: serves routes on a listener until told to stop, and lets nobody hold a connection for nothing.
//!
//! It owns connections: how many, for how long, and how they end. What is said on them is the routes' business.

mod connection;
mod request;
mod stall;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::metrics::CONNECTIONS_FULL;

const BACKLOG: u32 = 1024;

/// What a connection may cost. The defaults suit a server behind a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at a time; further ones wait in the listener's backlog. Default: 4096.
    pub connections: usize,
    /// How long a new connection may take to send the head of its first request. Default: 10 seconds.
    pub first_request: Duration,
    /// How long a connection may take to send the head of a further request, or idle before it. Above a load
    /// balancer's own (often 60 seconds), so that it is never this side that closes on a request under way.
    /// Default: 80 seconds.
    pub idle: Duration,
    /// How long a peer may take none of what is sent to it. Default: 30 seconds.
    pub write_stall: Duration,
    /// How long requests in flight may take to end once the server was told to stop. Default: 25 seconds, below
    /// the 30 that most supervisors wait before they kill.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(80),
            write_stall: Duration::from_secs(30),
            drain: Duration::from_secs(25),
        }
    }
}

/// A listener on that address; port 0 is any free one.
///
/// # Errors
/// The system's: the address is taken, or not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server gets its port back while connections of the last one are still dying. (On Windows the
    // same option would let two servers share a port.)
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `routes` until `shutdown` resolves; then takes no more connections, lets requests in flight end, and
/// returns when they have, or [`Limits::drain`] later at the latest. Nothing a peer does ends it sooner.
pub async fn run(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    shutdown: impl Future<Output = ()>,
    limits: Limits,
) {
    let mut shutdown = pin!(shutdown);
    let mut door = Door { listener, room: Arc::new(Semaphore::new(limits.connections)), full: false };
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => note(ended),
            (stream, permit) = door.accept() => {
                let serving = connection::serve(stream, routes.clone(), limits, stopping.clone());
                connections.spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
        }
    }
    drop(door);
    stop.send_replace(true);
    drain(connections, limits.drain).await;
}

/// The listener and the room behind it.
struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
    full: bool,
}

impl Door {
    /// The next connection, once there is room for it. Failures to accept are logged and outlasted. Cancelling
    /// loses no connection.
    async fn accept(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        const PAUSE: Duration = Duration::from_millis(100);
        let permit = self.enter().await;
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, permit),
                Err(error) if is_the_peers(&error) => tracing::debug!(%error, "a connection came and went"),
                Err(error) => {
                    // Out of file descriptors or memory: the next try would fail just as fast.
                    tracing::error!(%error, "accepting a connection failed");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn enter(&mut self) -> OwnedSemaphorePermit {
        let full = self.room.available_permits() == 0;
        if full && !self.full {
            counter!(CONNECTIONS_FULL.name).increment(1);
            tracing::warn!("all connections are in use; further callers wait");
        }
        self.full = full;
        self.room.clone().acquire_owned().await.expect("the semaphore is never closed")
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "serving a connection failed");
    }
}

async fn drain(mut connections: JoinSet<()>, deadline: Duration) {
    let drained = tokio::time::timeout(deadline, async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off connections that did not end in time");
        connections.shutdown().await;
    }
}
