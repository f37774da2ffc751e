//! Real deadlines on real sockets. What is asserted is what happened and how often, never how long it took.

use std::time::Duration;

use robot_coordinadora_client::{AttemptError, Client, ClientOptions, Destination, TryAgain};
use tokio::net::{TcpListener, TcpSocket};

use crate::server::{Server, Step, applied, hang};
use crate::{SECRET, client, destination, quick, report};

const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_server_that_hangs_is_given_up_and_asked_again() {
    let server = Server::start([hang(), applied()]).await;
    let client = Client::new(ClientOptions { attempt_deadline: SHORT, ..quick() }).unwrap();
    client.report_result(&destination(&server), &report()).await.unwrap();
    assert!(server.requests().len() >= 2, "the first request was never answered");
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_given_up_and_asked_again() {
    let half = Step::Send("HTTP/1.1 200 OK\r\ncontent-length: 37\r\n\r\n{\"received\"".into());
    let server = Server::start([half, applied()]).await;
    let client = Client::new(ClientOptions { attempt_deadline: SHORT, ..quick() }).unwrap();
    client.report_result(&destination(&server), &report()).await.unwrap();
    assert!(server.requests().len() >= 2, "the first answer never ended");
}

#[tokio::test]
async fn one_try_ends_at_the_attempt_deadline() {
    let server = Server::start([hang()]).await;
    let client = Client::new(ClientOptions { attempt_deadline: SHORT, ..quick() }).unwrap();
    let error = client.try_once(&destination(&server), &report()).await.unwrap_err();
    assert!(matches!(error, AttemptError::TimedOut(within) if within == SHORT), "{error:?}");
    assert_eq!(error.try_again(), TryAgain::Later);
}

#[tokio::test]
async fn a_server_that_always_hangs_is_given_up_at_the_total_deadline() {
    let server = Server::start([hang()]).await;
    let options = ClientOptions { total_deadline: SHORT, ..quick() };
    let failure =
        Client::new(options).unwrap().report_result(&destination(&server), &report()).await.unwrap_err();
    assert!(matches!(failure.cause, AttemptError::TimedOut(within) if within <= SHORT), "{failure:?}");
    assert_eq!(failure.try_again(), TryAgain::Later);
    assert!(failure.wait.is_some(), "the caller hears how long to wait");
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up_at_the_connect_deadline() {
    // Connections are taken by the system and never looked at: TLS gets no answer.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let client = Client::new(ClientOptions { connect_deadline: SHORT, ..quick() }).unwrap();
    let error = client.try_once(&Destination::new(&url, SECRET).unwrap(), &report()).await.unwrap_err();
    assert!(matches!(error, AttemptError::Network(_)), "the attempt deadline is far off: {error:?}");
    assert_eq!(error.try_again(), TryAgain::Later);
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_found_when_it_is() {
    // A port that is taken, but where nobody listens for now: connections are refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let destination = Destination::new(&url, SECRET).unwrap();
    let options = ClientOptions { total_deadline: SHORT, ..quick() };
    let failure = Client::new(options).unwrap().report_result(&destination, &report()).await.unwrap_err();
    assert!(failure.attempts > 1, "it was tried again and again: {}", failure.attempts);
    assert!(matches!(failure.cause, AttemptError::Network(_)), "{failure:?}");
    assert_eq!(failure.try_again(), TryAgain::Later);
    let _server = Server::serve(socket.listen(16).unwrap(), [applied()]);
    client().report_result(&destination, &report()).await.unwrap();
}
