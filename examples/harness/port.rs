//! An address on this machine that is ours for as long as this is held, also while the program that listens there is
//! dead.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// The address. Others who ask in the same way get another one.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    /// Nobody talks to it: that the port is taken for UDP is the sign that it is somebody's for TCP.
    _held: UdpSocket,
}

impl Port {
    /// One that nobody listens on. It is below the range that systems give to outgoing connections: one of the
    /// clients' own could get it otherwise, while the program is dead.
    pub(crate) fn free() -> std::io::Result<Self> {
        const TRIES: u32 = 100;
        let candidate = |_| SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(20_000..30_000)));
        let free = |address| {
            let held = UdpSocket::bind(address).ok()?;
            TcpListener::bind(address).ok().map(|_| Self { address, _held: held })
        };
        let none = || std::io::Error::other("no free port between 20000 and 30000");
        (0..TRIES).map(candidate).find_map(free).ok_or_else(none)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
