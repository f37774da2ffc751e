//! A keep-alive HTTP/1.1 client that costs next to nothing, so that the machine's time is the server's.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection. A request is written when its answer to the last one is read.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    closed: bool,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, closed: false, buffer: Vec::with_capacity(1024) })
    }

    /// Sends a whole request and reads the whole answer: its status and its body. Opens the connection again when
    /// the last answer closed it.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        if self.closed {
            *self = Self::open(self.address).await?;
        }
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(Answer { status, body, closes }) = whole(&self.buffer)? {
                self.closed = closes;
                return Ok((status, &self.buffer[body..]));
            }
        }
    }
}

struct Answer {
    status: u16,
    /// Where its body begins.
    body: usize,
    closes: bool,
}

/// An answer, once all of it is there.
fn whole(answer: &[u8]) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(answer).map_err(io::Error::other)?;
    let (httparse::Status::Complete(begin), Some(status)) = (parsed, head.code) else { return Ok(None) };
    let header = |name: &str| head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let length =
        header("content-length").and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let length: usize = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
    let closes = header("connection").is_some_and(|header| header.value.eq_ignore_ascii_case(b"close"));
    Ok((answer.len() >= begin + length).then_some(Answer { status, body: begin, closes }))
}

/// A POST to the callback endpoint.
pub(crate) fn callback(address: SocketAddr, secret: &str, body: &str) -> Vec<u8> {
    let path = robot_callback_core::CALLBACK_PATH;
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nx-callback-secret: {secret}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
