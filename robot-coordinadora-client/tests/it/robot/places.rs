//! Every order is reported exactly once: one test for each place where that is done.

use robot_callback_core::ErrorType::{Portal, Unknown, Validation};
use robot_coordinadora_client::{Acceptance, Rejection};

use super::portal::{Fault, LoginFault, Search};
use super::sink::Failure;
use super::world::{PASSWORD, Told, World, batch};

const NO_CITY: &str = "Ciudad vacía o no proporcionada";

#[tokio::test]
async fn an_empty_city_is_reported_before_the_batch_starts() {
    let world = World::new();
    let told = world.process(&batch(["#1", "-2", "#3"])).await;
    assert_eq!(
        told,
        [Told::success("73150000001"), Told::error(Validation, NO_CITY), Told::success("73150000002")]
    );
    assert_eq!(Told::of(&world.sink.reports()[0]), told[1], "it is the first that is reported");
    assert_eq!(world.portal.facts().submitted, ["#1", "#3"]);
}

#[tokio::test]
async fn an_empty_city_everywhere_rejects_the_batch_and_each_order_is_reported_once() {
    let (world, batch) = (World::new(), batch(["-1", "-2"]));
    let robot = world.robot().await;
    for _ in 0..3 {
        let rejected = robot.accept(batch.clone()).await.unwrap();
        assert_eq!(rejected, Acceptance::Rejected(Rejection::NoCity));
        robot.idle().await;
        assert_eq!(world.told(&batch), [Told::error(Validation, NO_CITY), Told::error(Validation, NO_CITY)]);
    }
    assert_eq!(world.portal.facts().logins, 0, "the portal is left alone");
}

