//! HTTP without the work: a bare server, hyper's or warp's, that reads the body and says yes. And the requests that the
//! real server refuses, which should cost little more.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;
use warp::{Filter, Reply};

use crate::cost;
use crate::endpoint::Endpoint;
use crate::http::callback;
use crate::load::{self, Answers, Pace};
use crate::server::{self, AS_FLOOR, AS_WARP_FLOOR, Child, SECRET};

const BODY: &str =
    r#"{"itemId":"6f9619ff-8b86-4d01-b42d-00c04fc964ff","status":"success","trackingNumber":"73150001234"}"#;

/// Which requests are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A wrong secret: 401.
    Unauthorized,
    /// A field that breaks its rule: 400.
    Invalid,
    /// A body that is too large, sent whole without asking first: 413.
    TooLarge,
}

const YES: &str = r#"{"received":true,"verdict":"applied"}"#;

/// A body that is over the limit.
const LARGE: usize = 20_000;

/// How many requests, over how many connections, how fast.
struct Load {
    count: usize,
    connections: usize,
    pace: Pace,
}

impl Load {
    /// What a rate is taken from.
    fn as_fast_as_it_goes(connections: usize) -> Self {
        Self { count: 200_000, connections, pace: Pace::Closed }
    }
}

/// Requests a second of the bare hyper server, and its processor time for each in microseconds.
///
/// # Errors
/// When it can't be started, or answers anything but yes.
pub async fn floor(connections: usize) -> io::Result<(f64, f64)> {
    bare(AS_FLOOR, BODY, Load::as_fast_as_it_goes(connections)).await
}

/// The processor time of the bare hyper server for each request, in microseconds, when only so many come a second: it is
/// asleep when most of them come, and has to be woken.
///
/// # Errors
/// As [`floor`].
pub async fn floor_at(rate: f64, connections: usize) -> io::Result<f64> {
    let (_, spent) =
        bare(AS_FLOOR, BODY, Load { count: 20_000, connections, pace: Pace::Open(rate) }).await?;
    Ok(spent)
}

/// The same of a bare warp server: what the framework costs that the real one is made with.
///
/// # Errors
/// As [`floor`].
pub async fn warp_floor(connections: usize) -> io::Result<(f64, f64)> {
    bare(AS_WARP_FLOOR, BODY, Load::as_fast_as_it_goes(connections)).await
}

/// The same with the request that the real server refuses as [too large](Refused::TooLarge), to the byte.
///
/// # Errors
/// As [`floor`].
pub async fn floor_of_large(connections: usize) -> io::Result<(f64, f64)> {
    bare(AS_FLOOR, &" ".repeat(LARGE), Load::as_fast_as_it_goes(connections)).await
}

async fn bare(server: &str, body: &str, load: Load) -> io::Result<(f64, f64)> {
    let address = server::free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(server).arg(address.to_string());
    let child = Child::start(command, address).await?;
    measure(&child, callback(address, SECRET, body), 200, load).await
}

/// Requests a second that the real server refuses, and its processor time for each in microseconds.
///
/// # Errors
/// When it can't be started, or answers otherwise.
pub async fn refused(refused: Refused, connections: usize, folder: &Path) -> io::Result<(f64, f64)> {
    let events = Endpoint::for_events(Duration::ZERO)?;
    let server = server::start(folder, "memory:", &events.base_url()).await?;
    let address = server.address;
    let (request, status) = match refused {
        Refused::Unauthorized => (callback(address, "a wrong one", BODY), 401),
        Refused::Invalid => (callback(address, SECRET, &BODY.replace("success", "succes")), 400),
        Refused::TooLarge => (callback(address, SECRET, &" ".repeat(LARGE)), 413),
    };
    measure(&server, request, status, Load::as_fast_as_it_goes(connections)).await
}

async fn measure(server: &Child, request: Vec<u8>, status: u16, load: Load) -> io::Result<(f64, f64)> {
    let Load { count, connections, pace } = load;
    let before = cost::processor_time(server.pid());
    let requests = Arc::new(move |_| request.clone());
    let answers = load::send(server.address, connections, pace, count, requests).await?;
    let Answers { elapsed, said, .. } = answers;
    if let Some(((other, body), _)) = said.iter().find(|((said, _), _)| *said != status) {
        return Err(io::Error::other(format!("answered {other} {body} instead of {status}")));
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of requests is far below 2^52")]
    let count = count as f64;
    let spent = (cost::processor_time(server.pid()) - before).as_secs_f64() * 1e6 / count;
    Ok((count / elapsed.as_secs_f64(), spent))
}

/// Is the bare hyper server, for as long as this process lives.
pub(crate) fn serve_floor(address: &str) -> ExitCode {
    serve(address, |stream| async {
        // A connection that breaks is its client's business.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(say_yes)).await;
    })
}

/// Is the bare warp server, for as long as this process lives.
pub(crate) fn serve_warp_floor(address: &str) -> ExitCode {
    let yes = warp::post().and(warp::body::bytes()).map(|_| YES.into_response()).boxed();
    serve(address, move |stream| {
        let yes = yes.clone();
        async move {
            let service = service_fn(|request: Request<Incoming>| warp::service(yes.clone()).call(request));
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    })
}

fn serve<S>(address: &str, connection: impl Fn(TcpStream) -> S) -> ExitCode
where
    S: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(accept(address, connection))) {
        Ok(never) => match never {},
        Err(_) => ExitCode::FAILURE,
    }
}

async fn accept<S>(address: &str, connection: impl Fn(TcpStream) -> S) -> io::Result<Infallible>
where
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream));
    }
}

async fn say_yes(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    Ok(Response::new(Full::from(YES)))
}
