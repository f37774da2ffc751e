//! How the server ends when it is told to stop, as a supervisor sees it.

use robot_callback_core::CALLBACK_PATH;

use super::*;

/// A callback whose body has no end yet, and is waited for.
async fn half_a_callback(server: &Running, folder: &Path) -> Caller {
    let secret = std::fs::read_to_string(folder.join(".robot-callback/secret")).unwrap();
    let headers: &[(&str, &[u8])] = &[
        ("x-callback-secret", secret.trim().as_bytes()),
        ("content-length", b"1000"),
        ("expect", b"100-continue"),
    ];
    let mut caller = Caller::connect(server.address()).await;
    caller.send(request("POST", CALLBACK_PATH, headers, b"")).await;
    assert_eq!(caller.answer().await.status, 100, "the body is asked for");
    caller
}

async fn code_after_stop(server: &mut Running) -> Option<i32> {
    server.signal("-TERM").await;
    let ended = tokio::time::timeout(PATIENCE, server.child.wait()).await.expect("it ends").unwrap();
    ended.code()
}

const SHORT: [&str; 6] =
    ["--database-url", "memory:", "--drain-deadline-secs", "1", "--body-deadline-secs", "3600"];

#[tokio::test]
async fn a_drain_that_cuts_requests_off_is_told_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &SHORT).await;
    let mut caller = half_a_callback(&server, folder.path()).await;
    assert_eq!(code_after_stop(&mut server).await, Some(3));
    server.says("requests in flight (1) did not end before the drain's deadline").await;
    assert!(caller.closed().await.is_empty(), "nobody is told that all went well");
}

#[tokio::test]
async fn connections_without_a_request_are_cut_off_and_are_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(folder.path(), &SHORT).await;
    let mut idle = Caller::connect(server.address()).await;
    idle.send(request("GET", "/healthz", &[], b"")).await;
    assert_eq!(idle.answer().await.status, 200);
    let silent = Caller::connect(server.address()).await;
    idle.send("POST /api/jobs HTTP/1.1\r\nx-half: ").await;
    assert_eq!(code_after_stop(&mut server).await, Some(0));
    drop((idle, silent));
}
