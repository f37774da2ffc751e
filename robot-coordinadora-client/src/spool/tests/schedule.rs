//! When reports are tried again, in days that pass in a moment.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn planned() -> Vec<Duration> {
    SpoolOptions::default().schedule
}

/// The waits between the attempts at that report.
fn waits(receivers: &Receivers, report: &Report) -> Vec<Duration> {
    let sent: Vec<_> = receivers.sent().into_iter().filter(|sent| sent.report == *report).collect();
    sent.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
}

#[tokio::test(start_paused = true)]
async fn a_report_is_tried_by_the_whole_schedule_with_jitter_and_then_kept_as_a_dead_letter() {
    let robot = Robot::new();
    robot.receivers.set(&shop("a"), Mode::Busy(None));
    let spool = robot.open();
    let report = spooled(&spool, &shop("a")).await;
    let left = spool.flush(LONG).await;
    assert_eq!((left.waiting, left.dead), (0, 1));
    let waits = waits(&robot.receivers, &report);
    assert_eq!(waits.len(), planned().len());
    for (wait, planned) in waits.iter().zip(planned()) {
        let latest = planned.mul_f64(1.2) + SECOND * 2; // a rest, and a step of the ticker
        assert!((planned..=latest).contains(wait), "{wait:?} for a planned {planned:?}");
    }
    assert!(
        waits.iter().zip(planned()).any(|(wait, planned)| *wait > planned.mul_f64(1.02)),
        "there is jitter"
    );
}

