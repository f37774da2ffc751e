//! A caller that writes HTTP by hand, so that it can write it badly.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here takes; only a hang meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// One connection, whatever carries it.
pub(crate) struct Caller(Box<dyn Wire>);

pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

impl Caller {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.expect("the server takes connections"))
    }

    pub(crate) fn over(wire: impl Wire + 'static) -> Self {
        Self(Box::new(wire))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.expect("the server reads");
    }

    /// Sends what the server may be unwilling to read.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Will send nothing more.
    pub(crate) async fn finish(&mut self) {
        self.0.shutdown().await.expect("the connection is there");
    }

    /// One answer; the connection may serve on.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.read_answer(true).await
    }

    /// The answer to a HEAD: the body it announces does not come.
    pub(crate) async fn head(&mut self) -> Answer {
        self.read_answer(false).await
    }

    async fn read_answer(&mut self, has_body: bool) -> Answer {
        let reading = async {
            let mut bytes = Vec::new();
            let head = loop {
                if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                    break end + 4;
                }
                let read = self.0.read_buf(&mut bytes).await.expect("an answer, not a reset");
                assert!(read > 0, "an answer, not the end: {}", String::from_utf8_lossy(&bytes));
            };
            let mut body = bytes.split_off(head);
            let head = String::from_utf8(bytes).unwrap();
            let status = head[9..12].parse().unwrap();
            let mut answer = Answer { status, head, body: String::new() };
            let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            while has_body && body.len() < length {
                let read = self.0.read_buf(&mut body).await.expect("the whole answer");
                assert!(read > 0, "the whole answer");
            }
            answer.body = String::from_utf8(body).unwrap();
            answer
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer comes")
    }

    /// Resolves when the server has closed the connection; says what it still sent.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let closing = self.0.read_to_end(&mut rest);
        // A reset is an end as well.
        let _ = tokio::time::timeout(PATIENCE, closing).await.expect("the server closes the connection");
        rest
    }
}

/// A request with a body of that length, ready to send.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "content-length" || *name == "transfer-encoding") {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
