//! Spans of requests reach a collector, as parts of the robot's trace.

use robot_callback_core::CALLBACK_PATH;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;

/// Takes one request, answers it as a collector does, and says what it was.
async fn collect(listener: TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "a whole request");
        let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("its length");
        if bytes.len() >= head + 4 + length.parse::<usize>().unwrap() {
            break;
        }
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(answer).await.unwrap();
    bytes
}

#[tokio::test]
async fn a_request_is_a_span_of_the_robots_trace_at_the_collector() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let collecting = tokio::spawn(collect(listener));
    let args = ["--database-url", "memory:", "--otlp-endpoint", &url];
    let server = Running::start(folder.path(), &args).await;
    let trace: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("traceparent", trace), ("x-callback-secret", &b"hunter2"[..])];
    let mut caller = Caller::connect(server.address()).await;
    caller.send(request("POST", CALLBACK_PATH, &headers, b"{}")).await;
    assert_eq!(caller.answer().await.status, 401);
    // What is left is sent before it ends, so nothing here waits for a schedule.
    assert_eq!(server.terminate("-TERM").await.0, Some(0));

    let sent = tokio::time::timeout(PATIENCE, collecting).await.expect("a collector is told").unwrap();
    let holds = |bytes: &[u8]| sent.windows(bytes.len()).any(|window| window == bytes);
    assert!(sent.starts_with(b"POST /v1/traces HTTP/1.1\r\n"), "by OTLP over HTTP");
    assert!(
        holds(&0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()),
        "it is of the robot's trace"
    );
    assert!(holds(&0xb7ad_6b71_6920_3331_u64.to_be_bytes()), "a child of the robot's span");
    for word in ["robot-callback", "request", "request.id", "callback", "duration_ms"] {
        assert!(holds(word.as_bytes()), "it says {word}");
    }
    assert!(!holds(b"hunter2"), "and no secret");
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let args = ["--database-url", "memory:", "--otlp-endpoint", &url];
    let server = Running::start(folder.path(), &args).await;
    let mut caller = Caller::connect(server.address()).await;
    caller.send(request("GET", "/nowhere", &[], b"")).await;
    assert_eq!(caller.answer().await.status, 404);
    assert_eq!(server.terminate("-TERM").await.0, Some(0), "it ends well all the same");
}
