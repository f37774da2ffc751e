//! The vectors that robots in other languages are checked against, held by our own client.

use robot_callback_core::Report;
use robot_coordinadora_client::{Destination, TryAgain};
use serde_json::{Value, json};

use crate::server::{Server, answer, applied};
use crate::{client, destination, report};

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn our_client_does_next_what_each_answer_asks_for() {
    let vectors = vectors(include_str!("../../vectors/answers.json"));
    for vector in &vectors {
        let headers = vector["headers"].as_object().unwrap().iter();
        let headers: String =
            headers.map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap())).collect();
        let status = u16::try_from(vector["status"].as_u64().unwrap()).unwrap();
        let server = Server::start([answer(status, &headers, vector["body"].as_str().unwrap())]).await;
        let answered = client().try_once(&destination(&server), &report()).await;
        let next = match answered.as_ref().map_err(|error| error.try_again()) {
            Ok(_) => "delivered",
            Err(TryAgain::Later) => "again-later",
            Err(TryAgain::Reconfigured) => "stop",
            Err(TryAgain::Never) => "dead-letter",
        };
        assert_eq!(vector["next"], next, "{}", vector["name"]);
        let wait = answered.err().and_then(|error| error.retry_after()).map(|wait| wait.as_secs());
        assert_eq!(vector["notBeforeSeconds"], json!(wait), "{}", vector["name"]);
        assert_eq!(server.requests().len(), 1, "{}: one try is one request", vector["name"]);
    }
    for next in ["delivered", "again-later", "stop", "dead-letter"] {
        assert!(vectors.iter().any(|vector| vector["next"] == next), "{next} is among the vectors");
    }
}

#[tokio::test]
async fn our_client_sends_each_request_as_it_is_written_down() {
    for vector in vectors(include_str!("../../vectors/requests.json")) {
        let server = Server::start([applied()]).await;
        let destination = Destination::new(&server.url(), vector["secret"].as_str().unwrap()).unwrap();
        let report = Report::parse(vector["report"].to_string().as_bytes()).unwrap();
        client().report_result(&destination, &report).await.unwrap();
        let request = server.requests().concat();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        for (name, value) in vector["headers"].as_object().unwrap() {
            let line = format!("{name}: {}", value.as_str().unwrap());
            assert!(head.lines().any(|sent| sent == line), "{}: {line} is missing in {head}", vector["name"]);
        }
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), vector["report"], "{}", vector["name"]);
    }
}
