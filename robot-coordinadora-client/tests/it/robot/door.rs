//! The robot's door, to the letter of what its callers know.

use std::time::Duration;

use robot_callback_core::Secrets;
use robot_coordinadora_client::{BatchRequest, CallbackHosts, DoorOptions, Robot, RobotOptions, door};
use serde_json::{Value, json};
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::test::RequestBuilder;

use super::portal::Fault;
use super::world::{PASSWORD, Told, World, batch};

pub(super) const PATH: &str = "/api/crear-pedidos-batch";

fn options() -> DoorOptions {
    // The names of these tests are not to be looked up.
    let callback_hosts = CallbackHosts::parse(["crm.example.com"]).unwrap().on_private_networks();
    DoorOptions { callback_hosts, ..DoorOptions::default() }
}

fn routes(robot: &Robot, options: DoorOptions) -> BoxedFilter<(Response,)> {
    door(robot.clone(), options)
}

fn post(batch: &BatchRequest) -> RequestBuilder {
    warp::test::request().method("POST").path(PATH).json(batch)
}

async fn answer(request: RequestBuilder, routes: &BoxedFilter<(Response,)>) -> (u16, Value) {
    let response = request.reply(routes).await;
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

pub(super) fn refusal(words: &str) -> Value {
    json!({"success": false, "error": words})
}

#[tokio::test]
async fn an_accepted_batch_is_answered_200_and_so_is_the_same_job_again() {
    let (world, batch) = (World::new(), batch(["#1", "#2"]));
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    let accepted =
        json!({"success": true, "jobId": batch.job_id, "message": "Batch aceptado, procesando..."});
    assert_eq!(answer(post(&batch), &routes).await, (200, accepted.clone()));
    assert_eq!(answer(post(&batch), &routes).await, (200, accepted.clone()));
    robot.idle().await;
    assert_eq!(answer(post(&batch), &routes).await, (200, accepted));
    robot.idle().await;
    assert_eq!(world.told(&batch), ["73150000001", "73150000002"].map(Told::success));
}

#[tokio::test]
async fn a_missing_field_is_answered_400_with_its_name() {
    let world = World::new();
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    for field in ["workspaceId", "credentials", "callbackUrl", "jobId", "orders"] {
        let mut body = serde_json::to_value(batch(["#1"])).unwrap();
        body.as_object_mut().unwrap().remove(field);
        let request = warp::test::request().method("POST").path(PATH).json(&body);
        assert_eq!(answer(request, &routes).await, (400, refusal(&format!("Campo requerido: {field}"))));
    }
    let request = warp::test::request().method("POST").path(PATH).body("no json");
    assert_eq!(answer(request, &routes).await, (400, refusal("El cuerpo debe ser un objeto JSON")));
}

#[tokio::test]
async fn a_batch_without_any_city_is_answered_400_and_its_orders_are_reported() {
    let (world, batch) = (World::new(), batch(["-1", "-2"]));
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    for _ in 0..2 {
        let words = "Ciudad vacía o no proporcionada en todas las órdenes";
        assert_eq!(answer(post(&batch), &routes).await, (400, refusal(words)));
        robot.idle().await;
        assert_eq!(world.told(&batch).len(), 2);
    }
}

#[tokio::test]
async fn a_second_batch_of_the_workspace_is_answered_409() {
    let (world, first, mut second) = (World::new(), batch(["#1"]), batch(["#2"]));
    let options_of_robot = RobotOptions { order_limit: Duration::from_secs(3600), ..world.options.clone() };
    let world = World { options: options_of_robot, ..world };
    second.workspace_id = first.workspace_id;
    world.portal.fault("#1", Fault::Waits);
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    assert_eq!(answer(post(&first), &routes).await.0, 200);
    let busy = refusal("Ya hay un batch en proceso para este workspace");
    assert_eq!(answer(post(&second), &routes).await, (409, busy));
    world.portal.release();
    robot.idle().await;
    assert_eq!(answer(post(&second), &routes).await.0, 200);
}

#[tokio::test]
async fn results_go_only_where_the_operator_said() {
    let (world, mut batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let refused = refusal("Campo inválido: callbackUrl no está permitida");
    let none = routes(&robot, DoorOptions::default());
    assert_eq!(answer(post(&batch), &none).await, (400, refused.clone()), "by default nowhere");
    let routes = routes(&robot, options());
    for url in
        ["https://evil.example/", "http://crm.example.com/", "http://169.254.169.254/", "http://127.0.0.1/"]
    {
        batch.callback_url = url.into();
        assert_eq!(answer(post(&batch), &routes).await, (400, refused.clone()), "{url}");
    }
    assert!(!world.on_disk().contains("#1") && world.portal.facts().logins == 0, "nothing is taken");
}

#[tokio::test]
async fn the_secret_is_asked_for_where_one_is_configured_before_the_body_is_looked_at() {
    let (world, batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let secrets = Some(Secrets::new(["the robot's own", "the one before"]));
    let routes = routes(&robot, DoorOptions { secrets, ..options() });
    let unauthorized = (401, refusal("No autorizado"));
    assert_eq!(answer(post(&batch), &routes).await, unauthorized);
    for wrong in ["", "the robot's", "THE ROBOT'S OWN"] {
        assert_eq!(
            answer(post(&batch).header("x-callback-secret", wrong), &routes).await,
            unauthorized,
            "{wrong}"
        );
    }
    let huge = warp::test::request().method("POST").path(PATH).header("content-length", "99999999999");
    assert_eq!(answer(huge, &routes).await, unauthorized, "it is the secret that is looked at first");
    let right = post(&batch).header("X-Callback-Secret", "the one before");
    assert_eq!(answer(right, &routes).await.0, 200);
    let nobody = door(robot.clone(), DoorOptions { secrets: Some(Secrets::default()), ..options() });
    assert_eq!(answer(post(&batch).header("x-callback-secret", ""), &nobody).await, unauthorized);
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_declared_or_not() {
    let (world, batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let size = serde_json::to_vec(&batch).unwrap().len();
    let small = routes(&robot, DoorOptions { max_body: size - 1, ..options() });
    let too_large = (413, refusal(&format!("El cuerpo supera {} bytes", size - 1)));
    assert_eq!(answer(post(&batch), &small).await, too_large, "by what it holds");
    let declared = warp::test::request().method("POST").path(PATH).header("content-length", size.to_string());
    assert_eq!(answer(declared, &small).await, too_large, "by its own account");
    let enough = routes(&robot, DoorOptions { max_body: size, ..options() });
    assert_eq!(answer(post(&batch), &enough).await.0, 200);
}

#[tokio::test]
async fn another_method_is_answered_405_with_those_that_are_allowed() {
    let world = World::new();
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    for (method, path, allowed) in [
        ("GET", PATH, "POST"),
        ("PUT", PATH, "POST"),
        ("POST", "/api/health", "GET, HEAD"),
        ("DELETE", "/api/health", "GET, HEAD"),
    ] {
        let response = warp::test::request().method(method).path(path).reply(&routes).await;
        assert_eq!(response.status(), 405, "{method} {path}");
        assert_eq!(response.headers()["allow"], allowed);
    }
}

#[tokio::test]
async fn health_is_answered_and_other_paths_are_left_to_others() {
    let world = World::new();
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    let health = warp::test::request().path("/api/health");
    assert_eq!(answer(health, &routes).await, (200, json!({"status": "ok"})));
    let elsewhere = warp::test::request().path("/api/other").filter(&routes).await;
    assert!(elsewhere.is_err_and(|rejection| rejection.is_not_found()));
    assert!(warp::test::request().path("/api/crear-pedidos-batch/x").filter(&routes).await.is_err());
}

#[tokio::test]
async fn a_robot_that_can_not_take_a_batch_asks_for_it_again() {
    let (world, batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let routes = routes(&robot, options());
    robot.shutdown().await;
    let response = post(&batch).reply(&routes).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert!(response.into_response().headers()["content-type"].to_str().unwrap().contains("json"));
}

#[tokio::test]
async fn a_refused_request_is_not_sent_back_in_the_answer() {
    let (world, mut batch) = (World::new(), batch(["#1"]));
    batch.orders.clear();
    let robot = world.robot().await;
    let response = post(&batch).reply(&routes(&robot, options())).await;
    assert!(!String::from_utf8_lossy(response.body()).contains(PASSWORD));
}
