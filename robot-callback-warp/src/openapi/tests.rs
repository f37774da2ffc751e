//! The description tells of every route, and of nothing else. What the routes answer is held against it from outside.

use std::collections::BTreeSet;
use std::sync::Arc;

use robot_callback_core::{CALLBACK_PATH, CallbackEndpoint, LogEmitter, MemoryStore, Secrets};
use serde_json::Value;

use super::*;
use crate::operator::paths;
use crate::{Operator, routes};

fn document() -> Value {
    serde_json::from_str(&description()).unwrap()
}

fn all() -> BoxedFilter<(Response,)> {
    let store = Arc::new(MemoryStore::new());
    let endpoint = CallbackEndpoint::new(store.clone(), Arc::new(LogEmitter), Secrets::default());
    routes(endpoint, Operator::new(store, Secrets::default()))
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let mut routes = BTreeSet::from([CALLBACK_PATH, "/healthz", "/readyz", OPENAPI_PATH]);
    routes.extend(paths());
    let document = document();
    let described = document["paths"].as_object().unwrap().keys().map(String::as_str);
    assert_eq!(described.collect::<BTreeSet<_>>(), routes);
}

#[tokio::test]
async fn every_path_has_the_methods_that_are_described_and_no_others() {
    let (routes, document) = (all(), document());
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys().filter(|key| *key != "parameters");
        let mut described: BTreeSet<String> = methods.map(|method| method.to_uppercase()).collect();
        if described.contains("GET") {
            described.insert("HEAD".into());
        }
        let asked = warp::test::request().method("BREW").path(&path.replace(['{', '}'], ""));
        let reply = asked.reply(&routes).await;
        assert_eq!(reply.status(), 405, "{path} is served");
        let allowed = reply.headers()["allow"].to_str().unwrap().split(", ").map(str::to_owned);
        assert_eq!(allowed.collect::<BTreeSet<_>>(), described, "{path}");
    }
}

#[tokio::test]
async fn it_is_served_to_everybody_with_the_version_of_the_server() {
    let reply = warp::test::request().path(OPENAPI_PATH).reply(&all()).await;
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let served: Value = serde_json::from_slice(reply.body()).unwrap();
    assert_eq!(served["openapi"], "3.1.1");
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
}
