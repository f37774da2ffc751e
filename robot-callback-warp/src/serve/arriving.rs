//! The body of a request, on its way: while it is waited for, nobody is at work, and the connection's place may be given
//! to another caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::connection::Connection;

pub(super) struct Arriving {
    body: Incoming,
    connection: Arc<Connection>,
    waits: bool,
}

impl Arriving {
    pub(super) fn new(body: Incoming, connection: Arc<Connection>) -> Self {
        Self { body, connection, waits: false }
    }

    /// It waits from its first pause to its end: what trickles in between gives nobody a better place in the line.
    fn note(&mut self, pending: bool) {
        if pending && !self.waits {
            self.connection.place.waits();
            self.waits = true;
        } else if !pending && self.waits {
            self.connection.place.works();
            self.waits = false;
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => self.note(true),
            Poll::Ready(Some(Ok(_))) if !self.body.is_end_stream() => {}
            Poll::Ready(_) => self.note(false),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
