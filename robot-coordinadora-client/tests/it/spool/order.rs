//! Who is sent when: the oldest of an item first, destinations side by side, several requests at a time and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use robot_callback_core::{ErrorType, ItemId, Report};

use super::{LONG, Robot, crm, spooled, until};
use crate::server::{Server, applied, hang, problem};

#[tokio::test]
async fn of_one_item_the_oldest_report_is_delivered_first() {
    let refusals = Arc::new(AtomicUsize::new(5));
    let left = refusals.clone();
    let first_fails = move |request: &str| {
        let fails = request.contains("\"attempt\":1")
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if fails { problem(503, "Not now") } else { applied() }
    };
    let (robot, server) = (Robot::new(), Server::answering(first_fails).await);
    let (spool, item) = (robot.open(), ItemId::random());
    for attempt in 1..=3 {
        let report = Report::error(item, ErrorType::Portal, "no").for_attempt(attempt);
        spool.report_result(&crm(&server), &report).await.unwrap();
    }
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    let attempts: Vec<_> = server.requests().iter().map(|request| attempt_in(request)).collect();
    assert_eq!(attempts, [1, 1, 1, 1, 1, 1, 2, 3], "the second waited for the first");
}

fn attempt_in(request: &str) -> u32 {
    let (_, number) = request.split_once("\"attempt\":").unwrap();
    number.trim_end_matches('}').parse().unwrap()
}

#[tokio::test]
async fn when_the_oldest_is_refused_the_next_one_goes() {
    let refused = |request: &str| match attempt_in(request) {
        1 => problem(400, "No"),
        _ => applied(),
    };
    let (robot, server) = (Robot::new(), Server::answering(refused).await);
    let (spool, item) = (robot.open(), ItemId::random());
    for attempt in 1..=2 {
        let report = Report::success(item, "73150001234").for_attempt(attempt);
        spool.report_result(&crm(&server), &report).await.unwrap();
    }
    let left = spool.flush(LONG).await;
    assert_eq!((left.waiting, left.dead), (0, 1));
}

#[tokio::test]
async fn a_destination_that_hangs_holds_up_nobody_and_gets_no_more_requests_than_allowed() {
    let (robot, slow, quick) =
        (Robot::new(), Server::start([hang()]).await, Server::start([applied()]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&slow), 20).await;
    spooled(&spool, &crm(&quick), 20).await;
    until(&spool, |status| status.waiting == 20).await;
    assert_eq!(quick.requests().len(), 20);
    let wait = async {
        while slow.requests().len() < 4 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.expect("four requests at a time go there");
    spool.flush(Duration::from_millis(50)).await;
    assert_eq!(slow.requests().len(), 4, "four at a time, and no more");
}
