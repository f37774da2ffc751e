//! What goes over the wire, byte by byte.

use robot_callback_core::{ErrorType, Report, Secrets, Signature, SigningKey, Timestamp, Verdict};
use robot_coordinadora_client::{AttemptError, Client, Destination, TryAgain};

use crate::server::{Server, applied, problem};
use crate::{SECRET, client, destination, item, report};

async fn sent(report: &Report) -> String {
    let server = Server::start([applied()]).await;
    let delivered = client().report_result(&destination(&server), report).await.unwrap();
    assert_eq!(delivered.verdict, Some(Verdict::Applied));
    let [request] = server.requests().try_into().expect("a report that is taken is sent once");
    request.replace(&server.address.to_string(), "ADDRESS")
}

#[tokio::test]
async fn the_bytes_of_a_report_are_pinned() {
    assert_eq!(
        sent(&report()).await.split("\r\n").collect::<Vec<_>>(),
        [
            "POST /api/webhooks/robot-callback HTTP/1.1",
            "content-type: application/json",
            "accept: application/json, application/problem+json",
            "traceparent: 00-6f9619ff8b864d01b42d00c04fc964ff-b42d00c04fc964ff-01",
            "x-callback-secret: hunter2-is-the-secret",
            concat!("user-agent: robot-coordinadora-client/", env!("CARGO_PKG_VERSION")),
            "host: ADDRESS",
            "content-length: 99",
            "",
            r#"{"itemId":"6f9619ff-8b86-4d01-b42d-00c04fc964ff","status":"success","trackingNumber":"73150001234"}"#,
        ]
    );
    let refused = Report::error(item(), ErrorType::Portal, "Ciudad no cubierta: Nuquí").for_attempt(2);
    assert_eq!(
        sent(&refused).await.split("\r\n\r\n").last().unwrap(),
        concat!(
            r#"{"itemId":"6f9619ff-8b86-4d01-b42d-00c04fc964ff","status":"error","#,
            r#""errorType":"portal","errorMessage":"Ciudad no cubierta: Nuquí","attempt":2}"#
        )
    );
}

#[tokio::test]
async fn a_report_is_brought_into_the_callbacks_form_before_it_is_sent() {
    let untidy = Report::success(item(), "  73150001234\n");
    assert_eq!(sent(&untidy).await, sent(&report()).await);
    let long = Report::error(item(), ErrorType::Unknown, "x".repeat(100_000));
    assert!(sent(&long).await.len() < 1500, "a message is cut before it is sent");
}

#[tokio::test]
async fn a_report_that_breaks_a_rule_is_never_sent() {
    let server = Server::start([applied()]).await;
    let broken = Report::success(item(), "12");
    let failure = client().report_result(&destination(&server), &broken).await.unwrap_err();
    assert_eq!((failure.attempts, failure.try_again()), (0, TryAgain::Never));
    assert_eq!(failure.item_id, item());
    let AttemptError::Invalid(rule) = failure.cause else { panic!("{failure:?}") };
    assert_eq!(rule.to_string(), "trackingNumber must be 3 to 50 characters long");
    let once = client().try_once(&destination(&server), &broken).await.unwrap_err();
    assert!(matches!(once, AttemptError::Invalid(_)), "{once:?}");
    assert!(server.requests().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn one_client_reports_to_many_destinations_each_with_its_own_secret() {
    let (north, south) = (Server::start([applied()]).await, Server::start([applied()]).await);
    let client = client();
    let to =
        |server: &Server, secret| Destination::new(&format!("{}?from=robot", server.url()), secret).unwrap();
    client.report_result(&to(&north, "secret-of-the-north"), &report()).await.unwrap();
    client.report_result(&to(&south, "süd"), &report()).await.unwrap();
    let (north, south) = (north.requests().concat(), south.requests().concat());
    assert!(north.contains("x-callback-secret: secret-of-the-north\r\n"), "{north}");
    assert!(south.contains("x-callback-secret: süd\r\n"), "a secret is sent as its own bytes: {south}");
    assert!(north.starts_with("POST /api/webhooks/robot-callback?from=robot "), "{north}");
    assert!(!format!("{north}{south}").contains(SECRET));
}

#[tokio::test]
async fn reporting_can_be_spawned_and_the_client_cloned() {
    let server = Server::start([applied()]).await;
    let (client, destination): (Client, Destination) = (client(), destination(&server));
    let reports = (0..8).map(|_| {
        let (client, destination) = (client.clone(), destination.clone());
        tokio::spawn(async move { client.report_result(&destination, &report()).await })
    });
    for reported in reports.collect::<Vec<_>>() {
        assert!(reported.await.unwrap().is_ok());
    }
    assert_eq!(server.requests().len(), 8);
}

#[tokio::test]
async fn reports_in_a_row_share_one_connection() {
    let server = Server::start([problem(503, "Not now"), applied()]).await;
    let (client, destination) = (client(), destination(&server));
    for _ in 0..4 {
        client.report_result(&destination, &report()).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn a_signed_report_carries_no_secret_and_a_signature_for_each_key() {
    const KEYS: [&str; 2] =
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FV"];
    let server = Server::start([problem(503, "Store not available"), applied()]).await;
    let keys = KEYS.map(|key| SigningKey::parse(key).unwrap());
    let destination = Destination::signed(&server.url(), keys).unwrap();
    client().report_result(&destination, &report()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "it was sent again");
    let header = |request: &str, name: &str| {
        let line = request.lines().find(|line| line.starts_with(name)).expect(name);
        line.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(
        header(&requests[0], "webhook-id"),
        header(&requests[1], "webhook-id"),
        "the id is the report's"
    );
    for request in &requests {
        assert!(!request.contains("x-callback-secret") && !request.contains("whsec"), "{request}");
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let at = header(request, "webhook-timestamp").parse::<i64>().unwrap() * 1000;
        for key in KEYS {
            let secrets = Secrets::default()
                .signed_with([SigningKey::parse(key).unwrap()], std::time::Duration::from_secs(1));
            let [id, timestamp, signatures] =
                ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| header(request, name));
            let signature = Signature {
                id: id.as_bytes(),
                timestamp: timestamp.as_bytes(),
                signatures: signatures.as_bytes(),
            };
            let presented = secrets.presented(None).signed(signature, Timestamp::from_millis(at));
            assert!(
                presented.scope(body.as_bytes()).is_some(),
                "a receiver that has only one of the keys lets it in"
            );
        }
    }
}
