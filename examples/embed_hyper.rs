//! Callbacks in a server on bare hyper, with a relay that carries the events.
//!
//! `PORT=8080 cargo run --example embed_hyper`; the secret is in `ROBOT_CALLBACK_SECRET`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use robot_callback_core::{
    CALLBACK_PATH, CallbackEndpoint, LogEmitter, MemoryStore, Problem, Relay, Secrets,
};
use robot_callback_harness::embedding;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(MemoryStore::new());
    embedding::make_a_job(&*store).await?;

    let relay = Relay::new(store.clone(), Arc::new(LogEmitter));
    let secrets = Secrets::new(embedding::secret());
    let endpoint = CallbackEndpoint::new(store, Arc::new(relay.emitter()), secrets);
    tokio::spawn(relay.run(std::future::pending()));

    let listener = embedding::listen().await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let endpoint = endpoint.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let endpoint = endpoint.clone();
            async move {
                let response = match request.uri().path() {
                    CALLBACK_PATH => endpoint.respond(request).await,
                    _ => Problem::new(hyper::StatusCode::NOT_FOUND, "Not found").response(),
                };
                Ok::<_, Infallible>(response)
            }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(80));
        tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
    }
}
