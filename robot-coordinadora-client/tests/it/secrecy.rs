//! The secret goes to the callback URL and nowhere else.

use std::io;
use std::sync::{Arc, Mutex};

use robot_coordinadora_client::{AttemptError, Destination, TryAgain};

use crate::server::{Server, answer, applied, hang_up, problem};
use crate::{SECRET, client, destination, process, report};

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_secret_does_not_reach_it() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::start([applied()]).await;
        let location = format!("location: {}?token=abc\r\n", elsewhere.url());
        let server = Server::start([answer(status, &location, ""), applied()]).await;
        let failure = client().report_result(&destination(&server), &report()).await.unwrap_err();
        assert_eq!(failure.try_again(), TryAgain::Reconfigured);
        assert_eq!((server.requests().len(), elsewhere.requests().len()), (1, 0), "{status}");
        let cause = failure.cause.to_string();
        assert!(cause.contains(&elsewhere.url()), "it says where the redirect led: {cause}");
        assert!(!cause.contains("token"), "but not with which token: {cause}");
    }
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    if process::reported_as_told().await {
        return;
    }
    let (server, proxy) = (Server::start([applied()]).await, Server::start([applied()]).await);
    let address = format!("http://{}", proxy.address);
    let environment = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, &*address));
    let name = "secrecy::a_proxy_in_the_environment_is_not_used";
    process::report_from_another(name, server.url(), &environment).await;
    assert_eq!(proxy.requests(), [""; 0], "nothing reached the proxy");
    assert_eq!(server.requests().len(), 1, "it was sent to the callback URL itself");
}

#[tokio::test]
async fn a_receiver_that_sends_the_secret_back_does_not_get_it_into_the_error() {
    let server = Server::start([problem(400, &format!("You sent x-callback-secret: {SECRET}"))]).await;
    let failure = client().report_result(&destination(&server), &report()).await.unwrap_err();
    assert_eq!(failure.cause.to_string(), "answered 400: You sent x-callback-secret: [redacted]");
    assert!(!format!("{failure:?} {failure:#?} {failure}").contains(SECRET));
}

#[tokio::test]
async fn an_error_shows_neither_the_secret_nor_the_query_of_the_url() {
    let server = Server::start([hang_up()]).await;
    let url = format!("{}?token=abc", server.url());
    let destination = Destination::new(&url, SECRET).unwrap();
    let error = client().try_once(&destination, &report()).await.unwrap_err();
    let AttemptError::Network(cause) = &error else { panic!("{error:?}") };
    let shown = format!("{error:?} {error} {cause} {destination:?} {destination} {:?}", client());
    assert!(!shown.contains(SECRET) && !shown.contains("token"), "{shown}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_tells_of_every_failure_and_never_of_the_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let echo = problem(503, &format!("busy, {SECRET}"));
    let server = Server::start([echo, hang_up(), applied()]).await;
    client().report_result(&destination(&server), &report()).await.unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!log.contains(SECRET), "{log}");
    assert_eq!(log.matches("a report will be sent again").count(), 2, "{log}");
    assert!(log.contains("busy, [redacted]") && log.contains("attempts=2"), "{log}");
    assert!(log.contains("item.id=6f9619ff-8b86-4d01-b42d-00c04fc964ff"), "{log}");
}
