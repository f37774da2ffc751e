//! What stands before several servers: gives each connection to one of them, and to another when that one is dead.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The longest life of a connection in milliseconds. It is cut in whatever moment, so that everybody comes back, and
/// to either server.
const LIFE: u64 = 1000;

/// A balancer at work. It stops when this is dropped.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Balancer {
    pub(crate) async fn start(servers: Vec<SocketAddr>, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, accepting: tokio::spawn(accept(listener, servers, fastrand::Rng::with_seed(seed))) }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, mut servers: Vec<SocketAddr>, mut rng: fastrand::Rng) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                rng.shuffle(&mut servers);
                let life = Duration::from_millis(rng.u64(1..LIFE));
                connections.spawn(tokio::time::timeout(life, carry(client, servers.clone())));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn carry(mut client: TcpStream, servers: Vec<SocketAddr>) {
    for server in servers {
        if let Ok(mut server) = TcpStream::connect(server).await {
            // However it ends: the client sees that it has.
            _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