#[tokio::test]
async fn a_login_that_fails_is_reported_for_all_orders() {
    for (fault, words) in [
        (LoginFault::Refuses, "Error de inicio de sesión en el portal: Usuario bloqueado"),
        (LoginFault::Fails, "Error de inicio de sesión en el portal: page.goto: [oculto] timed out"),
    ] {
        let world = World::new();
        world.portal.facts().login_faults.push(Some(fault));
        let told = world.process(&batch(["#1", "#2", "-3"])).await;
        let failed = Told::error(Portal, words);
        assert_eq!(told, [failed.clone(), failed, Told::error(Validation, NO_CITY)], "{fault:?}");
        assert!(world.portal.facts().submitted.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_never_ends_is_given_up() {
    let world = World::new();
    world.portal.facts().login_faults.push(Some(LoginFault::Hangs));
    let told = world.process(&batch(["#1"])).await;
    assert_eq!(
        told,
        [Told::error(Portal, "Error de inicio de sesión en el portal: el portal no respondió en 120s")]
    );
}

#[tokio::test]
async fn an_order_in_process_already_is_reported_and_not_submitted() {
    let world = World::new();
    let (first, mut second) = (batch(["#1", "#2"]), batch(["#1 again", "#3"]));
    second.orders[0].order_id = first.orders[0].order_id;
    world.portal.fault("#1", Fault::Waits);
    let robot = world.robot().await;
    robot.accept(first.clone()).await.unwrap();
    robot.accept(second.clone()).await.unwrap();
    world.portal.release();
    robot.idle().await;
    let reports = world.sink.reports();
    let of = |item| Told::of(reports.iter().find(|report| report.item_id == item).unwrap());
    assert_eq!(of(second.orders[0].item_id), Told::error(Validation, "La orden ya está siendo procesada"));
    assert_eq!(reports.len(), 4, "each is reported once");
    assert!(!world.portal.facts().submitted.contains(&"#1 again".to_owned()));
}

#[tokio::test]
async fn an_order_that_stands_in_its_batch_twice_is_submitted_once() {
    let (world, mut batch) = (World::new(), batch(["#1", "#1 twice"]));
    batch.orders[1].order_id = batch.orders[0].order_id;
    let told = world.process(&batch).await;
    assert_eq!(told[1], Told::error(Validation, "La orden ya está siendo procesada"));
    assert_eq!(world.portal.facts().submitted, ["#1"]);
}

#[tokio::test]
async fn a_created_shipment_is_reported_with_the_portals_number() {
    let world = World::new();
    let told = world.process(&batch(["#1", "#2"])).await;
    assert_eq!(told, [Told::success("73150000001"), Told::success("73150000002")]);
    assert_eq!(world.portal.facts().logins, 1, "in one session");
}

#[tokio::test]
async fn a_refusal_of_the_portal_is_reported_in_its_words() {
    let world = World::new();
    world.portal.fault("#1", Fault::Refuses);
    let told = world.process(&batch(["#1", "#2"])).await;
    assert_eq!(told, [Told::error(Portal, "Ciudad no cubierta"), Told::success("73150000002")]);
    assert!(world.portal.facts().looked_up.is_empty(), "a refusal is certain");
}

#[tokio::test]
async fn an_exception_is_reported_as_unknown_and_the_batch_goes_on() {
    for fault in [Fault::Fails, Fault::Panics, Fault::Hangs] {
        let world = World::new();
        world.portal.fault("#1", fault);
        let told = world.process(&batch(["#1", "#2"])).await;
        let why = match fault {
            Fault::Fails => "TimeoutError: #confirmacion",
            Fault::Panics => "the page is gone",
            _ => "no respondió en 50ms",
        };
        assert!(told[0].may_exist(why), "{fault:?}: {told:?}");
        assert!(told[0].may_exist("no lo muestra todavía con la referencia #1"), "{told:?}");
        assert_eq!(told[1], Told::success("73150000002"));
        assert_eq!(world.portal.facts().submitted, ["#1", "#2"], "{fault:?}: no order is submitted twice");
        assert_eq!(world.portal.facts().logins, 2, "what went wrong in a session ends it");
    }
}

#[tokio::test]
async fn an_exception_after_which_the_shipment_is_found_is_a_success() {
    for fault in [Fault::FailsAfterCreating, Fault::PanicsAfterCreating, Fault::HangsAfterCreating] {
        let world = World::new();
        world.portal.fault("#1", fault);
        let told = world.process(&batch(["#1", "#2"])).await;
        assert_eq!(told, [Told::success("73150000001"), Told::success("73150000002")], "{fault:?}");
    }
}

#[tokio::test]
async fn a_portal_that_can_not_tell_leaves_it_open_whether_the_shipment_exists() {
    for search in [Search::Unclear, Search::Fails, Search::Panics] {
        let world = World::new();
        world.portal.fault("#1", Fault::FailsAfterCreating);
        world.portal.facts().search = search;
        let told = world.process(&batch(["#1", "#2"])).await;
        assert!(told[0].may_exist("no pudo decir nada de la referencia #1"), "{told:?}");
        assert_eq!(told[1], Told::success("73150000002"));
    }
}

#[tokio::test]
async fn a_reference_that_does_not_tell_orders_apart_is_not_looked_up() {
    for references in [["#1", "#1"], ["", "#2"]] {
        let world = World::new();
        world.portal.fault(references[0], Fault::FailsAfterCreating);
        let told = world.process(&batch(references)).await;
        assert!(told[0].may_exist("no se puede buscar por su referencia"), "{told:?}");
        assert!(world.portal.facts().looked_up.is_empty());
    }
}

#[tokio::test]
async fn a_number_that_no_report_can_carry_is_in_the_words() {
    let world = World::new();
    world.portal.fault("#1", Fault::OddNumber);
    let told = world.process(&batch(["#1"])).await;
    assert!(told[0].may_exist("\"7\""), "{told:?}");
}

#[tokio::test]
async fn a_fatal_error_is_reported_for_the_orders_not_yet_reported() {
    let world = World::new();
    world.portal.fault("#2", Fault::Fails);
    // The last one comes first: the first login is fine, the one to look #2 up is not, and the next one panics.
    world.portal.facts().login_faults = vec![Some(LoginFault::Panics), Some(LoginFault::Refuses), None];
    let told = world.process(&batch(["#1", "#2", "#3", "#4"])).await;
    assert_eq!(told[0], Told::success("73150000001"), "what was reported stays");
    assert!(told[1].may_exist("TimeoutError"), "{told:?}");
    let fatal = Told::error(Unknown, "Error fatal del batch: el robot falló: no browser");
    assert_eq!(told[2..], [fatal.clone(), fatal]);
}

#[tokio::test]
async fn a_session_that_can_not_be_closed_changes_nothing() {
    let world = World::new();
    world.portal.facts().close_panics = true;
    let told = world.process(&batch(["#1"])).await;
    assert_eq!(told, [Told::success("73150000001")]);
}

#[tokio::test]
async fn a_sink_that_fails_gets_the_same_result_again_and_the_orders_go_on() {
    let world = World::new();
    world.sink.kept().failures = vec![Failure::Unsafe, Failure::Panic, Failure::Unsafe];
    let told = world.process(&batch(["#1", "#2"])).await;
    assert_eq!(told, [Told::success("73150000001"), Told::success("73150000002")]);
}

#[tokio::test]
async fn a_result_that_can_never_be_reported_is_given_up_and_holds_up_nobody() {
    let world = World::new();
    world.sink.kept().failures = vec![Failure::Invalid];
    let robot = world.robot().await;
    robot.accept(batch(["#1", "#2"])).await.unwrap();
    robot.idle().await;
    assert_eq!(world.sink.reports().len(), 1);
}

#[tokio::test]
async fn no_report_shows_the_password() {
    let world = World::new();
    world.portal.facts().login_faults.push(Some(LoginFault::Fails));
    let told = world.process(&batch(["#1"])).await;
    assert!(!format!("{told:?}").contains(PASSWORD), "{told:?}");
}
