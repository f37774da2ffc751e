//! Which attempt a report is on: its order's, whatever became of that.

use robot_coordinadora_client::{Acceptance, BatchRequest};

use super::portal::{Fault, LoginFault};
use super::restarts::killed_with;
use super::world::{World, batch};

/// The batch, its orders the first attempt, the second and so on, and the last one does not say.
fn numbered(mut batch: BatchRequest) -> BatchRequest {
    let (_, numbered) = batch.orders.split_last_mut().unwrap();
    for (attempt, order) in (1..).zip(numbered) {
        order.attempt = Some(attempt);
    }
    batch
}

fn assert_each_names_its_attempt(world: &World, batch: &BatchRequest) {
    let reports = world.sink.reports();
    assert_eq!(reports.len(), batch.orders.len(), "each is reported: {reports:?}");
    for report in reports {
        let order = batch.orders.iter().find(|order| order.item_id == report.item_id).unwrap();
        assert_eq!(report.attempt, order.attempt, "{report:?}");
    }
}

#[tokio::test]
async fn every_report_names_the_attempt_that_its_order_is() {
    let world = World::new();
    let mut batch = numbered(batch(["-1", "#2", "#3", "#4", "#5", "#6"]));
    batch.orders[4].order_id = batch.orders[1].order_id; // in process already
    world.portal.fault("#3", Fault::Refuses);
    world.portal.fault("#4", Fault::Fails);
    world.process(&batch).await;
    assert_each_names_its_attempt(&world, &batch);
}

#[tokio::test]
async fn so_does_a_report_on_an_order_that_was_not_even_tried() {
    let (world, batch) = (World::new(), numbered(batch(["#1", "#2"])));
    world.portal.facts().login_faults = vec![Some(LoginFault::Refuses)];
    world.process(&batch).await;
    assert_each_names_its_attempt(&world, &batch);
    let (world, batch) = (World::new(), numbered(super::world::batch(["-1", "-2"])));
    let robot = world.robot().await;
    assert!(matches!(robot.accept(batch.clone()).await, Ok(Acceptance::Rejected(_))));
    robot.idle().await;
    assert_each_names_its_attempt(&world, &batch);
}

#[test]
fn so_does_a_report_of_the_next_process() {
    for fault in [Fault::Hangs, Fault::HangsAfterCreating] {
        let (world, batch) = killed_with(numbered(batch(["#1", "#2", "#3"])), fault);
        world.portal.facts().closed += 1;
        world.recover();
        assert_each_names_its_attempt(&world, &batch);
    }
}
