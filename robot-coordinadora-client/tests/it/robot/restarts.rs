//! A robot whose process ended, in order or not, and what the next one makes of what it finds.

use std::fs;
use std::time::Duration;

use robot_callback_core::ErrorType::Portal;
use robot_coordinadora_client::{Acceptance, BatchRequest, Keyring, MemoryKeyring, RobotOptions};

use super::portal::{Fault, Search};
use super::sink::Failure;
use super::world::{Told, World, batch};

/// A world whose robot was killed while the portal was creating the second of three orders.
pub(crate) fn killed_while_creating(fault: Fault) -> (World, BatchRequest) {
    killed_with(batch(["#1", "#2", "#3"]), fault)
}

/// The same, with that batch.
pub(crate) fn killed_with(batch: BatchRequest, fault: Fault) -> (World, BatchRequest) {
    let world = World::new();
    let options = RobotOptions { order_limit: Duration::from_secs(3600), ..world.options.clone() };
    let world = World { options, ..world };
    world.portal.fault("#2", fault);
    world.until_killed(|robot| async {
        robot.accept(batch.clone()).await.unwrap();
        world.portal.until_submitted("#2").await;
        drop(robot);
    });
    (world, batch)
}

/// What the restarted robot reported. The killed one could not close its session.
fn recovered(world: &World, batch: &BatchRequest) -> Vec<Told> {
    world.portal.facts().closed += 1;
    world.recover();
    assert!(world.portal.facts().submitted.len() <= 3, "no order is submitted twice");
    world.told(batch)
}

#[test]
fn an_order_that_was_being_created_is_looked_up_after_a_restart() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    let told = recovered(&world, &batch);
    assert_eq!(told, ["73150000001", "73150000002", "73150000003"].map(Told::success));
    assert_eq!(world.portal.facts().looked_up, ["#2"]);
}

#[test]
fn an_order_that_the_portal_does_not_show_is_not_submitted_again() {
    let (world, batch) = killed_while_creating(Fault::Hangs);
    let told = recovered(&world, &batch);
    assert!(told[1].may_exist("el robot se reinició"), "{told:?}");
    assert_eq!(world.portal.facts().submitted, ["#1", "#2", "#3"]);
}

#[test]
fn an_order_that_the_portal_can_not_tell_of_is_not_submitted_again() {
    for search in [Search::Unclear, Search::Fails, Search::Panics] {
        let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
        world.portal.facts().search = search;
        let told = recovered(&world, &batch);
        assert!(told[1].may_exist("el robot se reinició"), "{told:?}");
        assert_eq!(world.portal.facts().submitted, ["#1", "#2", "#3"]);
        assert_eq!(told[2], Told::success("73150000003"), "the others go on");
    }
}

#[test]
fn without_the_credentials_the_waiting_orders_end_as_a_failed_login() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    world.keyring.forget(&format!("portal:{}", batch.job_id));
    let told = recovered(&world, &batch);
    assert_eq!(told[0], Told::success("73150000001"));
    assert!(told[1].may_exist("ya no tiene las credenciales"), "{told:?}");
    let words = "Error de inicio de sesión en el portal: el robot se reinició y ya no tiene las credenciales";
    assert_eq!(told[2], Told::error(Portal, words));
}

#[test]
fn an_accepted_job_is_remembered_for_good_and_so_is_a_rejected_one() {
    let (world, accepted, rejected) = (World::new(), batch(["#1"]), batch(["-2"]));
    world.until_killed(|robot| async {
        robot.accept(accepted.clone()).await.unwrap();
        robot.accept(rejected.clone()).await.unwrap();
        robot.idle().await;
        drop(robot);
    });
    let world = World { keyring: MemoryKeyring::new().into(), ..world };
    for _ in 0..2 {
        world.until_killed(|robot| async {
            assert_eq!(robot.accept(accepted.clone()).await.unwrap(), Acceptance::AlreadyAccepted);
            let answer = robot.accept(rejected.clone()).await.unwrap();
            assert!(matches!(answer, Acceptance::Rejected(_)), "{answer:?}");
            robot.idle().await;
            drop(robot);
        });
    }
    assert_eq!(world.sink.reports().len(), 2, "and nothing is reported again");
    assert_eq!(world.portal.facts().submitted, ["#1"]);
}

