//! One HTTP request on a connection of its own: enough to talk to a server on this machine.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// An answer, whole.
#[derive(Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there was no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There was no connection.
    #[error("no connection")]
    Connect(#[from] std::io::Error),
    /// The request can't be written like that.
    #[error("no request")]
    Request(#[from] hyper::http::Error),
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
}

/// Sends a request with a JSON body and waits for the whole answer; without a body it is a GET, with one a POST.
///
/// # Errors
/// An [`HttpError`] when there is no whole answer.
pub async fn request(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Vec<u8>>,
) -> Result<Answered, HttpError> {
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder().method(method).uri(path).header("host", address.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
    let talking = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    talking.abort();
    Ok(Answered { status: head.status.as_u16(), headers: head.headers, body })
}
