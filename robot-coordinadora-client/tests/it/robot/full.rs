//! A disk that is full in the middle of a batch.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use robot_callback_core::Report;
use robot_coordinadora_client::{AcceptError, Acceptance, BatchRequest, Robot, RobotOptions};

use super::portal::{Fault, LoginFault};
use super::world::{Told, World, batch};
use crate::small_disk::SmallDisk;
use crate::spool::LONG;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Hears of everything that this process logs from now on.
    fn of_this_process() -> Self {
        let log = Self::default();
        let written = log.clone();
        tracing_subscriber::fmt().with_writer(move || written.clone()).with_ansi(false).init();
        log
    }

    /// How often that was logged.
    fn told(&self, words: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).matches(words).count()
    }
}

#[tokio::test]
async fn a_batch_whose_journal_meets_a_full_disk_waits_for_room_and_loses_and_repeats_nothing() {
    const NAME: &str =
        "robot::full::a_batch_whose_journal_meets_a_full_disk_waits_for_room_and_loses_and_repeats_nothing";
    const ORDERS: usize = 40;
    let Some(disk) = SmallDisk::of(NAME).await else { return };
    let log = Log::of_this_process();
    let world = world_on(&disk);
    let references = std::array::from_fn::<_, ORDERS, _>(|number| format!("#{number}"));
    let batch = batch(references.each_ref().map(String::as_str));
    let robot = world.robot().await;

    disk.fill();
    let refused = robot.accept(batch.clone()).await;
    assert!(matches!(refused, Err(AcceptError::NotKept(_))), "a full disk accepts nothing: {refused:?}");
    assert_eq!(world.portal.facts().logins, 0, "and nothing is done of it");
    disk.free();

    world.portal.fault("#1", Fault::Waits);
    assert_eq!(robot.accept(batch.clone()).await.unwrap(), Acceptance::Accepted, "the same batch, with room");
    world.portal.until_submitted("#1").await;
    disk.fill();
    world.portal.release();
    for times in 1..=3 {
        let waits = async {
            while log.told("the journal can't be written; the batch waits for it") < times {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LONG, waits).await.expect("a full disk stops the batch");
    }
    let submitted = world.portal.facts().submitted.len();
    let file = disk.path().join("journal").join(format!("{}.job", batch.job_id));
    let intents = std::fs::read_to_string(file).unwrap().matches("intent").count();
    assert!((2..ORDERS).contains(&submitted), "the batch waits: {submitted} orders are submitted");
    assert!(submitted <= intents, "no order is submitted unrecorded: {submitted}, and {intents} intents");
    disk.free();
    robot.idle().await;
    let told = world.told(&batch);
    assert!(told.iter().all(|told| matches!(told, Told::Success(_))), "every order is created: {told:?}");
    let submitted = world.portal.facts().submitted.clone();
    assert_eq!(submitted.len(), ORDERS, "and none is submitted twice");
    assert_eq!(submitted.iter().collect::<BTreeSet<_>>().len(), ORDERS);
}

/// A robot at work in a folder on that disk.
fn world_on(disk: &SmallDisk) -> World {
    let world = World::new();
    let options = RobotOptions {
        folder: disk.path().join("journal"),
        order_limit: Duration::from_secs(3600),
        ..world.options.clone()
    };
    World { options, ..world }
}

/// Shuts the robot down while it waits for the portal, and lets the portal answer on a full disk.
async fn shut_down_on_a_full_disk(world: &World, disk: &SmallDisk, robot: Robot, batch: &BatchRequest) {
    disk.fill();
    world.shut_down(&robot, batch).await;
    disk.free();
}

#[tokio::test]
async fn a_number_that_is_known_is_handed_over_at_a_shutdown_though_the_disk_is_full() {
    const NAME: &str =
        "robot::full::a_number_that_is_known_is_handed_over_at_a_shutdown_though_the_disk_is_full";
    let Some(disk) = SmallDisk::to_the_byte(NAME).await else { return };
    let (world, batch) = (world_on(&disk), batch(["#1", "#2"]));
    world.portal.fault("#1", Fault::Waits);
    let robot = world.robot().await;
    robot.accept(batch.clone()).await.unwrap();
    world.portal.until_submitted("#1").await;
    shut_down_on_a_full_disk(&world, &disk, robot, &batch).await;
    let known = Report::success(batch.orders[0].item_id, "73150000001");
    assert_eq!(
        world.sink.reports(),
        std::slice::from_ref(&known),
        "the sink works, and it is known nowhere else"
    );
    world.robot().await.idle().await;
    assert_eq!(world.portal.facts().submitted, ["#1", "#2"], "and no order is submitted twice");
    let [first, again, other] = &world.sink.reports()[..] else { panic!("{:?}", world.sink.reports()) };
    assert_eq!((first, again), (&known, &known), "what was not written down is reported again, and the same");
    assert_eq!(*other, Report::success(batch.orders[1].item_id, "73150000002"));
}

#[tokio::test]
async fn an_order_that_was_never_submitted_is_not_reported_while_the_disk_does_not_know_it() {
    const NAME: &str =
        "robot::full::an_order_that_was_never_submitted_is_not_reported_while_the_disk_does_not_know_it";
    let Some(disk) = SmallDisk::to_the_byte(NAME).await else { return };
    let (world, batch) = (world_on(&disk), batch(["#1", "#2"]));
    world.portal.facts().login_faults = vec![Some(LoginFault::RefusesLate)];
    let robot = world.robot().await;
    robot.accept(batch.clone()).await.unwrap();
    while world.portal.facts().logins == 0 {
        tokio::task::yield_now().await;
    }
    shut_down_on_a_full_disk(&world, &disk, robot, &batch).await;
    assert_eq!(world.sink.reports(), [], "after a restart it is submitted");
    world.robot().await.idle().await;
    assert_eq!(world.told(&batch), ["73150000001", "73150000002"].map(Told::success));
}
