//! A stopped destination that nobody resumes.

use super::*;
use crate::spool::lane::PROBE;

/// The spool, with a destination that is stopped, and how often that was told.
async fn stopped() -> (Robot, Spool, Arc<Mutex<usize>>) {
    let mut robot = Robot::new();
    let told = Arc::<Mutex<usize>>::default();
    let hears = told.clone();
    robot.options.on_alarm = Some(Arc::new(move |alarm| {
        *hears.lock().unwrap() += usize::from(matches!(alarm, SpoolAlarm::Stopped { .. }));
    }));
    robot.options.at_once = 1; // so that none is on its way when it is stopped
    robot.receivers.set(&shop("a"), Mode::LocksOutLate);
    let spool = robot.open();
    for _ in 0..3 {
        spooled(&spool, &shop("a")).await;
    }
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    robot.receivers.late.notify_one();
    until(&spool, |status| !status.stopped.is_empty()).await;
    (robot, spool, told)
}

async fn until(spool: &Spool, holds: impl Fn(&SpoolStatus) -> bool) {
    while !holds(&spool.status()) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_destination_gets_one_report_at_a_time_and_seldom_and_is_told_of_once() {
    let (robot, spool, told) = stopped().await;
    while robot.receivers.sent().len() < 5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let at: Vec<_> = robot.receivers.sent().iter().map(|sent| sent.at).collect();
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= PROBE), "{at:?}");
    assert_eq!(spool.status().stopped.len(), 1, "it stays stopped as long as it refuses");
    assert_eq!(*told.lock().unwrap(), 1, "and that is told once");
    assert_eq!((spool.status().waiting, spool.status().dead), (3, 0), "and costs no report a try");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_destination_that_takes_reports_again_gets_all_of_them_though_nobody_resumes_it() {
    let (robot, spool, _) = stopped().await;
    let refused = robot.receivers.sent().len();
    robot.receivers.set(&shop("a"), Mode::Takes);
    until(&spool, |status| status.waiting == 0).await;
    assert_eq!(spool.status().stopped, [], "the first that is taken lets the others go");
    assert_eq!(robot.receivers.sent().len(), refused + 3, "each report once");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_the_endpoint_refuses_by_itself_shows_that_it_is_back() {
    let (robot, spool, _) = stopped().await;
    robot.receivers.set(&shop("a"), Mode::Refuses);
    until(&spool, |status| status.dead == 3).await;
    assert_eq!(spool.status().stopped, []);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_destination_that_gives_no_answer_stays_stopped() {
    let (robot, spool, told) = stopped().await;
    let refused = robot.receivers.sent().len();
    robot.receivers.set(&shop("a"), Mode::Busy(None));
    while robot.receivers.sent().len() < refused + 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let at: Vec<_> = robot.receivers.sent().iter().map(|sent| sent.at).collect();
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= PROBE), "{at:?}");
    assert_eq!((spool.status().stopped.len(), *told.lock().unwrap()), (1, 1));
}
