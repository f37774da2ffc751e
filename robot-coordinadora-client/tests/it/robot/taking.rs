//! Which batches a robot takes, and how it works on several.

use std::sync::Arc;
use std::time::Duration;

use robot_coordinadora_client::{
    AcceptError, Acceptance, Keyring, Rejection, RequestError, Robot, RobotError, RobotOptions,
};
use tokio::task::JoinSet;

use super::portal::Fault;
use super::world::{CALLBACK_SECRET, PASSWORD, Told, World, batch};

#[tokio::test]
async fn a_workspace_has_one_batch_in_process_at_a_time_and_others_are_not_held_up() {
    let world = World::new();
    let (first, mut second, elsewhere) = (batch(["#1", "#2"]), batch(["#3"]), batch(["#4"]));
    second.workspace_id = first.workspace_id;
    world.portal.fault("#1", Fault::Waits);
    let options = RobotOptions { order_limit: Duration::from_secs(3600), ..world.options.clone() };
    let world = World { options, ..world };
    let robot = world.robot().await;
    robot.accept(first.clone()).await.unwrap();
    assert_eq!(robot.accept(second.clone()).await.unwrap(), Acceptance::Busy);
    assert_eq!(robot.accept(elsewhere).await.unwrap(), Acceptance::Accepted);
    world.portal.until_submitted("#4").await;
    assert_eq!(robot.accept(second.clone()).await.unwrap(), Acceptance::Busy, "#1 is still being created");
    assert_eq!(robot.accept(first).await.unwrap(), Acceptance::AlreadyAccepted, "which is known before");
    world.portal.release();
    robot.idle().await;
    assert_eq!(robot.accept(second).await.unwrap(), Acceptance::Accepted, "a busy answer is not for good");
    robot.idle().await;
    assert_eq!(world.sink.reports().len(), 4);
}

#[tokio::test]
async fn a_job_sent_many_times_at_once_is_accepted_once() {
    let (world, batch) = (World::new(), batch(["#1", "#2"]));
    let robot = world.robot().await;
    let mut senders = JoinSet::new();
    for _ in 0..16 {
        let (robot, batch) = (robot.clone(), batch.clone());
        senders.spawn(async move { robot.accept(batch).await.unwrap() });
    }
    let answers = senders.join_all().await;
    robot.idle().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Acceptance::Accepted).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Acceptance::AlreadyAccepted).count(), 15);
    world.told(&batch);
    assert_eq!(world.portal.facts().submitted, ["#1", "#2"]);
}

#[tokio::test(start_paused = true)]
async fn the_portal_is_left_alone_between_two_orders_and_not_after_the_last() {
    let world = World::new();
    let pause = RobotOptions::in_folder("").pause;
    assert_eq!(pause, Duration::from_secs(2), "by default");
    let options = RobotOptions { pause, ..world.options.clone() };
    let world = World { options, ..world };
    let start = tokio::time::Instant::now();
    world.process(&batch(["#1", "#2", "#3"])).await;
    let at = world.portal.facts().submitted_at.clone();
    assert!(at.windows(2).all(|two| two[1] - two[0] >= pause), "{at:?}");
    assert!(start.elapsed() < pause * 3, "the batch ends with its last order");
}

