//! Callbacks in an axum server of one's own, with a relay that carries the events.
//!
//! `PORT=8080 cargo run --example embed_axum`; the secret is in `ROBOT_CALLBACK_SECRET`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, get};
use robot_callback_core::{CALLBACK_PATH, CallbackEndpoint, LogEmitter, MemoryStore, Relay, Secrets};
use robot_callback_harness::embedding;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(MemoryStore::new());
    embedding::make_a_job(&*store).await?;

    let relay = Relay::new(store.clone(), Arc::new(LogEmitter));
    let secrets = Secrets::new(embedding::secret());
    let endpoint = CallbackEndpoint::new(store, Arc::new(relay.emitter()), secrets);
    tokio::spawn(relay.run(std::future::pending()));
    let callback = any(|request: Request| async move { endpoint.respond(request).await });
    let app = Router::new().route(CALLBACK_PATH, callback).route("/hello", get(|| async { "hello" }));

    axum::serve(embedding::listen().await?, app).await?;
    Ok(())
}
