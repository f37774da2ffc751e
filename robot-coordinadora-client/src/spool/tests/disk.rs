//! A disk that fails: nothing is answered that is not so, and what was answered before stays.

use super::*;

/// Hands over a report while the receiver is locked out, so that it goes to the disk or nowhere.
async fn try_spool(spool: &Spool) -> Result<Report, HandError> {
    let report = a_report();
    spool.report_result(&shop("a"), &report).await.map(|handed| {
        assert_eq!(handed, Handed::Spooled);
        report
    })
}

/// What all reports are that a spool in this folder would send.
async fn all_in(robot: &Robot) -> Vec<Report> {
    robot.receivers.set(&shop("a"), Mode::Takes);
    let before = robot.receivers.taken().len();
    let spool = robot.open();
    assert_eq!(spool.shutdown(LONG).await.waiting, 0);
    robot.receivers.taken().split_off(before)
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_only_what_is_safe_is_answered_so_and_the_next_result_is_taken() {
    use Fault::{Append, Create, Cut, Sync};
    let sequences =
        [&[Create][..], &[Append], &[Append, Cut], &[Sync], &[Create, Append, Sync], &[Append, Append, Cut]];
    for (faults, segment_bytes) in sequences.iter().flat_map(|faults| [(faults, 1), (faults, 1 << 20)]) {
        let mut robot = Robot::new();
        robot.options.segment_bytes = segment_bytes;
        robot.receivers.set(&shop("a"), Mode::LocksOut);
        let spool = robot.open();
        let mut safe = vec![try_spool(&spool).await.unwrap()];
        robot.disk.fail(faults);
        let mut failures = 0;
        while safe.len() < 4 {
            match try_spool(&spool).await {
                Ok(report) => safe.push(report),
                Err(HandError::Unsafe(_)) => failures += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(failures <= faults.len(), "{faults:?}: it is told no more often than it failed");
        robot.disk.heal();
        drop(spool);
        let left = all_in(&robot).await;
        assert!(safe.iter().all(|report| left.contains(report)), "{faults:?}: what was safe is there");
        assert_eq!(robot.open().status().damaged, 0, "half a record at a file's end is no damage");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_can_not_be_noted_is_sent_again_and_nothing_else() {
    let robot = Robot::new();
    let spool = robot.open();
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    robot.receivers.set(&shop("b"), Mode::LocksOut);
    let (report, other) = (spooled(&spool, &shop("a")).await, spooled(&spool, &shop("b")).await);
    while spool.status().stopped.len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    robot.receivers.set(&shop("a"), Mode::Takes);
    robot.disk.fail(&[Fault::Append]);
    spool.resume(&shop("a"));
    assert_eq!(spool.flush(LONG).await.waiting, 1);
    drop(spool);
    robot.receivers.set(&shop("b"), Mode::Takes);
    let left = all_in(&robot).await;
    assert!(left.len() == 2 && left.contains(&report) && left.contains(&other), "{left:?}");
    assert_eq!(all_in(&robot).await, [], "until it could be noted");
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_makes_room_on_a_full_disk() {
    let robot = Robot::new();
    let spool = robot.open();
    spooled(&spool, &shop("a")).await;
    spool.flush(LONG).await;
    robot.disk.fail(&[Fault::Append]);
    assert!(matches!(spool.report_result(&shop("a"), &a_report()).await, Ok(Handed::Delivered(_))));
    spool.flush(LONG).await;
    let segments = std::fs::read_dir(robot.folder.path()).unwrap().filter(|file| {
        file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "spool")
    });
    assert_eq!(segments.count(), 0, "a segment of which nothing is needed does not fill the disk");
    spooled(&spool, &shop("a")).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_somebody_removed_is_not_written_to_any_longer() {
    let robot = Robot::new();
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    let spool = robot.open();
    spooled(&spool, &shop("a")).await;
    for file in std::fs::read_dir(robot.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "spool") {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert!(matches!(try_spool(&spool).await, Err(HandError::Unsafe(_))), "it would be gone");
    let report = try_spool(&spool).await.unwrap();
    drop(spool);
    assert_eq!(all_in(&robot).await, [report]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_slow_to_settle_keeps_what_lies_behind_it() {
    let mut robot = Robot::new();
    robot.options.segment_bytes = 500;
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    let spool = robot.open();
    let first = spooled(&spool, &shop("a")).await;
    for _ in 0..100 {
        spooled(&spool, &shop("b")).await;
    }
    // Copying what is left of the oldest segment fails at every place it can.
    robot.disk.fail(&[Fault::Append, Fault::Sync, Fault::Create, Fault::Append, Fault::Cut]);
    for _ in 0..20 {
        drop(spool.report_result(&shop("b"), &a_report()).await);
        spool.flush(Duration::from_secs(1)).await;
    }
    drop(spool);
    let left = all_in(&robot).await;
    assert!(left.contains(&first), "the oldest report is still there");
}