#[test]
fn results_that_were_not_taken_are_handed_over_after_a_restart() {
    let (world, batch) = (World::new(), batch(["#1", "-2", "#3"]));
    let options = RobotOptions { again_after: Duration::from_secs(3600), ..world.options.clone() };
    let world = World { options, ..world };
    world.sink.kept().failures = vec![Failure::Unsafe; 100];
    world.until_killed(|robot| async {
        robot.accept(batch.clone()).await.unwrap();
        while world.portal.facts().closed == 0 {
            tokio::task::yield_now().await;
        }
        drop(robot);
    });
    assert_eq!(world.sink.reports(), []);
    world.sink.kept().failures.clear();
    world.recover();
    assert_eq!(world.told(&batch)[2], Told::success("73150000002"));
    assert_eq!(world.portal.facts().logins, 1, "nothing is asked of the portal for that");
}

#[test]
fn a_shutdown_lets_the_order_at_hand_end_and_the_rest_goes_on_at_the_next_start() {
    let (world, batch) = (World::new(), batch(["#1", "#2", "#3"]));
    let options = RobotOptions { order_limit: Duration::from_secs(3600), ..world.options.clone() };
    let world = World { options, ..world };
    world.portal.fault("#2", Fault::Waits);
    world.until_killed(|robot| async {
        robot.accept(batch.clone()).await.unwrap();
        world.portal.until_submitted("#2").await;
        world.shut_down(&robot, &batch).await;
        assert_eq!(world.portal.facts().closed, 1, "the session is closed");
        assert_eq!(world.sink.reports().len(), 2, "what was known is reported");
        drop(robot);
    });
    assert_eq!(world.portal.facts().submitted, ["#1", "#2"]);
    world.recover();
    let told = world.told(&batch);
    assert_eq!(told, ["73150000001", "73150000002", "73150000003"].map(Told::success));
}

#[test]
fn after_damage_no_order_is_submitted_and_all_are_accounted_for() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    let file = world.options.folder.join(format!("{}.job", batch.job_id));
    let mut bytes = fs::read(&file).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let intent = text.find(&format!(r#""intent":"{}"#, batch.orders[1].item_id)).unwrap();
    bytes[intent] ^= 4;
    // So that the damage is not at the end, where a power cut may leave it.
    bytes.extend(b"\0".repeat(200));
    fs::write(&file, &bytes).unwrap();
    let told = recovered(&world, &batch);
    assert_eq!(told[0], Told::success("73150000001"), "what was known stays");
    assert_eq!(told[1], Told::success("73150000002"), "what the portal knows is found");
    assert!(told[2].may_exist("el robot se reinició"), "{told:?}");
    assert_eq!(world.portal.facts().submitted, ["#1", "#2"]);
    let kept = fs::read(world.options.folder.join("damaged").join(format!("{}.job", batch.job_id))).unwrap();
    assert_eq!(kept, bytes, "a copy of what was damaged is kept");
}

#[test]
fn a_batch_of_which_nothing_is_left_is_never_accepted_again() {
    let (world, batch) = killed_while_creating(Fault::HangsAfterCreating);
    fs::write(world.options.folder.join(format!("{}.job", batch.job_id)), "").unwrap();
    world.recover();
    world.until_killed(|robot| async move {
        assert_eq!(robot.accept(batch).await.unwrap(), Acceptance::AlreadyAccepted);
    });
    assert_eq!(world.portal.facts().submitted, ["#1", "#2"]);
}

#[test]
fn a_batch_whose_writing_was_cut_short_was_never_accepted() {
    let (world, batch) = (World::new(), batch(["#1"]));
    fs::create_dir_all(&world.options.folder).unwrap();
    fs::write(world.options.folder.join(format!("{}.job.unfinished", batch.job_id)), "rc1 0000").unwrap();
    world.until_killed(|robot| async {
        assert_eq!(robot.accept(batch.clone()).await.unwrap(), Acceptance::Accepted);
        robot.idle().await;
        drop(robot);
    });
    assert_eq!(world.told(&batch), [Told::success("73150000001")]);
    assert!(!world.on_disk().contains("unfinished"), "{}", world.on_disk());
}
