//! A disk that is full, in the middle of it.

use std::collections::BTreeSet;

use robot_callback_core::Report;
use robot_coordinadora_client::{HandError, Handed, Keyring, MemoryKeyring, Spool};

use super::{LONG, Robot, a_report, crm, spooled};
use crate::server::{Server, applied};
use crate::small_disk::SmallDisk;
use crate::{SECRET, quick};

/// Hands over reports until the disk takes no more; gives those it took, and what was said of the next.
async fn until_full(spool: &Spool, to: &Server) -> (Vec<Report>, HandError) {
    let mut taken = Vec::new();
    loop {
        let report = a_report();
        match spool.report_result(&crm(to), &report).await {
            Ok(handed) => assert_eq!(handed, Handed::Spooled, "without a secret nothing goes directly"),
            Err(error) => return (taken, error),
        }
        taken.push(report);
    }
}

#[tokio::test]
async fn on_a_full_disk_the_caller_is_told_and_nothing_acknowledged_is_lost_and_with_room_it_goes_on() {
    const NAME: &str = "spool::full::on_a_full_disk_the_caller_is_told_and_nothing_acknowledged_is_lost_and_with_room_it_goes_on";
    let Some(disk) = SmallDisk::of(NAME).await else { return };
    let (keyring, server) = (std::sync::Arc::new(MemoryKeyring::new()), Server::start([applied()]).await);
    let open = || {
        let client = robot_coordinadora_client::Client::new(quick()).unwrap();
        Spool::open(disk.path().join("spool"), client, keyring.clone(), Robot::new().options).unwrap()
    };
    let spool = open();
    let mut acknowledged = spooled(&spool, &crm(&server), 20).await;
    disk.fill();
    let (taken, error) = until_full(&spool, &server).await;
    acknowledged.extend(taken);
    let HandError::Unsafe(cause) = &error else { panic!("{error:?}") };
    assert!(cause.to_string().starts_with("the disk did not take it ("), "the caller is told why: {cause}");
    let direct = cause.source().map(ToString::to_string);
    assert_eq!(direct.as_deref(), Some("the keyring has no secret crm"), "and why it did not go directly");
    assert!(spool.status().disk_error.is_some(), "and the operator sees it");
    assert_eq!(spool.status().waiting, acknowledged.len(), "what was not taken is not there");

    drop(spool);
    let spool = open();
    let status = spool.status();
    assert_eq!(status.waiting, acknowledged.len(), "a full disk can be opened, and has all: {status:?}");
    assert_eq!(status.damaged, 0, "what was cut off is no damage");
    until_full(&spool, &server).await;
    disk.free();
    acknowledged.extend(spooled(&spool, &crm(&server), 20).await);
    assert_eq!(spool.status().disk_error, None, "with room again, it goes on by itself");

    keyring.keep("crm", SECRET).unwrap();
    spool.resume(&crm(&server));
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    let told: Vec<_> = server.requests();
    let told_of =
        |report: &Report| told.iter().filter(|request| request.contains(&report.item_id.to_string())).count();
    let once: BTreeSet<_> = acknowledged.iter().map(told_of).collect();
    assert_eq!(once, BTreeSet::from([1]), "every acknowledged report is delivered, once");
    assert_eq!(told.len(), acknowledged.len(), "and none that was not acknowledged");
}

#[tokio::test]
async fn on_a_full_disk_what_is_delivered_makes_room_for_what_comes() {
    const NAME: &str = "spool::full::on_a_full_disk_what_is_delivered_makes_room_for_what_comes";
    let Some(disk) = SmallDisk::of(NAME).await else { return };
    let (mut robot, server) = (Robot::new(), Server::start([applied()]).await);
    robot.options.segment_bytes = 4096;
    let keyring = std::sync::Arc::new(MemoryKeyring::new());
    let client = robot_coordinadora_client::Client::new(quick()).unwrap();
    let folder = disk.path().join("spool");
    let spool = Spool::open(folder, client, keyring.clone(), robot.options.clone()).unwrap();
    spooled(&spool, &crm(&server), 60).await;
    disk.fill();
    until_full(&spool, &server).await;
    keyring.keep("crm", SECRET).unwrap();
    spool.resume(&crm(&server));
    assert_eq!(spool.flush(LONG).await.waiting, 0, "a full disk keeps nothing from being delivered");
    if disk.is_limited() {
        disk.free();
    }
    spooled(&spool, &crm(&server), 20).await;
    assert_eq!(spool.flush(LONG).await.waiting, 0);
}
