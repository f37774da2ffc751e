//! A disk that is full, gone or damaged.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use robot_coordinadora_client::{HandError, Handed, SpoolAlarm, SpoolError};

use super::{LONG, Robot, a_report, crm, heard, spooled, until};
use crate::server::{Server, applied, hang, hang_up, problem};

/// The segments, oldest first.
fn segments(robot: &Robot) -> Vec<PathBuf> {
    let files = fs::read_dir(robot.path()).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "spool")).collect();
    files.sort();
    files
}

fn damaged(robot: &Robot) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(robot.path().join("damaged")) else { return Vec::new() };
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn where_the_disk_takes_nothing_a_result_is_delivered_directly_or_refused_with_both_reasons() {
    let (robot, server) = (Robot::new(), Server::start([applied()]).await);
    let spool = robot.open();
    // No user may create a file in a folder that is not there, and root is no exception.
    fs::remove_dir_all(robot.path()).unwrap();
    let handed = spool.report_result(&crm(&server), &a_report()).await.unwrap();
    assert!(matches!(handed, Handed::Delivered(_)), "{handed:?}");
    assert!(spool.status().disk_error.is_some(), "the disk's trouble shows");
    drop(server);
    let gone = Server::start([hang_up()]).await;
    let Err(HandError::Unsafe(cause)) = spool.report_result(&crm(&gone), &a_report()).await else {
        panic!("it is neither here nor there")
    };
    assert!(cause.to_string().starts_with("the disk did not take it ("), "{cause}");
    assert!(cause.source().is_some(), "and why it was not delivered");
    fs::create_dir(robot.path()).unwrap();
    assert_eq!(spool.report_result(&crm(&gone), &a_report()).await.unwrap(), Handed::Spooled, "it recovers");
    assert_eq!(spool.status().disk_error, None);
}

