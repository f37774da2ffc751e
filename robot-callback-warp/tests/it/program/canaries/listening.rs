//! Whoever the server sends to: takes whole requests, and answers each.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers each request with what that says, until aborted.
pub(super) async fn listen(listener: TcpListener, answer: impl Fn(&[u8]) -> String + Clone + Send + 'static) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(take(stream, answer.clone()));
    }
}

async fn take(mut stream: TcpStream, answer: impl Fn(&[u8]) -> String) {
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
        if is_whole(&request) {
            stream.write_all(answer(&request).as_bytes()).await.unwrap();
            request.clear();
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("its length");
    request.len() >= head + 4 + length.parse::<usize>().unwrap()
}

/// Refuses an event in words that repeat all that it was sent: twice for now, and then for good.
pub(super) async fn parrot(listener: TcpListener) {
    let times = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    listen(listener, move |request| {
        let before = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let said = String::from_utf8_lossy(request);
        let error = serde_json::json!({"error": format!("what is {said}?"), "status": 400}).to_string();
        let status = if before < 2 { "500 Oh" } else { "400 No" };
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{error}", error.len())
    })
    .await;
}
