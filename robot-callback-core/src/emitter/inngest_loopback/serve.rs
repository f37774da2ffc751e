//! The server's sockets: accepts, answers, and stops when told.

use std::io;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::fault::{End, Fault, Reply};
use super::protocol::{Intake, key_in};
use super::state::{Delivery, State};

const PAGE: &str = "<!DOCTYPE html><html><head><title>Inngest</title></head><body></body></html>";

/// A server at work. It stops when this is dropped.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(listener: TcpListener, state: Arc<State>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, accepting: tokio::spawn(accept(listener, state, stopped)) }
    }

    pub(super) async fn stop(self) {
        drop(self.stop);
        _ = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream, state.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request| answer(request, &state));
    // A connection that ends badly is one that was told to.
    _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: &State) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = Delivery {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: body.to_vec(),
    };
    let key = key_in(&request.path).filter(|_| head.method == Method::POST).map(str::to_owned);
    let fault = state.arrived(request);
    match (fault, key) {
        (Some(fault), _) => fail(fault, &body, state).await,
        (None, None) => Ok(respond(200, "text/html; charset=utf-8", PAGE)),
        (None, Some(key)) if !state.admits(&key) => {
            Ok(respond(401, "application/json", r#"{"error":"Event key not found","status":401}"#))
        }
        (None, Some(_)) => Ok(take(&body, state, usize::MAX)),
    }
}

async fn fail(fault: Fault, body: &[u8], state: &State) -> io::Result<Response<Full<Bytes>>> {
    let landing = if fault.lands { Some(take(body, state, fault.end.ids())) } else { None };
    if fault.held {
        state.released().await;
    }
    match fault.end {
        End::Well | End::IdsCutTo(_) => Ok(landing.unwrap_or_else(|| take(body, state, fault.end.ids()))),
        End::Reply(reply) => Ok(reply.into_response()),
        End::Closed => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Takes what is to be taken, and answers with at most so many ids.
fn take(body: &[u8], state: &State, ids: usize) -> Response<Full<Bytes>> {
    let intake = Intake::of(body);
    state.landed(&intake.events);
    let (status, answer) = intake.answer(ids);
    respond(status, "text/plain; charset=utf-8", answer)
}

fn respond(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

impl End {
    fn ids(&self) -> usize {
        if let Self::IdsCutTo(ids) = self { *ids } else { usize::MAX }
    }
}

impl Reply {
    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = respond(self.status, "text/plain; charset=utf-8", self.body);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