#[tokio::test]
async fn a_full_spool_says_so_and_has_room_again_when_reports_are_delivered() {
    let mut robot = Robot::new();
    robot.options.max_bytes = 1000;
    robot.options.look_again = LONG;
    let open = Arc::new(AtomicBool::new(false));
    let lets_in = open.clone();
    let server = Server::answering(move |_| match lets_in.load(Ordering::SeqCst) {
        true => applied(),
        false => problem(401, "Unauthorized"),
    });
    let (spool, server) = (robot.open(), server.await);
    let full = loop {
        match spool.report_result(&crm(&server), &a_report()).await {
            Ok(handed) => assert_eq!(handed, Handed::Spooled),
            Err(error) => break error,
        }
    };
    let HandError::Unsafe(cause) = full else { panic!("{full:?}") };
    assert!(cause.to_string().starts_with("the spool is full: its reports take "), "{cause}");
    let status = until(&spool, |status| !status.stopped.is_empty()).await;
    assert!(status.bytes <= 1000 && status.waiting > 1, "{status:?}");
    open.store(true, Ordering::SeqCst);
    let handed = spool.report_result(&crm(&server), &a_report()).await.unwrap();
    assert!(matches!(handed, Handed::Delivered(_)), "a full spool's results go directly: {handed:?}");
    spool.resume(&crm(&server));
    spool.flush(LONG).await;
    assert_eq!(spooled(&spool, &crm(&server), 3).await.len(), 3, "there is room again");
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_an_error_when_the_spool_is_opened() {
    let robot = Robot::new();
    fs::remove_dir(robot.path()).unwrap();
    fs::write(robot.path(), "").unwrap();
    assert!(matches!(robot.try_open(), Err(SpoolError::Disk(_))));
    fs::remove_file(robot.path()).unwrap();
    fs::create_dir(robot.path()).unwrap();
}

#[tokio::test]
async fn a_damaged_report_is_moved_aside_and_told_and_costs_no_other() {
    let (robot, dead, server) =
        (Robot::new(), Server::start([hang()]).await, Server::start([applied()]).await);
    let spool = robot.open();
    let before = spooled(&spool, &crm(&server), 0).await;
    let lost = spooled(&spool, &crm(&dead), 3).await;
    drop((spool, before));
    let file = &segments(&robot)[0];
    let text = fs::read_to_string(file).unwrap();
    let (at, _) = text.match_indices(&lost[1].item_id.to_string()).next().unwrap();
    let mut bytes = text.into_bytes();
    bytes[at] ^= 1;
    fs::write(file, &bytes).unwrap();
    let spool = robot.open();
    let status = spool.status();
    assert_eq!((status.waiting, status.damaged), (2, 1));
    let [SpoolAlarm::Damaged { kept_in }] = &robot.alarms()[..] else { panic!("{:?}", robot.alarms()) };
    let kept = fs::read(kept_in).unwrap();
    assert!(bytes.windows(kept.len()).any(|window| window == kept), "the damaged bytes are kept as they are");
    spool.shutdown(std::time::Duration::ZERO).await;
    let status = robot.open().status();
    assert_eq!((status.waiting, status.damaged), (2, 1), "it is there for an operator to see");
    assert_eq!(robot.alarms().len(), 1, "and told once");
}

#[tokio::test]
async fn a_file_cut_anywhere_in_its_last_record_has_all_others_and_no_damage() {
    let (robot, dead) = (Robot::new(), Server::start([hang()]).await);
    let spool = robot.open();
    spooled(&spool, &crm(&dead), 2).await;
    drop(spool);
    let file = segments(&robot).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    let last = bytes.windows(4).rposition(|window| window == b"rc1 ").unwrap();
    for length in last..bytes.len() {
        for other in segments(&robot) {
            fs::remove_file(other).unwrap();
        }
        fs::write(&file, &bytes[..length]).unwrap();
        assert_eq!(robot.open().status().waiting, 1, "cut after {length} of {} bytes", bytes.len());
    }
    assert_eq!(damaged(&robot), [""; 0].map(PathBuf::from));
    assert_eq!(robot.alarms(), []);
}

#[tokio::test]
async fn a_segment_that_can_not_be_read_is_an_error_that_names_it_and_stays_where_it_is() {
    let (robot, server) = (Robot::new(), Server::start([hang()]).await);
    spooled(&robot.open(), &crm(&server), 2).await;
    let (file, elsewhere) = (segments(&robot).pop().unwrap(), robot.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    // A folder in its place: the disk gives an error, as it does when descriptors or memory run out.
    fs::create_dir(&file).unwrap();
    let Err(SpoolError::Disk(error)) = robot.try_open() else { panic!("it may be whole") };
    assert!(error.to_string().contains(file.file_name().unwrap().to_str().unwrap()), "{error}");
    assert!(error.source().is_some(), "and why it can't be read");
    assert!(file.is_dir() && damaged(&robot).is_empty(), "nothing is moved");
    fs::remove_dir(&file).unwrap();
    fs::rename(&elsewhere, &file).unwrap();
    assert_eq!(robot.open().status().waiting, 2, "with the disk in order all is there");
}

#[tokio::test]
async fn a_spool_of_a_newer_version_is_left_alone() {
    let robot = Robot::new();
    // Framed by hand: the checksum is that of these bytes.
    fs::write(
        robot.path().join(format!("{:020}.spool", 1)),
        "rc1 00000017 4cf89cb4\n{\"spool\":{\"version\":2}}\n",
    )
    .unwrap();
    assert!(matches!(robot.try_open(), Err(SpoolError::Version(2))));
    assert_eq!(segments(&robot).len(), 1);
}

#[tokio::test]
async fn settled_segments_are_removed_and_the_folder_stays_small() {
    let mut robot = Robot::new();
    robot.options.segment_bytes = 2000;
    let (server, dead) = (Server::start([applied()]).await, Server::start([hang()]).await);
    let spool = robot.open();
    let old = spooled(&spool, &crm(&dead), 1).await;
    for _ in 0..20 {
        spooled(&spool, &crm(&server), 20).await;
        until(&spool, |status| status.waiting == 1).await;
    }
    spool.shutdown(std::time::Duration::ZERO).await;
    let taken: u64 = segments(&robot).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(taken < 20_000, "some 100,000 bytes went through it, and {taken} are left");
    assert_eq!(robot.open().status().waiting, 1, "the one that was not delivered is among them");
    assert_eq!(heard(&server, &old[0]), 0);
}
