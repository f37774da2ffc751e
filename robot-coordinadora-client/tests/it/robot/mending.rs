//! A journal that the disk does not let the next robot mend, or read.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use robot_callback_core::{ItemId, JobId};
use robot_coordinadora_client::{Acceptance, BatchRequest, RobotError};

use super::portal::Fault;
use super::restarts::killed_while_creating;
use super::world::World;

/// The same orders once more, as another job.
fn once_more(batch: &BatchRequest) -> BatchRequest {
    let mut again = BatchRequest { job_id: JobId::random(), ..batch.clone() };
    again.orders.iter_mut().for_each(|order| order.item_id = ItemId::random());
    again
}

/// The robot restarts while the file of its batch can't be written anew, and ends the batch once it can.
fn mended_late(world: &World, batch: &BatchRequest) {
    let name = format!("{}.job.unfinished", batch.job_id);
    // A folder in the place of the file that is to be written: no user may write that, and root is no exception.
    let obstacles = ["", "damaged"].map(|inner| world.options.folder.join(inner).join(&name));
    obstacles.iter().for_each(|obstacle| fs::create_dir(obstacle).unwrap());
    world.until_killed(|robot| async move {
        let answer = robot.accept(once_more(batch)).await.unwrap();
        assert_eq!(answer, Acceptance::Busy, "the batch is there, and its orders are nobody else's");
        obstacles.iter().for_each(|obstacle| fs::remove_dir(obstacle).unwrap());
        robot.idle().await;
    });
    world.portal.facts().closed += 1; // the killed robot could not close its session
    world.told(batch);
    let submitted = world.portal.facts().submitted.clone();
    assert_eq!(submitted.iter().collect::<BTreeSet<_>>().len(), submitted.len(), "{submitted:?}: none twice");
}

#[test]
fn a_batch_whose_torn_journal_can_not_be_mended_at_the_start_waits_for_the_disk_and_keeps_its_orders() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    let file = world.options.folder.join(format!("{}.job", batch.job_id));
    let bytes = [fs::read(&file).unwrap(), b"rc1 0000".to_vec()].concat();
    fs::write(&file, bytes).unwrap();
    mended_late(&world, &batch);
}

#[test]
fn a_batch_whose_damaged_journal_can_not_be_copied_at_the_start_waits_for_the_disk_and_the_copy_is_kept() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    let name = format!("{}.job", batch.job_id);
    let bytes = [fs::read(world.options.folder.join(&name)).unwrap(), b"\0".repeat(200)].concat();
    fs::write(world.options.folder.join(&name), &bytes).unwrap();
    mended_late(&world, &batch);
    assert_eq!(fs::read(world.options.folder.join("damaged").join(&name)).unwrap(), bytes);
}

#[test]
fn a_robot_does_not_start_without_a_batch_that_can_not_be_read_and_loses_nothing_of_it() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    let name = format!("{}.job", batch.job_id);
    let (file, elsewhere) = (world.options.folder.join(&name), world.folder.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    fs::create_dir(&file).unwrap();
    let started = super::world::runtime().block_on(world.try_robot());
    let Err(RobotError::Journal(error)) = started else { panic!("{started:?}") };
    assert!(error.to_string().contains(&name), "{error}: it names the file");
    assert!(error.source().is_some(), "and says why");
    fs::remove_dir(&file).unwrap();
    fs::rename(&elsewhere, &file).unwrap();
    world.portal.facts().closed += 1;
    world.recover();
    world.told(&batch);
}
