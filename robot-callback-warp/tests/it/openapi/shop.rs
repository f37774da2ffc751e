//! A shop in which everything that the description's examples name is there: its job, its item, its kept report, its
//! dead letter.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{
    Actor, CallbackEndpoint, Claim, Command, Entry, ErrorType, ItemId, LogEmitter, NewJob, Operation,
    OperatorStore, Report, Rules, Secrets, Settlement, SqliteOptions, SqliteStore, Store,
};
use robot_callback_warp::{OPENAPI_PATH, Operator, openapi, routes};
use serde_json::{Value, json};
use warp::filters::BoxedFilter;
use warp::reply::Response;

pub(crate) const SECRET: &str = "right";
pub(crate) const TOKEN: &str = "token";

/// The description, as it is served.
pub(crate) async fn served() -> Value {
    let reply = warp::test::request().path(OPENAPI_PATH).reply(&openapi()).await;
    serde_json::from_slice(reply.body()).unwrap()
}

/// Each operation with its path and its method.
pub(crate) fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut all = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let operations = operations.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        all.extend(operations.map(|(method, operation)| (path.as_str(), method.as_str(), operation)));
    }
    all
}

pub(crate) struct Shop {
    pub(crate) store: Arc<SqliteStore>,
    /// Everything that was announced.
    pub(crate) events: Vec<Entry>,
}

impl Shop {
    /// Its data goes to that file. The first job has an item that failed, on which a success was reported later; one
    /// that succeeded; and one that is open, unless the job is to be `complete`. All events are dead letters, the last
    /// of them dropped.
    pub(crate) async fn open(file: &Path, document: &Value, complete: bool) -> Self {
        let options = SqliteOptions { rules: Rules { field_changes: true }, ..SqliteOptions::default() };
        let store = Arc::new(SqliteStore::open(file, options).unwrap());
        let mut shop = Self { store, events: Vec::new() };
        let items = shop.job("create_shipment", 3, Some(document)).await;
        shop.report(Report::error(items[0], ErrorType::Portal, "no")).await;
        shop.report(Report::success(items[0], "73150001111")).await;
        shop.report(Report::success(items[1], "73150001234")).await;
        if complete {
            shop.report(Report::error(items[2], ErrorType::Timeout, "no")).await;
        }
        let looked_up = shop.job("guide_lookup", 1, None).await;
        shop.report(Report::success(looked_up[0], "73150005678")).await;
        shop.refuse_all().await;
        shop
    }

    /// A job, by the names that the document gives its first one.
    async fn job(&self, job_type: &str, orders: usize, named: Option<&Value>) -> Vec<ItemId> {
        let order = json!({
            "name": "#1001", "totalValue": 89900.5, "shippingCity": "MEDELLIN",
            "contact": {"name": "Ana Restrepo", "phone": "+573001234567", "email": "ana@example.com"},
        });
        let body = json!({"workspaceId": crate::world::WORKSPACE, "jobType": job_type, "orders": vec![order; orders]});
        let mut job = NewJob::from_json(body.to_string().as_bytes(), None).unwrap();
        if let Some(document) = named {
            job.id = example(document, "JobId").parse().unwrap();
            job.items[0].id = example(document, "ItemId").parse().unwrap();
        }
        let items = job.items.iter().map(|item| item.id).collect();
        self.store.create_job(job).await.unwrap();
        items
    }

    async fn report(&self, report: Report) {
        self.store.apply(report).await.unwrap().unwrap();
    }

    async fn refuse_all(&mut self) {
        let lease = self.store.claim(Claim { limit: 100, lease: Duration::from_secs(60) }).await.unwrap();
        let dead = |entry: &Entry| (entry.id, Settlement::Dead { reason: "400: no".to_owned() });
        self.store.settle(lease.token, lease.entries.iter().map(dead).collect()).await.unwrap();
        let entry_id = lease.entries.last().unwrap().id;
        let drop = Operation::Drop { entry_id, reason: "of no use".to_owned() };
        self.store.operate(Command::new(drop, Actor::new("ana"))).await.unwrap().unwrap();
        self.events = lease.entries;
    }

    pub(crate) fn routes(&self) -> BoxedFilter<(Response,)> {
        let secrets = Secrets::new([SECRET]);
        let endpoint = CallbackEndpoint::new(self.store.clone(), Arc::new(LogEmitter), secrets);
        routes(endpoint, Operator::new(self.store.clone(), Secrets::new([TOKEN])))
    }
}

/// The first example of a component's schema.
fn example<'a>(document: &'a Value, schema: &str) -> &'a str {
    document["components"]["schemas"][schema]["examples"][0].as_str().unwrap()
}
