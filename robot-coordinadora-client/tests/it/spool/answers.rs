//! What becomes of a report by the answer it gets.

use robot_coordinadora_client::{Keyring, NamedDestination, SpoolAlarm};

use super::{LONG, Robot, crm, heard, spooled, until};
use crate::SECRET;
use crate::server::{Server, answer, applied, problem};

#[tokio::test]
async fn a_refused_report_is_a_dead_letter_that_is_kept_listed_and_redriven() {
    let script = [problem(404, "Item not found"), applied()];
    let (robot, server) = (Robot::new(), Server::start(script).await);
    let spool = robot.open();
    let reports = spooled(&spool, &crm(&server), 1).await;
    let left = spool.flush(LONG).await;
    assert_eq!((left.waiting, left.dead), (0, 1));
    spool.shutdown(LONG).await;
    let spool = robot.open();
    let dead = spool.dead_letters().await.unwrap();
    assert_eq!(dead.len(), 1, "it is there after a restart");
    assert_eq!((&dead[0].report, &dead[0].destination), (&reports[0], &crm(&server)));
    assert_eq!(dead[0].reason, "answered 404: Item not found");
    let alarm =
        SpoolAlarm::Dead { id: dead[0].id, destination: crm(&server), reason: dead[0].reason.clone() };
    assert_eq!(robot.alarms(), [alarm], "somebody was told, once");
    assert_eq!(heard(&server, &reports[0]), 1, "it is not sent by itself");
    assert_eq!(spool.redrive(&[dead[0].id, 999]).await.unwrap(), 1, "one of the two is there");
    let left = spool.flush(LONG).await;
    assert_eq!((left.waiting, left.dead, heard(&server, &reports[0])), (0, 0, 2));
    assert_eq!(spool.redrive(&[dead[0].id]).await.unwrap(), 0, "it is gone");
}

#[tokio::test]
async fn a_discarded_dead_letter_is_gone_also_after_a_restart() {
    let (robot, server) = (Robot::new(), Server::start([problem(400, "No")]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&server), 3).await;
    assert_eq!(spool.flush(LONG).await.dead, 3);
    let ids: Vec<_> = spool.dead_letters().await.unwrap().iter().map(|letter| letter.id).collect();
    assert_eq!(spool.discard(&ids[..2]).await.unwrap(), 2);
    drop(spool);
    let spool = robot.open();
    let left: Vec<_> = spool.dead_letters().await.unwrap().iter().map(|letter| letter.id).collect();
    assert_eq!(left, ids[2..]);
}

#[tokio::test]
async fn a_redriven_dead_letter_is_redriven_also_after_a_crash() {
    let (robot, server) = (Robot::new(), Server::start([problem(400, "No"), problem(401, "Who?")]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&server), 1).await;
    spool.flush(LONG).await;
    let id = spool.dead_letters().await.unwrap()[0].id;
    spool.redrive(&[id]).await.unwrap();
    drop(spool);
    let status = robot.open().status();
    assert_eq!((status.waiting, status.dead), (1, 0));
}

#[tokio::test]
async fn at_the_end_of_the_schedule_a_report_is_a_dead_letter_too() {
    let mut robot = Robot::new();
    robot.options.schedule.truncate(2);
    let server = Server::start([problem(503, "Not now")]).await;
    let spool = robot.open();
    let reports = spooled(&spool, &crm(&server), 1).await;
    assert_eq!(spool.flush(LONG).await.dead, 1);
    assert_eq!(heard(&server, &reports[0]), 3, "two waits are three tries");
    assert_eq!(spool.dead_letters().await.unwrap()[0].reason, "answered 503: Not now");
}

#[tokio::test]
async fn a_refused_secret_stops_the_destination_and_keeps_everything() {
    let (robot, server) = (Robot::new(), Server::start([problem(401, "Unauthorized"), applied()]).await);
    let spool = robot.open();
    let reports = spooled(&spool, &crm(&server), 1).await;
    let status = until(&spool, |status| !status.stopped.is_empty()).await;
    assert_eq!(status.stopped[0].destination, crm(&server));
    assert_eq!(status.stopped[0].reason, "answered 401, the secret is refused: Unauthorized");
    spooled(&spool, &crm(&server), 2).await;
    let left = spool.flush(LONG).await;
    assert_eq!(
        (left.waiting, left.dead),
        (3, 0),
        "all is kept, and a flush does not wait for somebody to act"
    );
    assert_eq!(server.requests().len(), 1, "nothing more is sent there");
    assert!(
        matches!(&robot.alarms()[..], [SpoolAlarm::Stopped { destination, .. }] if *destination == crm(&server))
    );
    spool.resume(&crm(&server));
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    assert_eq!(heard(&server, &reports[0]), 2);
}

#[tokio::test]
async fn a_stopped_destination_holds_up_no_other() {
    let (robot, no, yes) =
        (Robot::new(), Server::start([problem(403, "No")]).await, Server::start([applied()]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&no), 5).await;
    spooled(&spool, &crm(&yes), 5).await;
    assert_eq!(until(&spool, |status| status.waiting == 5).await.stopped.len(), 1);
    assert_eq!(yes.requests().len(), 5);
}

#[tokio::test]
async fn another_secret_in_the_keyring_resumes_the_destination() {
    let wants = |request: &str| {
        if request.contains("another-secret") { applied() } else { problem(401, "Unauthorized") }
    };
    let (robot, server) = (Robot::new(), Server::answering(wants).await);
    let spool = robot.open();
    spooled(&spool, &crm(&server), 3).await;
    until(&spool, |status| !status.stopped.is_empty()).await;
    robot.keyring.keep("crm", "another-secret").unwrap();
    until(&spool, |status| status.waiting == 0).await;
    let refused = server.requests().iter().filter(|request| request.contains(SECRET)).count();
    assert!(refused <= 3, "the refused secret is not tried again by itself: {refused}");
}

#[tokio::test]
async fn a_missing_secret_is_waited_for() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let to = NamedDestination { secret_name: "batch:7".to_owned(), ..crm(&server) };
    let spool = robot.open();
    spooled(&spool, &to, 3).await;
    let status = until(&spool, |status| !status.stopped.is_empty()).await;
    assert_eq!(status.stopped[0].reason, "the keyring has no secret batch:7");
    assert_eq!(server.requests().len(), 0);
    robot.keyring.keep("batch:7", SECRET).unwrap();
    until(&spool, |status| status.waiting == 0).await;
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_restart_tries_a_stopped_destination_again() {
    let (robot, server) = (Robot::new(), Server::start([answer(404, "", "<h1>nginx</h1>"), applied()]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&server), 1).await;
    until(&spool, |status| !status.stopped.is_empty()).await;
    drop(spool);
    assert_eq!(robot.open().flush(LONG).await.waiting, 0);
}
