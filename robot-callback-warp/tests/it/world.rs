//! A small world: a store with one job, the routes on it, and a server on a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    CALLBACK_PATH, CallbackEndpoint, Clock, EndpointOptions, ItemId, JobId, LogEmitter, MemoryStore, NewJob,
    OperatorStore, Secrets, SigningKey, SystemClock, seconds,
};
use robot_callback_warp::serve::{self, Limits, Options};
use robot_callback_warp::{Operator, routes};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::client::request;
use crate::stores::Moody;

pub(crate) const WORKSPACE: &str = "b7c1d2e3-0000-4000-8000-000000000001";

/// Callbacks may be signed with it.
pub(crate) const KEY: &str = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5LTEyMzQ1Njc4OTA=";

pub(crate) struct World {
    pub(crate) store: Arc<Moody>,
    pub(crate) job: JobId,
    /// An open item.
    pub(crate) item: ItemId,
    /// An open item whose reports wait in the store.
    pub(crate) waiting: ItemId,
    pub(crate) routes: BoxedFilter<(Response,)>,
}

/// Short where a test waits for them to pass, long elsewhere.
pub(crate) fn options() -> EndpointOptions {
    EndpointOptions { body_deadline: Duration::from_secs(60), ..EndpointOptions::default() }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: EndpointOptions) -> Self {
        let memory = Arc::new(MemoryStore::new());
        let body = format!(r##"{{"workspaceId":"{WORKSPACE}","orders":[{{"name":"#1"}},{{"name":"#2"}}]}}"##);
        let job = NewJob::from_json(body.as_bytes(), None).unwrap();
        let (id, item, waiting) = (job.id, job.items[0].id, job.items[1].id);
        memory.create_job(job).await.unwrap();
        let store = Moody::new(memory.clone(), waiting);
        let endpoint = CallbackEndpoint::with_options(
            store.clone(),
            Arc::new(LogEmitter),
            Secrets::new(["right"]).signed_with([SigningKey::parse(KEY).unwrap()], Duration::from_secs(300)),
            options,
        );
        let routes = routes(endpoint, Operator::new(memory, Secrets::new(["token"])));
        Self { store, job: id, item, waiting, routes }
    }

    pub(crate) async fn status_of(&self, item: ItemId) -> String {
        let view = self.store.inner.job(self.job).await.unwrap().unwrap();
        let found = view.items.iter().find(|view| view.item.id == item).unwrap();
        found.item.status.name().to_owned()
    }

    pub(crate) fn serve(&self, limits: Limits) -> Server {
        self.serve_with(Options::from(limits))
    }

    pub(crate) fn serve_with(&self, options: Options) -> Server {
        Server::start(self.routes.clone(), options)
    }
}

/// A server that runs until it is told to stop.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<usize>,
}

impl Server {
    pub(crate) fn start(routes: BoxedFilter<(Response,)>, options: Options) -> Self {
        let listener = serve::listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(serve::run(listener, routes, async { drop(stopped.await) }, options));
        Self { address, stop, running }
    }

    /// Tells it to stop; the handle ends when it has, with how many requests it cut off.
    pub(crate) fn stop(self) -> JoinHandle<usize> {
        drop(self.stop);
        self.running
    }
}

pub(crate) fn success(item: impl std::fmt::Display) -> String {
    format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"73150001234"}}"#)
}

/// A callback that is right in every way.
pub(crate) fn callback(item: ItemId) -> Vec<u8> {
    let headers: [(&str, &[u8]); 2] =
        [("x-callback-secret", b"right"), ("content-type", b"application/json")];
    request("POST", CALLBACK_PATH, &headers, success(item).as_bytes())
}

/// The head of a callback that looks signed, so that its body is waited for.
pub(crate) fn looks_signed(more: &[(&str, &[u8])]) -> Vec<u8> {
    let (now, signature) = (seconds(SystemClock.now()), format!("v1,{}=", "A".repeat(43)));
    let headers: &[(&str, &[u8])] = &[
        ("webhook-id", b"msg_1"),
        ("webhook-timestamp", now.as_bytes()),
        ("webhook-signature", signature.as_bytes()),
        ("content-length", b"1000"),
    ];
    request("POST", CALLBACK_PATH, &[headers, more].concat(), b"")
}
