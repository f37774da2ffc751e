//! What a connection may cost, and on which terms connections are served.

use std::time::Duration;

use warp::http::HeaderName;

use super::tls::Tls;

/// What a connection may cost. The defaults suit a server behind a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at a time. An eighth of them is for those who are about to leave: when the rest is in use,
    /// the one that has waited longest, for a request or for the rest of one, is shown out for each further caller.
    /// While all are at work, further callers wait in the listener's backlog. Default: 4096.
    pub connections: usize,
    /// How long a new connection may take to send the head of its first request, the handshake of TLS included.
    /// Default: 10 seconds.
    pub first_request: Duration,
    /// How long a connection may take to send the head of a further request, or idle before it. Above a load
    /// balancer's own (often 60 seconds), so that it is never this side that closes on a request under way.
    /// Default: 80 seconds.
    pub idle: Duration,
    /// How many bytes the head of a request may have (at most 100 headers, whatever their size). At least 8192.
    /// Default: 32 KiB.
    pub head: usize,
    /// How long a peer may take none of what is sent to it. Default: 30 seconds.
    pub write_stall: Duration,
    /// How many failed authentications of one address (of one /64 in IPv6) are answered at once; each is forgotten
    /// after three seconds. Further ones wait, and end their connection. Nobody else waits, whatever address they
    /// share. Default: 20.
    pub failures: u32,
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
            head: 32 * 1024,
            write_stall: Duration::from_secs(30),
            failures: 20,
            drain: Duration::from_secs(25),
        }
    }
}

/// On which terms connections are served.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What they may cost.
    pub limits: Limits,
    /// Speaks TLS. Default: plain HTTP.
    pub tls: Option<Tls>,
    /// The header in which a proxy says from which address a request came; its last address counts, which is the
    /// one that the nearest proxy wrote. Only where every caller comes by that proxy. Default: none; the address is
    /// the connection's.
    pub client_address: Option<HeaderName>,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}
