//! What an operator sees of a running server: its metrics, its readiness, its log.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use robot_callback_core::CALLBACK_PATH;

use super::*;
use crate::client::Answer;

impl Running {
    /// One with an admin listener on a free port, and where that is.
    pub(super) async fn with_admin(folder: &Path, args: &[&str]) -> (Self, SocketAddr) {
        let args = [&["--admin-bind", "127.0.0.1:0"], args].concat();
        let mut server = Self::start(folder, &args).await;
        let mut line = String::new();
        while !line.starts_with("  admin ") {
            line.clear();
            let read = tokio::time::timeout(PATIENCE, server.out.read_line(&mut line));
            assert!(read.await.expect("it says where").unwrap() > 0, "it says where the admin listener is");
        }
        let address = line.split_once("http://").unwrap().1.split_once('/').unwrap().0.parse().unwrap();
        (server, address)
    }

    async fn told(&self, folder: &Path, body: &str) -> u16 {
        let secret = std::fs::read_to_string(folder.join(".robot-callback/secret")).unwrap();
        let mut caller = Caller::connect(self.address()).await;
        let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.trim().as_bytes())];
        caller.send(request("POST", CALLBACK_PATH, headers, body.as_bytes())).await;
        caller.answer().await.status
    }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    let mut caller = Caller::connect(address).await;
    caller.send(request("GET", path, &[], b"")).await;
    caller.answer().await
}

