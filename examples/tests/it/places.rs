//! What becomes of an order where something fails, from the batch at the robot's door to the item at the server: one
//! test for each place that takes two processes, or two lives of one, to be seen.

use robot_callback_core::{ErrorType, Item};
use robot_callback_harness::simulation::{Death, Shipment};
use robot_callback_harness::{HandOverError, RobotSettings, hand_over};
use robot_coordinadora_client::MAY_EXIST;

use crate::stage::Stage;

/// More than enough for one of the orders to name no city, and another one that is not served.
const ORDERS: usize = 12;

/// What became of the orders of a batch that a robot with those settings was handed: the items, each with the order's
/// reference, and what the portal has.
async fn played(
    settings: impl FnOnce(RobotSettings) -> RobotSettings,
) -> (Vec<(String, Item)>, Vec<Shipment>) {
    let (mut stage, server, robot) = Stage::build(settings).await;
    let batch = stage.batch(ORDERS).await;
    hand_over(robot.address(), &batch).await.unwrap();
    stage.until_complete().await;
    let facts = stage.end(server, robot).await;
    (facts.items(), facts.shipments)
}

fn says(item: &Item, kind: ErrorType, beginning: &str) -> bool {
    let message = item.error_message.as_deref().unwrap_or_default();
    item.error_type == Some(kind) && message.starts_with(beginning)
}

/// Each order that the portal has is a success with the portal's number, and none was submitted twice. The others.
fn not_shipped(items: Vec<(String, Item)>, shipments: &[Shipment]) -> Vec<Item> {
    let mut others = Vec::new();
    for (reference, item) in items {
        let numbers: Vec<_> = shipments.iter().filter(|shipment| shipment.reference == reference).collect();
        match numbers[..] {
            [] => others.push(item),
            [one] => assert_eq!(item.tracking_number.as_ref(), Some(&one.number), "{reference} was found"),
            _ => panic!("{reference} was submitted more than once: {numbers:?}"),
        }
    }
    others
}

#[tokio::test]
async fn a_login_that_fails_is_reported_for_every_order_with_a_city() {
    let (items, shipments) = played(|robot| robot.with("ROBOT_LOGIN_FAILS", true)).await;
    assert_eq!(shipments, [], "nothing was submitted");
    let cityless = items.iter().filter(|(_, item)| says(item, ErrorType::Validation, "Ciudad vacía"));
    assert_eq!(cityless.count(), 1, "no city is another reason");
    let refused = |item| says(item, ErrorType::Portal, "Error de inicio de sesión");
    assert_eq!(items.iter().filter(|(_, item)| refused(item)).count(), ORDERS - 1);
}

#[tokio::test]
async fn what_was_created_before_the_portal_failed_hung_or_panicked_is_found_and_the_rest_is_in_doubt() {
    for fault in ["ROBOT_FAIL_ONE_IN", "ROBOT_HANG_ONE_IN", "ROBOT_PANIC_ONE_IN"] {
        let (items, shipments) =
            played(|robot| robot.with(fault, 1).with("ROBOT_PORTAL_LIMIT_MS", 100)).await;
        assert!(
            !shipments.is_empty() && shipments.len() < ORDERS - 2,
            "{fault}: some were created, some not"
        );
        let others = not_shipped(items, &shipments);
        let in_doubt = others.iter().filter(|item| says(item, ErrorType::Unknown, MAY_EXIST)).count();
        assert_eq!(in_doubt, ORDERS - 2 - shipments.len(), "{fault}: a slow submission may still arrive");
    }
}

#[tokio::test]
async fn where_the_portal_can_not_tell_nothing_is_submitted_again() {
    let (items, shipments) =
        played(|robot| robot.with("ROBOT_FAIL_ONE_IN", 1).with("ROBOT_CANNOT_TELL", true)).await;
    let in_doubt = items.iter().filter(|(_, item)| says(item, ErrorType::Unknown, MAY_EXIST)).count();
    assert_eq!(in_doubt, ORDERS - 2, "every order that was submitted, and is not known to be refused");
    let mut references: Vec<_> = shipments.iter().map(|shipment| &shipment.reference).collect();
    references.dedup();
    assert_eq!(references.len(), shipments.len(), "none of them twice");
}

#[tokio::test]
async fn a_robot_that_died_after_submitting_finds_the_shipment() {
    let (mut stage, server, mut robot) = Stage::build(|robot| robot).await;
    robot.kill().await.unwrap();
    let death = Death { die_at: vec!["after an order is submitted".into()], ..Death::default() };
    robot.restart(&death).await.unwrap();
    let batch = stage.batch(1).await;
    hand_over(robot.address(), &batch).await.unwrap();
    robot.death().await.unwrap();
    assert_eq!(robot.shipments().unwrap().len(), 1, "the portal has it, and the robot knows no number");
    robot.restart(&Death::default()).await.unwrap();
    stage.until_complete().await;
    let facts = stage.end(server, robot).await;
    assert_eq!(not_shipped(facts.items(), &facts.shipments), [], "it is reported under its number");
    stage.judge(&facts, 0);
}

#[tokio::test]
async fn a_batch_in_which_no_order_names_a_city_is_refused_and_each_order_reported_once() {
    let (mut stage, server, robot) = Stage::build(|robot| robot).await;
    let mut batch = stage.batch(3).await;
    batch.orders.iter_mut().for_each(|order| order.pedido_input.ciudad = " ".into());
    for time in ["the first time", "and again"] {
        let refused = hand_over(robot.address(), &batch).await.unwrap_err();
        assert!(matches!(refused, HandOverError::Refused { status: 400, .. }), "{time}: {refused}");
    }
    stage.until_complete().await;
    let facts = stage.end(server, robot).await;
    let cityless = |item: &Item| says(item, ErrorType::Validation, "Ciudad vacía o no proporcionada");
    assert!(facts.items().iter().all(|(_, item)| cityless(item)));
    stage.judge(&facts, 0);
}

#[tokio::test]
async fn a_batch_is_accepted_once_also_after_a_restart() {
    let (mut stage, server, mut robot) = Stage::build(|robot| robot).await;
    let batch = stage.batch(ORDERS).await;
    hand_over(robot.address(), &batch).await.unwrap();
    hand_over(robot.address(), &batch).await.expect("accepted before");
    stage.until_complete().await;
    robot.kill().await.unwrap();
    robot.restart(&Death::default()).await.unwrap();
    hand_over(robot.address(), &batch).await.expect("accepted before, and known in another life");
    let facts = stage.end(server, robot).await;
    stage.judge(&facts, 0);
}

#[tokio::test]
async fn a_workspace_has_one_batch_in_process_at_a_time() {
    let (mut stage, server, robot) = Stage::build(|robot| robot.with("ROBOT_PAUSE_MS", 60_000)).await;
    let batch = stage.batch(2).await;
    hand_over(robot.address(), &batch).await.unwrap();
    let mut other = stage.batch(2).await;
    other.workspace_id = batch.workspace_id;
    let refused = hand_over(robot.address(), &other).await.unwrap_err();
    assert!(matches!(refused, HandOverError::Refused { status: 409, .. }), "{refused}");
    drop((server, robot));
}
