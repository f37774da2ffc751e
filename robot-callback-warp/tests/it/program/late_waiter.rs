//! A completion comes again for whoever began to wait too late: from any of the servers, and across a restart.

use robot_callback_core::inngest_loopback::InngestLoopback;

use super::observing::series;
use super::*;

impl Running {
    async fn acknowledge(&self, job: &str, folder: &Path) -> serde_json::Value {
        let token = std::fs::read_to_string(folder.join(".robot-callback/operator-token")).unwrap();
        let token = format!("Bearer {}", token.trim());
        let path = format!("/api/jobs/{job}/completion/acknowledge");
        self.ask("POST", &path, &[("authorization", token.as_bytes())], "").await
    }
}

/// Makes a job of one order and reports its item.
async fn complete(server: &Running, folder: &Path) -> String {
    std::fs::write(folder.join("orders.json"), orders(&["#1001"])).unwrap();
    let made = output(folder, &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let secret = std::fs::read_to_string(folder.join(".robot-callback/secret")).unwrap();
    let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.trim().as_bytes())];
    let item = job["items"][0]["itemId"].as_str().unwrap();
    server.ask("POST", "/api/webhooks/robot-callback", headers, &success(item)).await;
    job["jobId"].as_str().unwrap().to_owned()
}

/// Waits until the completion has arrived so often; each time it is the same event.
async fn completions(inngest: &InngestLoopback, expected: usize) {
    let mut requests = 0;
    let arriving = async {
        loop {
            let events = inngest.events();
            let arrived: Vec<_> = events.iter().filter(|event| event.is_completion()).collect();
            assert!(arrived.windows(2).all(|two| two[0].id == two[1].id), "the same event each time");
            assert!(arrived.len() <= expected, "it arrives no more often than the schedule says");
            if arrived.len() == expected {
                return;
            }
            requests = inngest.requests().len().max(requests + 1);
            inngest.wait_for_requests(requests).await;
        }
    };
    tokio::time::timeout(PATIENCE, arriving).await.expect("it arrives");
}

#[tokio::test]
async fn a_completion_comes_again_from_any_server_until_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let inngest = InngestLoopback::start().await.unwrap();
    let url = inngest.base_url();
    // The last wait is longer than any test: whoever stops it must be the acknowledgement. The second one is longer than it
    // takes to stop the first server, so that the other one sends it.
    let args = ["--inngest-dev", url.as_str(), "--repeat-completions", "5,15,3600"];
    let first = Running::start(folder.path(), &args).await;
    let (second, admin) = Running::with_admin(folder.path(), &args).await;
    let job = complete(&first, folder.path()).await;
    completions(&inngest, 1).await;
    assert_eq!(first.terminate("-TERM").await.0, Some(0));
    completions(&inngest, 3).await;
    let done = second.acknowledge(&job, folder.path()).await;
    assert_eq!(done["effect"], serde_json::json!({"acknowledged": {"run": 1}}));
    let counted = async { while series(admin).await["robot_callback_relay_repeats_total"] < 1.0 {} };
    tokio::time::timeout(PATIENCE, counted).await.expect("what it sent again is counted");
    let waiting = output(folder.path(), &["outbox"]).await;
    assert_eq!(text(&waiting.stdout), "0 events wait; 0 are dead letters\n");
    assert_eq!(second.terminate("-TERM").await.0, Some(0));
}
