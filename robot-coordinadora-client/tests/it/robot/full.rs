//! A disk that is full in the middle of a batch.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use robot_coordinadora_client::{AcceptError, Acceptance, RobotOptions};

use super::portal::Fault;
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
    let world = World::new();
    let limit = Duration::from_secs(3600);
    let options =
        RobotOptions { folder: disk.path().join("journal"), order_limit: limit, ..world.options.clone() };
    let world = World { options, ..world };
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
