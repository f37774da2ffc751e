//! Each embedding example answers a callback over a socket.

use std::process::Stdio;
use std::time::Duration;

use robot_callback_core::CALLBACK_PATH;
use robot_callback_harness::request;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::program::example;

const DEADLINE: Duration = Duration::from_secs(60);

/// The example at work, the body that it says to send, and its address.
async fn start(name: &str) -> (Child, String, std::net::SocketAddr) {
    let mut command = Command::new(example(name));
    command.env("PORT", "0").env("ROBOT_CALLBACK_SECRET", "the secret").kill_on_drop(true);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut body, mut address) = (None, None);
    while address.is_none() {
        let line = lines.next_line().await.unwrap().expect("it says where it listens");
        body = body.or_else(|| line.starts_with('{').then(|| line.clone()));
        address = line.strip_prefix("listening on http://").map(|address| address.parse().unwrap());
    }
    (child, body.unwrap(), address.unwrap())
}

async fn answers_a_callback(name: &str) {
    let talking = async {
        let (_child, body, address) = start(name).await;
        let send = |headers: &'static [(&'static str, &'static str)]| {
            let body = body.clone().into_bytes();
            async move { request(address, CALLBACK_PATH, headers, Some(body)).await.unwrap() }
        };
        let stranger = send(&[]).await;
        assert_eq!(stranger.status, 401, "nobody gets in without the secret");
        let robot = send(&[("x-callback-secret", "the secret")]).await;
        assert_eq!(robot.status, 200, "{:?}", robot.body);
        assert_eq!(robot.body, r#"{"received":true,"verdict":"applied"}"#, "the result is safe");
        let elsewhere = request(address, "/elsewhere", &[], None).await.unwrap();
        assert_eq!(elsewhere.status, 404, "the rest of the server is its own");
    };
    tokio::time::timeout(DEADLINE, talking).await.expect("it answers in time");
}

#[tokio::test]
async fn axum_answers_a_callback() {
    answers_a_callback("embed_axum").await;
}

#[tokio::test]
async fn hyper_answers_a_callback() {
    answers_a_callback("embed_hyper").await;
}

#[tokio::test]
async fn warp_answers_a_callback() {
    answers_a_callback("embed_warp").await;
}
