//! A destination that takes signed reports: the spool writes a name, the keyring has the keys, the receiver can verify.

use robot_coordinadora_client::{Handed, Keyring, NamedDestination};
use standardwebhooks::Webhook;
use warp::http::{HeaderMap, HeaderName, HeaderValue};

use super::{LONG, Robot, a_report, spooled, until};
use crate::server::{Server, applied, problem};

const KEYS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FV"];

fn signing(server: &Server) -> NamedDestination {
    NamedDestination { callback_url: server.url(), secret_name: "signing:crm".to_owned() }
}

/// The headers and the body of a request.
fn read(request: &str) -> (HeaderMap, &str) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
    };
    (head.lines().filter_map(header).collect(), body)
}

/// Whether a receiver that has only that key lets the request in.
fn verifies(request: &str, key: &str) -> bool {
    let (headers, body) = read(request);
    Webhook::new(key).unwrap().verify(body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn what_is_spooled_for_signing_keys_is_signed_with_each_whenever_it_is_sent() {
    let (robot, server) = (Robot::new(), Server::start([problem(503, "Not now"), applied()]).await);
    robot.keyring.keep("signing:crm", &KEYS.join(" ")).unwrap();
    let spool = robot.open();
    let reports = spooled(&spool, &signing(&server), 1).await;
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "it was sent again");
    for request in &requests {
        assert!(request.contains(&reports[0].item_id.to_string()));
        assert!(KEYS.iter().all(|key| verifies(request, key)), "each key verifies it: {request}");
        assert!(
            !verifies(&request.replace("success", "Success"), KEYS[0]),
            "what was changed does not verify"
        );
        assert!(!request.contains("x-callback-secret") && !request.contains("whsec"), "no key travels");
    }
    let id = |request| read(request).0["webhook-id"].clone();
    assert_eq!(id(&requests[0]), id(&requests[1]), "the same report has the same id");
}

#[tokio::test]
async fn the_spool_writes_the_name_of_signing_keys_alone_and_the_next_process_signs_as_well() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    spooled(&robot.open(), &signing(&server), 1).await;
    let written: Vec<_> = std::fs::read_dir(robot.path())
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(written.iter().any(|text| text.contains("signing:crm")), "the name is on the disk");
    robot.keyring.keep("signing:crm", KEYS[0]).unwrap();
    let spool = robot.open();
    assert_eq!(spool.flush(LONG).await.waiting, 0, "the keyring has the keys now");
    assert!(verifies(&server.requests()[0], KEYS[0]));
    drop(spool);
    for file in std::fs::read_dir(robot.path()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("whsec"), "and no key ever is");
    }
}

#[tokio::test]
async fn what_is_no_signing_key_stops_the_destination_and_is_sent_nowhere() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    robot.keyring.keep("signing:crm", "a callback secret").unwrap();
    let spool = robot.open();
    spooled(&spool, &signing(&server), 1).await;
    let status = until(&spool, |status| !status.stopped.is_empty()).await;
    assert_eq!(status.stopped[0].reason, "a signing key must be whsec_ and 24 to 64 bytes in base64");
    assert_eq!(server.requests(), [""; 0]);
    robot.keyring.keep("signing:crm", KEYS[1]).unwrap();
    until(&spool, |status| status.waiting == 0).await;
    assert!(verifies(&server.requests()[0], KEYS[1]), "once the keyring has a key, it goes");
}

#[tokio::test]
async fn what_goes_without_the_disk_is_signed_too() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    robot.keyring.keep("signing:crm", KEYS[0]).unwrap();
    let spool = robot.open();
    spool.shutdown(LONG).await;
    let handed = spool.report_result(&signing(&server), &a_report()).await.unwrap();
    assert!(matches!(handed, Handed::Delivered(_)), "{handed:?}");
    assert!(verifies(&server.requests()[0], KEYS[0]));
}
