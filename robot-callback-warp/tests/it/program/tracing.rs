//! One trace, from the robot's request through the server's log to the event.

use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_core::{CALLBACK_PATH, ItemId, Report, Traceparent};
use robot_coordinadora_client::{Client, ClientOptions, Destination};

use super::*;

const TRACE: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Makes a job of two orders, and says where to report on its items.
async fn job(server: &Running, folder: &Path) -> (Destination, [ItemId; 2]) {
    std::fs::write(folder.join("orders.json"), orders(&["#1001", "#1002"])).unwrap();
    let made = output(folder, &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let item = |n: usize| job["items"][n]["itemId"].as_str().unwrap().parse().unwrap();
    let secret = std::fs::read_to_string(folder.join(".robot-callback/secret")).unwrap();
    let url = format!("http://{}{CALLBACK_PATH}", server.address());
    (Destination::new(&url, secret.trim()).unwrap(), [item(0), item(1)])
}

#[tokio::test]
async fn a_trace_goes_from_the_robots_request_through_the_log_to_the_event() {
    let folder = tempfile::tempdir().unwrap();
    let inngest = InngestLoopback::start().await.unwrap();
    let inngest_url = inngest.base_url();
    // Each event once: what is counted here are traces.
    let once = "--repeat-completions=off";
    let log = "--log=info,robot_callback_warp=debug";
    let args = ["--inngest-dev", inngest_url.as_str(), "--log-format", "json", once, log];
    let mut server = Running::start(folder.path(), &args).await;
    let (shop, [first, second]) = job(&server, folder.path()).await;
    let client = Client::new(ClientOptions::default()).unwrap();

    let trace = Traceparent::parse(TRACE).unwrap();
    let report = Report::success(first, "73150001234");
    let delivered = trace.scope(client.report_result(&shop, &report)).await.unwrap();
    let verdict = delivered.verdict.unwrap().name();
    let line = server.log_line("\"message\":\"callback\"").await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let span = &line["span"];
    assert_eq!(span["trace_id"], trace.trace_id(), "the log names the robot's trace: {line}");
    assert!(span["request.id"].is_string(), "and its request: {line}");
    assert_eq!((&line["level"], &line["verdict"]), (&"INFO".into(), &verdict.into()), "{line}");
    assert_eq!(line["item.id"], first.to_string(), "and what it was about: {line}");
    assert!(line["job.id"].is_string(), "{line}");

    let line = server.log_line("\"message\":\"answered\"").await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let span = &line["span"];
    assert_eq!(
        (&line["level"], &line["status"]),
        (&"DEBUG".into(), &200.into()),
        "one line is enough: {line}"
    );
    assert!(line["duration_ms"].is_u64(), "{line}");
    assert_eq!((&span["item.id"], &span["verdict"]), (&first.to_string().into(), &verdict.into()), "{line}");
    assert!(span["job.id"].is_string(), "{line}");

    client.report_result(&shop, &Report::success(second, "73150001235")).await.unwrap();
    tokio::time::timeout(PATIENCE, inngest.wait_for(3)).await.expect("every event arrives");
    let own = Traceparent::of_report(&Report::success(second, "73150001235"));
    let expected = [trace.to_string(), own.to_string(), own.to_string()];
    let mut carried: Vec<_> = inngest.events().into_iter().filter_map(|event| event.traceparent).collect();
    carried.sort_unstable();
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    assert_eq!(carried, sorted, "each event is of its report's trace; a robot without one has the item's");
    server.terminate("-TERM").await;
}