#[tokio::test(start_paused = true)]
async fn the_receivers_wait_is_honoured_for_all_that_goes_there_up_to_the_longest_of_the_schedule() {
    let hour = Duration::from_secs(3600);
    for (asked, waited) in [(hour, hour), (LONG, *planned().last().unwrap())] {
        let robot = Robot::new();
        robot.receivers.set(&shop("a"), Mode::Busy(Some(asked)));
        let spool = robot.open();
        spooled(&spool, &shop("a")).await;
        while robot.receivers.sent().is_empty() {
            tokio::time::sleep(SECOND / 10).await;
        }
        robot.receivers.set(&shop("a"), Mode::Takes);
        spooled(&spool, &shop("a")).await;
        assert_eq!(spool.flush(LONG).await.waiting, 0);
        let sent = robot.receivers.sent();
        assert!(sent[1..].iter().all(|later| later.at - sent[0].at >= waited), "{sent:?}");
        assert!(sent.last().unwrap().at - sent[0].at < LONG / 2, "but not for as long as it likes: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn how_often_a_report_failed_and_when_it_is_due_survive_a_restart() {
    let mut robot = Robot::new();
    robot.options.schedule = vec![SECOND * 7200, SECOND];
    robot.receivers.set(&shop("a"), Mode::Busy(None));
    let spool = robot.open();
    let report = spooled(&spool, &shop("a")).await;
    while robot.receivers.sent().is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    spool.shutdown(SECOND).await;
    let spool = robot.open();
    let left = spool.flush(LONG).await;
    assert_eq!(left.dead, 1);
    let waits = waits(&robot.receivers, &report);
    assert_eq!(waits.len(), 2, "three attempts in all, not three for each start");
    assert!(waits[0] >= SECOND * 7190, "the restart did not hurry it: {waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_wrong_delays_no_report_for_longer_than_the_longest_wait() {
    let mut robot = Robot::new();
    robot.options.schedule = vec![SECOND * 1_000_000];
    robot.receivers.set(&shop("a"), Mode::Busy(None));
    let spool = robot.open();
    spooled(&spool, &shop("a")).await;
    while robot.receivers.sent().is_empty() {
        tokio::time::sleep(SECOND / 10).await;
    }
    spool.shutdown(SECOND).await;
    robot.options.schedule = vec![SECOND * 10];
    robot.receivers.set(&shop("a"), Mode::Takes);
    let (spool, opened) = (robot.open(), Instant::now());
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    let waited = robot.receivers.sent().last().unwrap().at - opened;
    assert!(waited <= SECOND * 1000, "{waited:?}, not a million seconds");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_looked_for_once_a_minute_and_gets_everything_once_it_is_back() {
    let robot = Robot::new();
    // Time must not begin to fly before all of them are on the disk.
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    let spool = robot.open();
    for _ in 0..300 {
        spooled(&spool, &shop("a")).await;
    }
    let before = robot.receivers.sent().len();
    robot.receivers.set(&shop("a"), Mode::Hangs);
    spool.resume(&shop("a"));
    tokio::time::sleep(SECOND * 3600).await;
    let attempts = robot.receivers.sent().len() - before;
    assert!((40..250).contains(&attempts), "{attempts} attempts in an hour, at 300 reports");
    let highest = {
        let index = spool.shared.index();
        (0..1000).filter_map(|seq| index.standing(seq)).map(|standing| standing.tries).max()
    };
    assert!(highest <= Some(4), "no report uses up its schedule for that: {highest:?} tries");
    robot.receivers.set(&shop("a"), Mode::Takes);
    tokio::time::sleep(SECOND * 130).await;
    let left = spool.status().waiting;
    assert!(
        left < attempts.min(300),
        "all is sent but what waits for its own time: {left}, {:?}",
        spool.shared.index()
    );
    assert!(spool.flush(LONG).await.waiting == 0, "and that at its time");
    assert_eq!(robot.receivers.taken().len(), 300);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_panics_is_a_failed_one() {
    let robot = Robot::new();
    robot.receivers.set(&shop("a"), Mode::Panics);
    let spool = robot.open();
    let report = spooled(&spool, &shop("a")).await;
    while robot.receivers.sent().len() < 2 {
        tokio::time::sleep(SECOND / 10).await;
    }
    robot.receivers.set(&shop("a"), Mode::Takes);
    assert_eq!(spool.flush(LONG).await.waiting, 0);
    assert!(waits(&robot.receivers, &report)[0] >= planned()[0], "by the schedule");
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let options = SpoolOptions::default();
    let hours = |hours: u64| Duration::from_secs(3600 * hours);
    let first = [SECOND * 5, SECOND * 300, SECOND * 1800];
    let rest = [2, 5, 10, 14, 20, 24].map(hours);
    assert_eq!(options.schedule, [&first[..], &rest[..]].concat());
    assert_eq!((options.max_bytes, options.segment_bytes, options.at_once), (256 << 20, 4 << 20, 4));
    assert_eq!((options.rest.base, options.rest.cap, options.look_again), (SECOND, SECOND * 60, SECOND * 30));
    assert!(options.on_alarm.is_none());
    assert_ne!(options.seed, SpoolOptions::default().seed, "the seed is random");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_what_was_sent_before_a_destination_was_resumed_does_not_stop_it_again() {
    let robot = Robot::new();
    robot.receivers.set(&shop("a"), Mode::LocksOutLate);
    let spool = robot.open();
    spooled(&spool, &shop("a")).await;
    while robot.receivers.sent().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    spooled(&spool, &shop("a")).await;
    while spool.status().stopped.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    robot.receivers.set(&shop("a"), Mode::Takes);
    spool.resume(&shop("a"));
    robot.receivers.late.notify_one();
    let left = spool.flush(LONG).await;
    assert_eq!(
        (left.waiting, left.stopped.len()),
        (0, 0),
        "the new secret counts, not the old answer: {left:?}"
    );
    assert_eq!(robot.receivers.sent().len(), 4, "the late refusal, the prompt one, and both reports again");
}

#[tokio::test(start_paused = true)]
async fn a_flush_may_take_for_ever() {
    let robot = Robot::new();
    let spool = robot.open();
    spooled(&spool, &shop("a")).await;
    assert_eq!(spool.flush(Duration::MAX).await.waiting, 0);
    assert_eq!(spool.shutdown(Duration::MAX).await.waiting, 0);
}
