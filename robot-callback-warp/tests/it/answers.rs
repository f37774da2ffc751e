//! The contract's table of answers, one list of cases, asked twice: through the filter and through a socket.

use std::collections::BTreeSet;
use std::time::Duration;

use robot_callback_core::{CALLBACK_PATH, EndpointOptions, ItemId};
use robot_callback_warp::serve::Limits;

use crate::client::{Answer, Caller, request};
use crate::stores::{FAULTY, PANICKING, SILENT, UNREACHABLE};
use crate::world::{World, success};

struct Case {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static [u8])>,
    body: String,
    status: u16,
    /// `error` of a problem, or the whole body of a success.
    says: &'static str,
    /// A header that must come along.
    header: Option<(&'static str, &'static str)>,
}

const RIGHT: &[(&str, &[u8])] = &[("x-callback-secret", b"right"), ("content-type", b"application/json")];

fn case(name: &'static str, body: impl Into<String>, status: u16, says: &'static str) -> Case {
    let body = body.into();
    Case {
        name,
        method: "POST",
        path: CALLBACK_PATH,
        headers: RIGHT.to_vec(),
        body,
        status,
        says,
        header: None,
    }
}

impl Case {
    fn with(mut self, name: &'static str, value: &'static [u8]) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn path(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    fn header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    #[track_caller]
    fn check(&self, answer: &Answer) {
        let name = self.name;
        assert_eq!(answer.status, self.status, "{name}: {answer:?}");
        if self.status == 200 {
            assert_eq!(answer.body, self.says, "{name}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
        } else if self.method != "HEAD" {
            let problem = answer.json();
            assert_eq!(problem["error"], self.says, "{name}");
            assert_eq!(problem["status"], self.status, "{name}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{name}");
        }
        if let Some((header, value)) = self.header {
            assert_eq!(answer.header(header), Some(value), "{name}: {header}");
        }
        assert!(!answer.body.contains("db.internal"), "{name}: causes stay in the log");
    }
}

/// In this order: the first one closes the item.
fn table(item: ItemId) -> Vec<Case> {
    let right = || success(item);
    let applied = r#"{"received":true,"verdict":"applied"}"#;
    let duplicate = r#"{"received":true,"verdict":"duplicate"}"#;
    let failed = format!(r#"{{"itemId":"{item}","status":"error"}}"#);
    let stranger = success("00000000-0000-4000-8000-000000000404");
    let mut cases = vec![
        case("the first report", right(), 200, applied),
        case("the same again", right(), 200, duplicate),
        case("without a content type", right(), 200, duplicate).without("content-type"),
        case("another type that is JSON", right(), 200, duplicate).with("content-type", b"text/x+json; a=b"),
        case("another outcome", failed, 200, r#"{"received":true,"verdict":"conflict"}"#),
        case("no JSON", "not json", 400, "the body must be one JSON object"),
        case("no body", "", 400, "the body must be one JSON object"),
        case("no item", r#"{"status":"error"}"#, 400, "itemId is required"),
        case("a wrong secret", right(), 401, "Unauthorized").with("x-callback-secret", b"wrong"),
        case("no secret", right(), 401, "Unauthorized").without("x-callback-secret"),
        case("a secret that is no text", right(), 401, "Unauthorized").with("x-callback-secret", b"\xff\xfe"),
        case("a wrong secret over nonsense", "{", 401, "Unauthorized").with("x-callback-secret", b"wrong"),
        case("an unknown item", stranger, 404, "Item not found"),
        case("a body over the limit", "x".repeat(16_385), 413, "Body too large"),
        case("a body far over the limit", "x".repeat(65_537), 413, "Body too large")
            .header("connection", "close"),
        case("another content type", right(), 415, "Content type is not JSON")
            .with("content-type", b"text/plain"),
        case("a store out of reach", success(UNREACHABLE), 503, "Store not available")
            .header("retry-after", "2"),
        case("a store that hangs", success(SILENT), 503, "Store not available").header("retry-after", "2"),
        case("a fault", success(FAULTY), 500, "Internal error"),
        case("a panic", success(PANICKING), 500, "Internal error"),
        case("an unknown path", right(), 404, "Not found").path("/nothing/here"),
        case("the root", "", 404, "Not found").path("/").method("GET"),
        case("a path too long", "", 404, "Not found").path("/api/webhooks/robot-callback/more"),
        case("an unknown method on an unknown path", "", 404, "Not found").path("/nothing").method("BREW"),
    ];
    cases.extend(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"].map(|method| {
        case("a wrong method", "", 405, "Method not allowed").method(method).header("allow", "POST")
    }));
    cases
}

/// The statuses of all its rows at the callback's own path.
pub(crate) fn statuses() -> BTreeSet<u16> {
    let rows = table(ItemId::random()).into_iter().filter(|case| case.path == CALLBACK_PATH);
    rows.map(|case| case.status).collect()
}

/// The deadlines are short so that the rows that wait for them pass.
fn short() -> EndpointOptions {
    EndpointOptions { store_deadline: Duration::from_millis(300), ..EndpointOptions::default() }
}

#[tokio::test]
async fn every_row_of_the_table_through_the_filter() {
    let world = World::with(short()).await;
    for case in table(world.item) {
        let mut asking = warp::test::request().method(case.method).path(case.path);
        for (name, value) in &case.headers {
            asking = asking.header(*name, *value);
        }
        let reply = asking.body(&case.body).reply(&world.routes).await;
        let mut head = String::from("HTTP/1.1 …\r\n");
        for (name, value) in reply.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        let body = String::from_utf8(reply.body().to_vec()).unwrap();
        case.check(&Answer { status: reply.status().as_u16(), head, body });
    }
}

#[tokio::test]
async fn every_row_of_the_table_through_a_socket() {
    let world = World::with(short()).await;
    let server = world.serve(Limits::default());
    for case in table(world.item) {
        let mut caller = Caller::connect(server.address).await;
        caller.send(request(case.method, case.path, &case.headers, case.body.as_bytes())).await;
        // What the answer to HEAD announces does not come.
        let answer = if case.method == "HEAD" { caller.head().await } else { caller.answer().await };
        case.check(&answer);
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn one_connection_serves_callback_after_callback() {
    let world = World::new().await;
    let server = world.serve(Limits::default());
    let mut caller = Caller::connect(server.address).await;
    for _ in 0..3 {
        caller.send(crate::world::callback(world.item)).await;
        assert_eq!(caller.answer().await.status, 200);
    }
    caller.send(request("POST", CALLBACK_PATH, RIGHT, b"not json")).await;
    assert_eq!(caller.answer().await.status, 400);
    caller.send(crate::world::callback(world.item)).await;
    assert_eq!(caller.answer().await.status, 200, "a refused payload costs no connection");
}

#[tokio::test]
async fn a_request_to_be_a_tunnel_is_answered_like_any_unknown_path() {
    let world = World::new().await;
    let server = world.serve(Limits::default());
    let mut caller = Caller::connect(server.address).await;
    caller.send("CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n").await;
    assert_eq!(caller.answer().await.status, 404);
    let mut caller = Caller::connect(server.address).await;
    caller.send("OPTIONS * HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert_eq!(caller.answer().await.status, 404);
}