/// The series that a server shows, each with its value.
pub(super) async fn series(admin: SocketAddr) -> BTreeMap<String, f64> {
    let told = get(admin, "/metrics").await;
    assert_eq!(told.status, 200);
    assert!(told.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let lines = told.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect()
}

/// The names of the metrics that a server shows.
async fn names(admin: SocketAddr) -> BTreeSet<String> {
    let told = get(admin, "/metrics").await.body;
    let types = told.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn what_happens_is_counted_by_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.json"), orders(&["#1001"])).unwrap();
    let (server, admin) = Running::with_admin(folder.path(), &[]).await;
    let before = series(admin).await;
    let zero = r#"robot_callback_callbacks_total{outcome="success",verdict="applied"}"#;
    assert_eq!(before[zero], 0.0, "a counter is there before its first event");

    let made = output(folder.path(), &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let report = success(job["items"][0]["itemId"].as_str().unwrap());
    assert_eq!(server.told(folder.path(), &report).await, 200);
    assert_eq!(server.told(folder.path(), &report).await, 200);
    assert_eq!(server.told(folder.path(), "{}").await, 400);
    let contradiction = report.replace("73150001234", "73150009999");
    assert_eq!(server.told(folder.path(), &contradiction).await, 200, "it is kept");
    let mut stranger = Caller::connect(server.address()).await;
    stranger.send(request("POST", CALLBACK_PATH, &[], b"{}")).await;
    assert_eq!(stranger.answer().await.status, 401);

    // The relay works beside the callbacks.
    let delivered = r#"robot_callback_relay_attempts_total{outcome="delivered"}"#;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut after = series(admin).await;
    while after[delivered] < 2.0 || after["robot_callback_outbox_pending"] > 0.0 {
        assert!(tokio::time::Instant::now() < deadline, "both events are delivered: {after:?}");
        after = series(admin).await;
    }
    for (name, value) in [
        (r#"robot_callback_callbacks_total{outcome="success",verdict="applied"}"#, 1.0),
        (r#"robot_callback_callbacks_total{outcome="success",verdict="duplicate"}"#, 1.0),
        (r#"robot_callback_callbacks_total{outcome="success",verdict="conflict"}"#, 1.0),
        (r#"robot_callback_callbacks_refused_total{reason="invalid"}"#, 1.0),
        (r#"robot_callback_callbacks_refused_total{reason="unauthorized"}"#, 1.0),
        (r#"robot_callback_http_requests_total{route="callback",status="200"}"#, 3.0),
        (r#"robot_callback_http_requests_total{route="callback",status="400"}"#, 1.0),
        (r#"robot_callback_http_request_seconds_count{route="callback"}"#, 5.0),
        ("robot_callback_handle_seconds_count", 4.0),
        ("robot_callback_apply_seconds_count", 3.0),
        ("robot_callback_outbox_oldest_seconds", 0.0),
        ("robot_callback_dead_letters", 0.0),
        ("robot_callback_jobs_past_deadline", 0.0),
        ("robot_callback_kept_reports_open", 1.0),
        ("robot_callback_store_up", 1.0),
        (concat!(r#"robot_callback_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
    ] {
        assert_eq!(after.get(name), Some(&value), "{name}");
    }
    assert!(after[r#"robot_callback_group_size_count{store="sqlite"}"#] >= 2.0, "commits are measured");
    assert!(after["robot_callback_connections_open"] >= 1.0, "the one that asks is open");
    let known: BTreeSet<&String> = before.keys().collect();
    let new: Vec<&String> = after.keys().filter(|series| !known.contains(series)).collect();
    assert!(new.is_empty(), "no series appears later: their number is known from the start: {new:?}");
    server.terminate("-TERM").await;
}

#[tokio::test]
async fn a_server_shows_what_the_documentation_lists_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Running::with_admin(folder.path(), &["--database-url", "memory:"]).await;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `robot_callback_"));
    let listed: BTreeSet<String> =
        rows.map(|row| format!("robot_callback_{}", row.split_once('`').unwrap().0)).collect();
    assert_eq!(names(admin).await, listed);
    server.terminate("-TERM").await;
}

#[tokio::test]
async fn the_admin_listener_is_for_looking_and_the_public_one_shows_no_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Running::with_admin(folder.path(), &["--database-url", "memory:"]).await;
    let ready = get(admin, "/readyz").await;
    let well = serde_json::json!({"ok": true});
    let checks = serde_json::json!({"database": well, "migrations": well, "draining": well});
    assert_eq!((ready.status, ready.json()), (200, serde_json::json!({"status": "ready", "checks": checks})));
    assert_eq!(get(admin, "/healthz").await.status, 200);
    assert_eq!(get(admin, CALLBACK_PATH).await.status, 404, "no callback comes in there");
    let mut caller = Caller::connect(admin).await;
    caller.send(request("DELETE", "/metrics", &[], b"")).await;
    let refused = caller.answer().await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(get(server.address(), "/metrics").await.status, 404, "whoever reports sees no metrics");
    server.terminate("-TERM").await;
}

#[tokio::test]
async fn a_request_is_named_in_its_answer_and_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--database-url", "memory:", "--log-format", "json"];
    let mut server = Running::start(folder.path(), &args).await;
    for (given, kept) in [(&b"order-17.b:3"[..], true), (b"two words", false), (&[b'x'; 129], false)] {
        let mut caller = Caller::connect(server.address()).await;
        caller.send(request("POST", "/no/such/path?token=hunter2", &[("x-request-id", given)], b"")).await;
        let answer = caller.answer().await;
        let id = answer.header("x-request-id").expect("every answer names its request");
        assert_eq!(id.as_bytes() == given, kept, "{id}");
        let line = server.log_line("answered").await;
        assert!(!line.contains("hunter2") && !line.contains("/no/such"), "no path is logged: {line}");
        let line: serde_json::Value = serde_json::from_str(&line).expect("each line is one object");
        assert_eq!((&line["status"], &line["level"]), (&404.into(), &"INFO".into()), "{line}");
        let span = &line["span"];
        assert_eq!((&span["request.id"], &span["route"]), (&id.into(), &"other".into()), "{line}");
    }
    server.terminate("-TERM").await;
}

#[tokio::test]
async fn it_turns_unready_first_and_goes_on_serving_for_the_delay() {
    let folder = tempfile::tempdir().unwrap();
    let (server, admin) = Running::with_admin(folder.path(), &["--drain-delay-secs", "3600"]).await;
    assert_eq!(get(server.address(), "/readyz").await.status, 200);
    server.signal("-TERM").await;
    until_unready(server.address()).await;
    let ready = get(admin, "/readyz").await;
    assert_eq!(ready.status, 503);
    let draining = &ready.json()["checks"]["draining"];
    assert_eq!(draining["reason"], "the server is about to stop", "it says why");
    assert_eq!(get(admin, "/healthz").await.status, 200, "it is not to be killed for it");
    assert_eq!(series(admin).await["robot_callback_draining"], 1.0);
    assert_eq!(server.told(folder.path(), "{}").await, 400, "callbacks are still taken");
    assert_eq!(server.terminate("-TERM").await.0, Some(1), "a second signal cuts the delay short");
}

#[tokio::test]
async fn after_the_delay_it_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &["--drain-delay-secs", "10"]).await;
    server.signal("-TERM").await;
    until_unready(server.address()).await;
    let ended = tokio::time::timeout(PATIENCE, server.child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn a_taken_admin_address_is_said_and_nothing_is_served_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = output(folder.path(), &["--admin-bind", &address, "--port", "0"]).await;
    let errors = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&format!("listening on {address} (ADMIN_BIND)")), "{errors}");
}

async fn until_unready(address: SocketAddr) {
    let unready = async {
        while get(address, "/readyz").await.status != 503 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, unready).await.expect("it turns unready");
}