#[tokio::test]
async fn a_batch_whose_sender_hung_up_is_worked_on_all_the_same() {
    let (world, batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let mut accepting = Box::pin(robot.accept(batch.clone()));
    std::future::poll_fn(|context| {
        drop(accepting.as_mut().poll(context));
        std::task::Poll::Ready(())
    })
    .await;
    drop(accepting);
    assert_eq!(robot.accept(batch.clone()).await.unwrap(), Acceptance::AlreadyAccepted);
    robot.idle().await;
    assert_eq!(world.told(&batch), [Told::success("73150000001")]);
}

#[tokio::test]
async fn a_batch_that_breaks_a_rule_is_rejected_and_nothing_is_reported() {
    let (world, mut request) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    request.callback_secret = None;
    let answer = robot.accept(request.clone()).await.unwrap();
    let expected = RequestError::Required("callbackSecret".into());
    assert_eq!(
        answer,
        Acceptance::Rejected(Rejection::Request(expected)),
        "nobody lets a robot in without one"
    );
    request.orders.clear();
    let Acceptance::Rejected(rejection) = robot.accept(request).await.unwrap() else {
        panic!("it has no orders")
    };
    assert_eq!(rejection.to_string(), "Campo requerido: orders");
    assert_eq!(world.sink.reports(), []);
    assert!(!world.on_disk().contains("#1"), "nothing of it is kept");
}

#[tokio::test]
async fn a_batch_without_a_secret_uses_the_robots_own() {
    let (world, mut request) = (World::new(), batch(["#1"]));
    world.keyring.keep("the-shops", CALLBACK_SECRET).unwrap();
    let options = RobotOptions { callback_secret_name: Some("the-shops".into()), ..world.options.clone() };
    let world = World { options, ..world };
    request.callback_secret = None;
    assert_eq!(world.process(&request).await, [Told::success("73150000001")]);
}

#[tokio::test]
async fn no_secret_is_on_the_disk_while_a_batch_is_worked_on_and_no_buyer_afterwards() {
    let (world, batch) = (World::new(), batch(["#1", "#2"]));
    world.portal.fault("#2", Fault::Waits);
    let options = RobotOptions { order_limit: Duration::from_secs(3600), ..world.options.clone() };
    let world = World { options, ..world };
    let robot = world.robot().await;
    robot.accept(batch.clone()).await.unwrap();
    world.portal.until_submitted("#2").await;
    let kept = world.on_disk();
    assert!(kept.contains("Restrepo") && kept.contains("73150000001"), "{kept}");
    assert!(!kept.contains(CALLBACK_SECRET) && !kept.contains(PASSWORD), "{kept}");
    world.portal.release();
    robot.idle().await;
    let kept = world.on_disk();
    assert!(kept.contains(&batch.job_id.to_string()), "the job is remembered: {kept}");
    assert!(!kept.contains("Restrepo") && !kept.contains("#1"), "and nothing else: {kept}");
    assert!(!format!("{:?}", world.keyring).contains("portal"), "the credentials are let go of");
}

#[derive(Debug)]
struct BrokenKeyring;

impl Keyring for BrokenKeyring {
    fn keep(&self, _name: &str, _secret: &str) -> std::io::Result<()> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn secret(&self, _name: &str) -> Option<String> {
        None
    }

    fn forget(&self, _name: &str) {}
}

#[tokio::test]
async fn a_batch_that_can_not_be_kept_is_not_accepted_and_may_be_sent_again() {
    let (world, batch) = (World::new(), batch(["#1"]));
    let (portal, sink) = (Arc::new(world.portal.clone()), Arc::new(world.sink.clone()));
    let robot = Robot::start(world.options.clone(), portal, sink, Arc::new(BrokenKeyring)).await.unwrap();
    let error = robot.accept(batch.clone()).await.unwrap_err();
    assert!(matches!(error, AcceptError::NotKept(_)), "{error:?}");
    drop(robot);
    let robot = world.robot().await;
    // A journal in which no file can be made.
    std::fs::rename(&world.options.folder, world.folder.path().join("away")).unwrap();
    let error = robot.accept(batch.clone()).await.unwrap_err();
    assert!(matches!(error, AcceptError::NotKept(_)), "{error:?}");
    assert!(!format!("{:?}", world.keyring).contains("portal"), "its credentials are not kept either");
    std::fs::rename(world.folder.path().join("away"), &world.options.folder).unwrap();
    assert_eq!(robot.accept(batch.clone()).await.unwrap(), Acceptance::Accepted);
    robot.idle().await;
    world.told(&batch);
}

#[tokio::test]
async fn a_folder_has_one_robot() {
    let world = World::new();
    let robot = world.robot().await;
    let (portal, sink) = (Arc::new(world.portal.clone()), Arc::new(world.sink.clone()));
    let taken = Robot::start(world.options.clone(), portal, sink, world.keyring.clone()).await.unwrap_err();
    assert!(matches!(taken, RobotError::Taken), "{taken:?}");
    robot.shutdown().await;
    drop(robot);
    world.robot().await;
}
