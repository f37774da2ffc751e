//! A server that does as a script tells it, one step a request, and keeps every byte it gets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What to do with one request, once it is there as a whole.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Send these bytes, and keep the connection for the next request.
    Send(String),
    /// Send these bytes and hang up.
    HangUp(String),
}

/// Say nothing, and keep the connection.
pub(crate) fn hang() -> Step {
    Step::Send(String::new())
}

/// Hang up without a word.
pub(crate) fn hang_up() -> Step {
    Step::HangUp(String::new())
}

/// The answer of a callback endpoint that took the report.
pub(crate) const APPLIED: &str = r#"{"received":true,"verdict":"applied"}"#;

pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Step {
    let length = body.len();
    Step::Send(format!("HTTP/1.1 {status} Any\r\n{headers}content-length: {length}\r\n\r\n{body}"))
}

pub(crate) fn applied() -> Step {
    answer(200, "content-type: application/json\r\n", APPLIED)
}

pub(crate) fn problem(status: u16, error: &str) -> Step {
    let body = format!(r#"{{"type":"about:blank","status":{status},"error":"{error}"}}"#);
    answer(status, "content-type: application/problem+json\r\n", &body)
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Serves the steps in their order, the last of them for ever.
    pub(crate) async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    pub(crate) fn serve(listener: TcpListener, script: impl IntoIterator<Item = Step>) -> Self {
        Self::serve_with(listener, None, script)
    }

    /// Answers each request as it deserves.
    pub(crate) async fn answering(answer: impl Fn(&str) -> Step + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::with_script(listener, None, Arc::new(move |_, request| answer(request)))
    }

    /// Over TLS, when there is an acceptor for it.
    pub(crate) fn serve_with(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        script: impl IntoIterator<Item = Step>,
    ) -> Self {
        let steps: Vec<_> = script.into_iter().collect();
        Self::with_script(listener, tls, Arc::new(move |n, _| steps[n.min(steps.len() - 1)].clone()))
    }

    fn with_script(listener: TcpListener, tls: Option<TlsAcceptor>, steps: Steps) -> Self {
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let script = Script(steps, requests.clone());
        let connections = Arc::<AtomicUsize>::default();
        let accepted = connections.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(welcome(stream, tls.clone(), script.clone()));
            }
        });
        Self { address, requests, connections, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/webhooks/robot-callback", self.address)
    }

    /// The requests that have arrived as a whole, byte by byte.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The step for a request, by how many came before it and by what it says.
type Steps = Arc<dyn Fn(usize, &str) -> Step + Send + Sync>;

#[derive(Clone)]
struct Script(Steps, Arc<Mutex<Vec<String>>>);

impl Script {
    /// Keeps a request; gives the step for it.
    fn next(&self, request: String) -> Step {
        let mut requests = self.1.lock().unwrap();
        let step = (self.0)(requests.len(), &request);
        requests.push(request);
        step
    }
}

/// A client that does not like the certificate hangs up, and that is all.
async fn welcome(stream: TcpStream, tls: Option<TlsAcceptor>, script: Script) {
    let Some(tls) = tls else { return serve(stream, script).await };
    if let Ok(stream) = tls.accept(stream).await {
        serve(stream, script).await;
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: Script) {
    while let Some(request) = read_request(&mut stream).await {
        let step = script.next(request);
        let (Step::Send(bytes) | Step::HangUp(bytes)) = &step;
        if stream.write_all(bytes.as_bytes()).await.is_err() || matches!(step, Step::HangUp(_)) {
            return;
        }
    }
}

/// One request as a whole; `None` when the caller hangs up before.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
