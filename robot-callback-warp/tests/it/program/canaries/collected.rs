//! What a collector of spans is sent.

use std::sync::{Arc, Mutex};

use super::listening::listen;
use super::*;

#[tokio::test]
async fn no_secret_and_nobodys_data_reaches_a_collector_of_spans() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there: every event fails.
    settings(folder.path(), "http://127.0.0.1:1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://me:{}@{}", SECRETS[8], listener.local_addr().unwrap());
    let all = Arc::new(Mutex::new(Vec::new()));
    let collected = all.clone();
    let collecting = tokio::spawn(listen(listener, move |request| {
        collected.lock().unwrap().extend_from_slice(request);
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n".to_owned()
    }));
    let (id, items) = job(folder.path()).await;
    let mut server = Talkative::start(folder.path(), &["--otlp-endpoint", &url]).await;
    for asking in requests(&id, [&items[0], &items[1]]) {
        server.asked(server.address, asking).await;
    }
    // What is left is sent before it ends.
    server.signal("-TERM").await;
    let (out, log) = server.end().await;
    collecting.abort();
    let sent = String::from_utf8_lossy(&all.lock().unwrap()).into_owned();
    let login = "authorization: Basic bWU6Y2FuYXJ5LWNvbGxlY3Rvci1wYXNzd29yZA==";
    assert!(sent.contains(login), "the collector's password goes to the collector, where it belongs");
    assert!(sent.contains("request.id") && sent.contains("operator"), "spans were sent: {}", sent.len());
    for said in [&sent, &log, &out] {
        for words in [&SECRETS[..], &PERSONAL, &[WRONG]] {
            silent_on(words, said, "the server, or what it sends");
        }
    }
}
