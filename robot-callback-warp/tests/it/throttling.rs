//! Failed authentications are slowed, and nobody who shares their address is.

use robot_callback_core::CALLBACK_PATH;
use robot_callback_warp::serve::{Limits, Options};

use crate::client::{Caller, request};
use crate::world::{World, callback, success};

fn guess(world: &World) -> Vec<u8> {
    let headers: &[(&str, &[u8])] = &[("x-callback-secret", b"guess")];
    request("POST", CALLBACK_PATH, headers, success(world.item).as_bytes())
}

#[tokio::test]
async fn a_valid_secret_gets_through_at_once_whatever_failed_from_the_same_address() {
    let world = World::new().await;
    let server = world.serve(Limits { failures: 2, ..Limits::default() });
    let mut guesser = Caller::connect(server.address).await;
    for _ in 0..2 {
        guesser.send(guess(&world)).await;
        let answer = guesser.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (401, None), "its body was out of the way");
    }
    guesser.send(guess(&world)).await;
    let mut honest = Caller::connect(server.address).await;
    for _ in 0..10 {
        honest.send(callback(world.item)).await;
        assert_eq!(honest.answer().await.status, 200, "the same address, and not the same caller");
    }
    let answer = guesser.answer().await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("Unauthorized")), "in the end");
    guesser.closed().await;
}

#[tokio::test]
async fn the_operators_door_is_guarded_alike_and_one_too_many_ends_its_connection() {
    let world = World::new().await;
    let server = world.serve(Limits { failures: 1, ..Limits::default() });
    let asking = |token: &[u8]| {
        let headers: &[(&str, &[u8])] = &[("authorization", token)];
        request("GET", &format!("/api/jobs/{}", world.job), headers, b"")
    };
    let headers = [("content-length", &b"0"[..])];
    let mut guesser = Caller::connect(server.address).await;
    guesser.send(request("POST", CALLBACK_PATH, &headers, b"")).await;
    assert_eq!(guesser.answer().await.status, 401);
    guesser.send(asking(b"Bearer guess")).await;
    assert_eq!(guesser.answer().await.status, 401, "the first failure left the connection to be used");
    guesser.closed().await;
    let mut operator = Caller::connect(server.address).await;
    operator.send(asking(b"Bearer token")).await;
    assert_eq!(operator.answer().await.status, 200);
}

#[tokio::test]
async fn behind_a_proxy_each_caller_has_an_allowance_of_its_own() {
    let world = World::new().await;
    let limits = Limits { failures: 1, ..Limits::default() };
    let client_address = Some("x-forwarded-for".parse().unwrap());
    let server = world.serve_with(Options { client_address, ..Options::from(limits) });
    let mut proxy = Caller::connect(server.address).await;
    for caller in 1..=5 {
        let from = format!("203.0.113.9, 192.0.2.{caller}");
        let headers = [("x-forwarded-for", from.as_bytes())];
        proxy.send(request("POST", CALLBACK_PATH, &headers, b"")).await;
        let answer = proxy.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (401, None), "its first failure: {from}");
    }
}
