//! A disk that is full, in the middle of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use robot_callback_core::Report;
use robot_coordinadora_client::{HandError, Handed, Keyring, MemoryKeyring, Spool};

use super::{LONG, Robot, a_report, crm, spooled, until};
use crate::server::{Server, applied};
use crate::small_disk::SmallDisk;
use crate::{SECRET, client};

/// A small disk, and a server for which there is no secret at first, so that nothing leaves.
struct World {
    disk: SmallDisk,
    keyring: Arc<MemoryKeyring>,
    server: Server,
    /// What was acknowledged.
    safe: Vec<Report>,
}

impl World {
    /// `None` where the test runs in a process of its own.
    async fn of(test: &str) -> Option<Self> {
        let disk = SmallDisk::of(test).await?;
        let server = Server::start([applied()]).await;
        Some(Self { disk, keyring: Arc::default(), server, safe: Vec::new() })
    }

    fn open(&self, segment_bytes: u64) -> Spool {
        let options = robot_coordinadora_client::SpoolOptions { segment_bytes, ..Robot::new().options };
        Spool::open(self.disk.path().join("spool"), client(), self.keyring.clone(), options).unwrap()
    }

    async fn hand_over(&mut self, spool: &Spool, reports: usize) {
        self.safe.extend(spooled(spool, &crm(&self.server), reports).await);
    }

    /// Hands over until the disk takes no more; what is said then.
    async fn until_full(&mut self, spool: &Spool) -> HandError {
        loop {
            let report = a_report();
            match spool.report_result(&crm(&self.server), &report).await {
                Ok(handed) => assert_eq!(handed, Handed::Spooled, "without a secret nothing goes directly"),
                Err(error) => return error,
            }
            self.safe.push(report);
        }
    }

    /// Everything leaves, and is what was acknowledged.
    async fn deliver(&self, spool: &Spool) {
        self.keyring.keep("crm", SECRET).unwrap();
        // Not by a flush: an attempt that began without the secret may stop the destination once more.
        until(spool, |status| status.waiting == 0).await;
        spool.flush(LONG).await;
        let requests = self.server.requests();
        let told = |report: &Report| {
            requests.iter().filter(|request| request.contains(&report.item_id.to_string())).count()
        };
        let times: BTreeSet<_> = self.safe.iter().map(told).collect();
        assert_eq!(times, BTreeSet::from([1]), "every acknowledged report is delivered, once");
        assert_eq!(requests.len(), self.safe.len(), "and none that was not acknowledged");
    }
}

const ONE_SEGMENT: u64 = 1 << 20;

#[tokio::test]
async fn on_a_full_disk_the_caller_is_told_why_and_with_room_again_it_goes_on() {
    const NAME: &str = "spool::full::on_a_full_disk_the_caller_is_told_why_and_with_room_again_it_goes_on";
    let Some(mut world) = World::of(NAME).await else { return };
    let spool = world.open(ONE_SEGMENT);
    world.hand_over(&spool, 20).await;
    world.disk.fill();
    let HandError::Unsafe(cause) = world.until_full(&spool).await else { panic!("it may be tried again") };
    assert!(cause.to_string().starts_with("the disk did not take it ("), "{cause}");
    let direct = cause.source().map(ToString::to_string);
    assert_eq!(direct.as_deref(), Some("the keyring has no secret crm"), "and why it did not go directly");
    assert!(spool.status().disk_error.is_some(), "and the operator sees it");
    assert_eq!(spool.status().waiting, world.safe.len(), "what was not taken is not there");
    world.disk.free();
    world.hand_over(&spool, 20).await;
    assert_eq!(spool.status().disk_error, None, "it goes on by itself");
    drop(spool);
    let spool = world.open(ONE_SEGMENT);
    let status = spool.status();
    assert_eq!(status.waiting, world.safe.len(), "all is there for the next process: {status:?}");
    assert_eq!(status.damaged, 0, "what was cut off is no damage");
    world.deliver(&spool).await;
}

#[tokio::test]
async fn on_a_full_disk_a_spool_is_opened_and_loses_nothing_that_was_acknowledged() {
    const NAME: &str =
        "spool::full::on_a_full_disk_a_spool_is_opened_and_loses_nothing_that_was_acknowledged";
    let Some(mut world) = World::of(NAME).await else { return };
    let spool = world.open(ONE_SEGMENT);
    world.hand_over(&spool, 20).await;
    world.disk.fill();
    world.until_full(&spool).await;
    drop(spool);
    let spool = world.open(ONE_SEGMENT);
    assert_eq!(spool.status().waiting, world.safe.len(), "a full disk keeps all that was acknowledged");
    world.until_full(&spool).await;
    world.disk.free();
    world.hand_over(&spool, 20).await;
    world.deliver(&spool).await;
}

#[tokio::test]
async fn on_a_full_disk_what_is_delivered_makes_room_for_what_comes() {
    const NAME: &str = "spool::full::on_a_full_disk_what_is_delivered_makes_room_for_what_comes";
    let Some(mut world) = World::of(NAME).await else { return };
    let spool = world.open(4096);
    world.hand_over(&spool, 60).await;
    world.disk.fill();
    world.until_full(&spool).await;
    world.deliver(&spool).await;
    if world.disk.is_limited() {
        world.disk.free();
    }
    world.hand_over(&spool, 20).await;
    world.deliver(&spool).await;
}
