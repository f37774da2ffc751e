//! The operator's door, route by route.

use std::sync::Arc;

use robot_callback_core::{CallbackEndpoint, LogEmitter, MemoryStore, Secrets};
use robot_callback_warp::serve::Limits;
use robot_callback_warp::{Operator, routes};
use warp::filters::BoxedFilter;
use warp::http::Response as HttpResponse;
use warp::reply::Response;
use warp::test::RequestBuilder;

use crate::client::{Caller, request};
use crate::stores::Down;
use crate::world::{WORKSPACE, World};

type Routes = BoxedFilter<(Response,)>;
type Reply = HttpResponse<bytes::Bytes>;

fn fresh() -> Routes {
    let store = Arc::new(MemoryStore::new());
    let endpoint = CallbackEndpoint::new(store.clone(), Arc::new(LogEmitter), Secrets::default());
    routes(endpoint, Operator::new(store, Secrets::new(["token"])))
}

fn down() -> Routes {
    let store = Arc::new(Down::default());
    let endpoint = CallbackEndpoint::new(store.clone(), Arc::new(LogEmitter), Secrets::default());
    routes(endpoint, Operator::new(store, Secrets::new(["token"])))
}

fn body(orders: &str) -> String {
    format!(r#"{{"workspaceId":"{WORKSPACE}","orders":{orders}}}"#)
}

fn post() -> RequestBuilder {
    warp::test::request().method("POST").path("/api/jobs").header("authorization", "Bearer token")
}

fn get(path: &str) -> RequestBuilder {
    warp::test::request().method("GET").path(path).header("authorization", "bearer token")
}

fn json(reply: &Reply) -> serde_json::Value {
    serde_json::from_slice(reply.body()).unwrap_or_else(|error| panic!("{error}: {:?}", reply.body()))
}

#[track_caller]
fn is_problem(reply: &Reply, status: u16, error: &str) {
    assert_eq!(reply.status().as_u16(), status, "{:?}", reply.body());
    assert_eq!(reply.headers()["content-type"], "application/problem+json");
    let problem = json(reply);
    assert_eq!(problem["error"], error);
    assert!(!problem.to_string().contains("db.internal"), "causes stay in the log");
}

#[tokio::test]
async fn a_job_is_made_once_under_its_key_and_can_be_read() {
    let routes = fresh();
    let ask = |orders: &str| post().header("idempotency-key", "k1").body(body(orders));
    let made = ask(r##"[{"name":"#1"},{"name":"#2"}]"##).reply(&routes).await;
    assert_eq!(made.status(), 201);
    let job = json(&made);
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(place, format!("/api/jobs/{}", job["jobId"].as_str().unwrap()));
    assert_eq!((&job["status"], job["items"].as_array().unwrap().len()), (&"pending".into(), 2));
    assert_eq!(job["items"][1]["order"]["name"], "#2", "items stand in the order they were given");

    let again = ask(r##"[ {"name":"#1"}, {"name":"#2"} ]"##).reply(&routes).await;
    assert_eq!((again.status().as_u16(), json(&again)), (200, job.clone()), "the same job, not a second one");
    let reused = ask(r##"[{"name":"#3"}]"##).reply(&routes).await;
    is_problem(&reused, 422, "Idempotency key used for another request");

    let shown = get(&place).reply(&routes).await;
    assert_eq!((shown.status().as_u16(), json(&shown)), (200, job));
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_400_with_the_field_and_the_rule() {
    let routes = fresh();
    is_problem(&post().body(body("[]")).reply(&routes).await, 400, "orders must hold at least one order");
    let unknown = post().body(body(r#"[{"nmae":"x"}]"#)).reply(&routes).await;
    assert!(json(&unknown)["error"].as_str().unwrap().starts_with("orders[0]"), "{:?}", unknown.body());
    let foreign = r#"[{"orderId":"00000000-0000-4000-8000-000000000009"}]"#;
    let foreign = post().body(body(foreign)).reply(&routes).await;
    is_problem(&foreign, 400, "orders[0].orderId must name an order of this workspace");
    let long =
        format!(r#"{{"workspaceId":"{WORKSPACE}","idempotencyKey":"{}","orders":[{{}}]}}"#, "k".repeat(256));
    let long = post().header("idempotency-key", "k1").body(long).reply(&routes).await;
    is_problem(&long, 400, "idempotencyKey must be 1 to 255 characters long");
    let key = post().header("idempotency-key", &b"\xff"[..]).body(body(r#"[{"name":"x"}]"#));
    is_problem(&key.reply(&routes).await, 400, "idempotency-key must be printable ASCII text");
}

/// A store may have no place for it, and PostgreSQL has none.
#[tokio::test]
async fn a_text_with_the_character_zero_is_refused_whatever_the_store() {
    let routes = fresh();
    for (field, orders) in [
        ("orders[0].name", r#"[{"name":"a\u0000"}]"#),
        ("orders[1].description", r#"[{},{"description":"\u0000"}]"#),
        ("orders[0].shippingAddress", r#"[{"shippingAddress":"a\u0000b"}]"#),
        ("orders[0].shippingCity", r#"[{"shippingCity":"a\u0000b"}]"#),
        ("orders[0].shippingDepartment", r#"[{"shippingDepartment":"a\u0000b"}]"#),
        ("orders[0].contact.name", r#"[{"contact":{"name":"\u0000","phone":"1"}}]"#),
        ("orders[0].contact.phone", r#"[{"contact":{"name":"Ana","phone":"\u0000"}}]"#),
        ("orders[0].contact.email", r#"[{"contact":{"name":"Ana","phone":"1","email":"\u0000"}}]"#),
        ("idempotencyKey", r#"[{}],"idempotencyKey":"a\u0000b""#),
    ] {
        let reply = post().body(body(orders)).reply(&routes).await;
        is_problem(&reply, 400, &format!("{field} must not contain the character U+0000"));
    }
    let drop = warp::test::request().method("POST").path("/api/dead-letters/1/drop");
    let drop = drop.header("authorization", "Bearer token").body(r#"{"reason":"a\u0000"}"#);
    is_problem(&drop.reply(&routes).await, 400, "reason must not contain the character U+0000");
}

#[tokio::test]
async fn an_array_is_no_object_wherever_it_stands() {
    let routes = fresh();
    for (method, path, body) in [
        ("POST", "/api/jobs", format!(r#"["{WORKSPACE}","create_shipment",null,null,null,[{{}}]]"#)),
        ("POST", "/api/jobs", body(r##"[[null,"#1",null,null,null,null,null,null]]"##)),
        ("POST", "/api/jobs", body(r#"[{"contact":[null,"Ana","+57",null]}]"#)),
        (
            "POST",
            "/api/jobs",
            format!(r#"{{"workspaceId":"{WORKSPACE}","orders":[{{}}],"allowance":[1,2]}}"#),
        ),
        ("PUT", "/api/jobs/00000000-0000-4000-8000-000000000001/deadline", "[null,null]".to_owned()),
        ("POST", "/api/kept-reports/1/dismiss", "[]".to_owned()),
        ("POST", "/api/dead-letters/redrive", "[null,true]".to_owned()),
    ] {
        let ask = warp::test::request().method(method).path(path).header("authorization", "Bearer token");
        let reply = ask.body(&body).reply(&routes).await;
        assert_eq!(reply.status(), 400, "{path} {body}: {:?}", reply.body());
        let error = json(&reply)["error"].as_str().unwrap().to_owned();
        assert!(error.contains("invalid type: sequence, expected an object"), "{body}: {error}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_the_token() {
    let routes = fresh();
    for wrong in ["", "Bearer", "Bearer ", "Bearer wrong", "Basic token", "token"] {
        for (method, path) in [("POST", "/api/jobs"), ("GET", "/api/jobs/x")] {
            let ask = warp::test::request().method(method).path(path).header("authorization", wrong);
            let reply = ask.body("{").reply(&routes).await;
            is_problem(&reply, 401, "Unauthorized");
            assert!(reply.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        }
    }
    let open = Operator::new(Arc::new(MemoryStore::new()), Secrets::default());
    let routes = robot_callback_warp::operator(open);
    let empty = warp::test::request().path("/api/jobs/x").header("authorization", "Bearer ");
    is_problem(&empty.reply(&routes).await, 401, "Unauthorized");
}

#[tokio::test]
async fn a_job_that_is_not_there_is_404() {
    let routes = fresh();
    for path in ["/api/jobs/00000000-0000-4000-8000-000000000404", "/api/jobs/no-uuid"] {
        is_problem(&get(path).reply(&routes).await, 404, "Job not found");
    }
}

#[tokio::test]
async fn wrong_methods_types_and_sizes_are_told_apart() {
    let routes = fresh();
    for (method, path, allowed) in [
        ("DELETE", "/api/jobs", "GET, HEAD, POST"),
        ("DELETE", "/api/jobs/x", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
    ] {
        let reply = warp::test::request().method(method).path(path).reply(&routes).await;
        is_problem(&reply, 405, "Method not allowed");
        assert_eq!(reply.headers()["allow"], allowed);
    }
    let text = post().header("content-type", "text/plain").body("x").reply(&routes).await;
    is_problem(&text, 415, "Content type is not JSON");
}

#[tokio::test]
async fn a_request_over_eight_mebibytes_is_413_while_it_is_still_being_sent() {
    let world = World::new().await;
    let server = world.serve(Limits::default());
    let mut sender = Caller::connect(server.address).await;
    let headers: [(&str, &[u8]); 2] = [("authorization", b"Bearer token"), ("content-length", b"8388609")];
    sender.send(request("POST", "/api/jobs", &headers, b"")).await;
    assert_eq!(sender.answer().await.status, 413);

    let mut chunked = Caller::connect(server.address).await;
    let headers: [(&str, &[u8]); 2] = [("authorization", b"Bearer token"), ("transfer-encoding", b"chunked")];
    chunked.send(request("POST", "/api/jobs", &headers, b"800001\r\n")).await;
    chunked.try_send(&vec![b' '; 8 * 1024 * 1024 + 1]).await;
    assert_eq!(chunked.answer().await.status, 413);
}

#[tokio::test]
async fn health_is_the_process_and_readiness_is_the_store() {
    for (routes, ready) in [(fresh(), 200), (down(), 503)] {
        let health = warp::test::request().path("/healthz").reply(&routes).await;
        assert_eq!((health.status().as_u16(), json(&health)["status"].as_str()), (200, Some("alive")));
        assert_eq!(warp::test::request().path("/readyz").reply(&routes).await.status(), ready);
    }
}

#[tokio::test]
async fn a_store_out_of_reach_is_503_with_a_time_to_come_back() {
    let routes = down();
    let job = "/api/jobs/00000000-0000-4000-8000-000000000001";
    for ask in [post().body(body(r#"[{"name":"x"}]"#)), get(job), get("/readyz")] {
        let reply = ask.reply(&routes).await;
        is_problem(&reply, 503, "Store not available");
        assert_eq!(reply.headers()["retry-after"], "2");
    }
}
