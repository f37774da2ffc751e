//! The accept loop: serves routes on a listener until told to stop, and lets nobody hold a connection for nothing.
//!
//! It owns connections: how many, for how long, and how they end. What is said on them is the routes' business.

mod arriving;
mod connection;
mod house;
mod limits;
mod request;
mod stall;
mod tally;
mod throttle;
mod tls;
mod waiting;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics::counter;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::{JoinError, JoinSet};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use self::connection::Connection;
use self::house::House;
pub use self::limits::{Limits, Options};
pub use self::tls::{Tls, TlsError};
use crate::metrics::CONNECTIONS_FULL;

const BACKLOG: u32 = 4096;

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
/// returns when they have, or [`Limits::drain`] later at the latest. Nothing a peer does ends it sooner. `options` may
/// be [`Limits`] alone. What is counted goes to the recorder of `metrics` that is installed by then.
///
/// Returns how many requests were cut off without an answer. Connections without a request are not among them.
pub async fn run(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    shutdown: impl Future<Output = ()>,
    options: impl Into<Options>,
) -> usize {
    let mut shutdown = pin!(shutdown);
    let house = Arc::new(House::new(routes, options.into()));
    let mut door = Door { listener, next: None, house: house.clone(), full: false };
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => note(ended),
            ((stream, peer), permit) = door.accept() => {
                let serving = Connection::new(house.clone(), peer).serve(stream, stopping.clone());
                connections.spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
        }
    }
    drop(door);
    stop.send_replace(true);
    drain(connections, &house).await
}

/// The listener and the room behind it.
struct Door {
    listener: TcpListener,
    /// Who has come and waits for room.
    next: Option<Caller>,
    house: Arc<House>,
    full: bool,
}

type Caller = (TcpStream, SocketAddr);

impl Door {
    /// The next connection, once there is room for it. Cancelling loses no connection.
    async fn accept(&mut self) -> (Caller, OwnedSemaphorePermit) {
        if self.next.is_none() {
            self.next = Some(self.knock().await);
        }
        let full = self.is_full();
        if full && !self.full {
            counter!(CONNECTIONS_FULL.name).increment(1);
            tracing::warn!("places run short; idle connections make room, else further callers wait");
        }
        self.full = full;
        let permit = self.enter().await;
        match self.next.take() {
            Some(caller) => (caller, permit),
            None => unreachable!("it was there before the wait, and nobody else takes it"),
        }
    }

    /// Who comes next. Failures to accept are logged and outlasted.
    async fn knock(&self) -> Caller {
        const PAUSE: Duration = Duration::from_millis(100);
        loop {
            match self.listener.accept().await {
                Ok(caller) => return caller,
                Err(error) if is_the_peers(&error) => tracing::debug!(%error, "a connection came and went"),
                Err(error) => {
                    // Out of file descriptors or memory: the next try would fail just as fast.
                    tracing::error!(%error, "accepting a connection failed");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn is_full(&self) -> bool {
        self.house.room.available_permits() <= self.house.spare()
    }

    /// A place for somebody who has come. When there is none but the spare ones, whoever idles is shown out, one for
    /// each newcomer, who takes a spare one meanwhile: a crowd that comes again and again must not keep others waiting.
    async fn enter(&self) -> OwnedSemaphorePermit {
        const PATIENCE: Duration = Duration::from_millis(100);
        loop {
            if self.is_full() {
                self.house.waiting.show_one_out();
            }
            let room = self.house.room.clone().acquire_owned();
            if let Ok(permit) = tokio::time::timeout(PATIENCE, room).await {
                return permit.expect("the semaphore is never closed");
            }
        }
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

/// Waits for the connections to end; those that do not are cut off. Returns how many requests were on them.
async fn drain(mut connections: JoinSet<()>, house: &House) -> usize {
    let drained = tokio::time::timeout(house.options.limits.drain, async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    });
    if drained.await.is_ok() {
        return 0;
    }
    let requests = house.asked.load(Ordering::Relaxed);
    tracing::warn!(requests, connections = connections.len(), "cut off connections that did not end in time");
    connections.shutdown().await;
    requests
}
