//! Secrets of single workspaces, from a folder, as the program uses them.

use robot_callback_core::CALLBACK_PATH;

use super::*;

const OTHER: &str = "b7c1d2e3-0000-4000-8000-000000000002";

async fn report(server: &Running, secret: &str, item: &str) -> (u16, String) {
    let mut caller = Caller::connect(server.address()).await;
    let headers: &[(&str, &[u8])] = &[("x-callback-secret", secret.as_bytes())];
    caller.send(request("POST", CALLBACK_PATH, headers, success(item).as_bytes())).await;
    let answer = caller.answer().await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_workspaces_secret_reports_on_its_own_items_and_another_sees_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("workspaces");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join(WORKSPACE), "the secret of one").unwrap();
    std::fs::write(folder.path().join("orders.json"), orders(&["#1001"])).unwrap();
    let made = output(folder.path(), &["jobs", "create", "--file", "orders.json", "--json"]).await;
    let job: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let item = job["items"][0]["itemId"].as_str().unwrap();

    let mut server = Running::start(folder.path(), &["--workspace-secrets", "workspaces"]).await;
    assert!(!folder.path().join(".robot-callback/secret").exists(), "no secret for all was made");
    assert_eq!(report(&server, "the secret of the other", item).await.0, 401);
    std::fs::write(own.join(OTHER), "the secret of the other").unwrap();
    server.says("files of secrets have changed and were read again").await;

    let foreign = report(&server, "the secret of the other", item).await;
    let unknown = report(&server, "the secret of one", "0f0e0d0c-0b0a-4908-8706-050403020100").await;
    assert_eq!(foreign.0, 404);
    assert_eq!(foreign, unknown, "to the letter");
    let shown = output(folder.path(), &["jobs", "show", job["jobId"].as_str().unwrap()]).await;
    assert!(text(&shown.stdout).contains("1 open"), "nothing has changed: {}", text(&shown.stdout));
    assert_eq!(report(&server, "the secret of one", item).await.0, 200);

    std::fs::write(own.join(OTHER), "the secret of one").unwrap();
    server.says("the secrets stay as they were").await;
    assert_eq!(report(&server, "the secret of the other", item).await.0, 404, "one secret, one workspace");
    server.terminate("-TERM").await;
}
