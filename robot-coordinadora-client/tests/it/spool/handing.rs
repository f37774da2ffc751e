//! Handing over, sending, and starting again.

use std::sync::Arc;

use robot_coordinadora_client::{HandError, Handed, NamedDestination, ReportSink, SpoolError};

use super::{LONG, Robot, a_report, crm, heard, spooled, until};
use crate::SECRET;
use crate::server::{Server, applied, hang, hang_up, problem};

#[tokio::test]
async fn what_is_handed_over_is_delivered_once_with_its_secret() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let spool = robot.open();
    let reports = spooled(&spool, &crm(&server), 20).await;
    let left = spool.flush(LONG).await;
    assert_eq!((left.waiting, left.dead, left.bytes), (0, 0, 0), "nothing is left");
    for report in &reports {
        assert_eq!(heard(&server, report), 1, "each was sent once");
    }
    assert!(server.requests().iter().all(|request| request.contains(SECRET)), "with the secret");
}

#[tokio::test]
async fn what_was_not_delivered_is_sent_after_a_restart() {
    let (robot, dead, server) =
        (Robot::new(), Server::start([hang()]).await, Server::start([applied()]).await);
    let spool = robot.open();
    let reports = spooled(&spool, &crm(&dead), 20).await;
    drop(spool);
    for _ in 0..3 {
        assert_eq!(robot.open().status().waiting, 20, "a start and an end change nothing");
    }
    let other = spooled(&robot.open(), &crm(&server), 1).await;
    let spool = robot.open();
    until(&spool, |status| status.waiting == 20).await;
    assert!(other.iter().all(|report| heard(&server, report) > 0), "the other destination got its own");
    assert!(reports.iter().all(|report| heard(&server, report) == 0), "and nobody else's");
}

#[tokio::test]
async fn what_was_delivered_is_not_sent_after_a_restart() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    for _ in 0..3 {
        let spool = robot.open();
        spooled(&spool, &crm(&server), 5).await;
        assert_eq!(spool.shutdown(LONG).await.waiting, 0);
    }
    assert_eq!(server.requests().len(), 15);
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again_until_it_takes_the_report() {
    let script = [problem(503, "Not now"), hang_up(), problem(500, "Oh"), applied()];
    let (robot, server) = (Robot::new(), Server::start(script).await);
    let spool = robot.open();
    let reports = spooled(&spool, &crm(&server), 1).await;
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    assert_eq!(heard(&server, &reports[0]), 4);
}

#[tokio::test]
async fn no_secret_is_on_the_disk() {
    let (robot, server) = (Robot::new(), Server::start([problem(401, "Unauthorized")]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&server), 3).await;
    until(&spool, |status| !status.stopped.is_empty()).await;
    drop(spool);
    for file in std::fs::read_dir(robot.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
    }
}

#[tokio::test]
async fn what_can_never_be_reported_is_refused_at_once() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let spool = robot.open();
    let mut report = a_report();
    report.tracking_number = Some("12".to_owned());
    let refused = spool.report_result(&crm(&server), &report).await;
    assert!(
        matches!(refused, Err(HandError::Invalid(_))),
        "a tracking number of two characters: {refused:?}"
    );
    let to = NamedDestination { callback_url: "crm.example.com".to_owned(), secret_name: "crm".to_owned() };
    let refused = spool.report_result(&to, &a_report()).await;
    assert!(matches!(refused, Err(HandError::Invalid(_))), "no URL: {refused:?}");
    assert_eq!(spool.status().waiting, 0);
}

#[tokio::test]
async fn a_folder_has_one_spool_at_a_time() {
    let robot = Robot::new();
    let spool = robot.open();
    let Err(SpoolError::InUse(folder)) = robot.try_open() else { panic!("the folder is in use") };
    assert_eq!(folder, robot.path());
    spool.shutdown(LONG).await;
    robot.open();
}

#[test]
fn outside_of_a_runtime_it_is_not_opened() {
    assert!(matches!(Robot::new().try_open(), Err(SpoolError::NoRuntime)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_are_each_answered_for_their_own() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let spool = Arc::new(robot.open());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (spool, to) = (spool.clone(), crm(&server));
        callers.spawn(async move { spooled(&spool, &to, 5).await });
    }
    let reports: Vec<_> = callers.join_all().await.concat();
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    assert!(reports.iter().all(|report| heard(&server, report) == 1), "each of the 320 was sent once");
}

#[tokio::test]
async fn after_a_shutdown_results_go_directly() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let spool = robot.open();
    spool.shutdown(LONG).await;
    let sink: &dyn ReportSink = &spool;
    let handed = sink.report_result(&crm(&server), &a_report()).await.unwrap();
    assert!(matches!(handed, Handed::Delivered(_)), "{handed:?}");
    assert!(matches!(spool.redrive(&[1]).await, Err(SpoolError::Closed)));
}
