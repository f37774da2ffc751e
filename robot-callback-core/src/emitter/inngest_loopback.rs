//! A loopback server that speaks Inngest's event API, traps included, and fails as it is told. For tests and
//! demonstrations; it keeps everything it takes.
//!
//! Like the real one it takes an object or an array at `POST /e/{key}` and answers as `text/plain`; a path of
//! another shape is answered 200 with a page, and the events are gone; `[]` is answered 200; a 400 leaves the events
//! before the bad one taken; of more than 5000 events 5000 are taken; an event over 3 MiB and a compressed body are
//! refused. It starts no functions, so it drops no duplicates: [`distinct_ids`](InngestLoopback::distinct_ids) is
//! what a receiver that honours ids acts on.

mod fault;
mod protocol;
mod serve;
mod state;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;

use self::serve::Running;
use self::state::State;
use crate::event::Event;

pub use self::fault::Fault;
pub use self::state::Delivery;

/// The server. It stops when it is dropped.
///
/// ```
/// # use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let inngest = InngestLoopback::start().await.unwrap();
/// inngest.script([Fault::status(503), Fault::close().after_landing()]);
/// println!("point an emitter at {}", inngest.base_url());
/// inngest.stop().await; // down …
/// inngest.restart().await.unwrap(); // … and up again, at the same address, with all it has kept
/// inngest.wait_for(0).await;
/// # });
/// ```
pub struct InngestLoopback {
    address: SocketAddr,
    state: Arc<State>,
    running: Mutex<Option<Running>>,
}

impl InngestLoopback {
    /// Starts on 127.0.0.1, at a port the system chooses.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts at that address, such as one used before.
    ///
    /// # Errors
    /// When it is taken, or not an address of this machine alone.
    pub async fn start_at(address: SocketAddr) -> io::Result<Self> {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let running = Running::start(listener, state.clone());
        Ok(Self { address, state, running: Mutex::new(Some(running)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to give an emitter as its base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From here on only this event key is taken; before, any was.
    pub fn demand_key(&self, key: impl Into<String>) {
        self.state.demand_key(key.into());
    }

    /// The next requests fail, each in its own way. After them all is well again.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.script(faults);
    }

    /// Lets one [held](Fault::held) request go on: one that waits, or else the next.
    pub fn release(&self) {
        self.state.release();
    }

    /// Closes the listener and every connection. When this returns, nothing is taken any more.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// Stops, and starts again at the same address, with all it has kept.
    ///
    /// # Errors
    /// When somebody has taken the address meanwhile.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        let running = Running::start(listen(self.address).await?, self.state.clone());
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(())
    }

    /// Every request so far, in order, whatever became of it.
    #[must_use]
    pub fn requests(&self) -> Vec<Delivery> {
        self.state.requests()
    }

    /// Every event taken so far, in order, repetitions included.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events_after(0)
    }

    /// Every event taken after the first so many, in order, repetitions included.
    #[must_use]
    pub fn events_after(&self, first: usize) -> Vec<Event> {
        self.state.events_after(first)
    }

    /// The ids of what was taken, each once, sorted.
    #[must_use]
    pub fn distinct_ids(&self) -> Vec<String> {
        self.state.distinct_ids()
    }

    /// Waits until so many distinct ids have been taken. Waits for ever if they never are: give it a time limit.
    pub async fn wait_for(&self, distinct_ids: usize) {
        self.state.wait_until(|progress| progress.distinct_ids >= distinct_ids).await;
    }

    /// Waits until so many requests have come in, held ones and failed ones included.
    pub async fn wait_for_requests(&self, requests: usize) {
        self.state.wait_until(|progress| progress.requests >= requests).await;
    }
}

impl fmt::Debug for InngestLoopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InngestLoopback").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "must be a loopback address"));
    }
    TcpListener::bind(address).await
}
