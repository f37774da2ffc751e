//! Callbacks in a warp server of one's own, with a relay that carries the events.
//!
//! `PORT=8080 cargo run --example embed_warp`; the secret is in `ROBOT_CALLBACK_SECRET`.

use std::sync::Arc;

use robot_callback_core::{CallbackEndpoint, LogEmitter, MemoryStore, Relay, Secrets};
use robot_callback_harness::embedding;
use robot_callback_warp::serve::{self, Limits};
use warp::{Filter, Reply};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(MemoryStore::new());
    embedding::make_a_job(&*store).await?;

    let relay = Relay::new(store.clone(), Arc::new(LogEmitter));
    let secrets = Secrets::new(embedding::secret());
    let endpoint = CallbackEndpoint::new(store, Arc::new(relay.emitter()), secrets);
    tokio::spawn(relay.run(std::future::pending()));
    let hello = warp::path!("hello").map(|| "hello".into_response());
    let routes = robot_callback_warp::callback(endpoint).or(hello).unify().boxed();

    serve::run(embedding::listen().await?, routes, std::future::pending(), Limits::default()).await;
    Ok(())
}
