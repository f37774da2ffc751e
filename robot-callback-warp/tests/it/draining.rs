//! Stopping: requests in flight are answered, nobody new is let in, and no peer can hold it up for good.

use std::time::Duration;

use robot_callback_warp::serve::Limits;
use tokio::net::TcpStream;

use crate::client::{Caller, PATIENCE};
use crate::world::{World, callback};

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_server_ends() {
    let world = World::new().await;
    let server = world.serve(Limits::default());
    let address = server.address;
    let mut caller = Caller::connect(address).await;
    caller.send(callback(world.waiting)).await;
    world.store.begun.notified().await;
    let running = server.stop();
    until_refused(address).await;
    assert!(!running.is_finished(), "it waits for the request in flight");
    world.store.may_end.add_permits(1);
    let answer = caller.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(running.await.unwrap(), 0, "nothing was cut off");
}

#[tokio::test]
async fn silent_and_idle_connections_do_not_hold_up_the_end() {
    let world = World::new().await;
    let long = Duration::from_secs(600);
    let server = world.serve(Limits { first_request: long, idle: long, drain: long, ..Limits::default() });
    let silent = Caller::connect(server.address).await;
    let mut idle = Caller::connect(server.address).await;
    idle.send(callback(world.item)).await;
    assert_eq!(idle.answer().await.status, 200);
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("it ends long before any deadline").unwrap();
    drop((silent, idle));
}

#[tokio::test]
async fn the_drain_deadline_ends_what_does_not_end_by_itself() {
    let world = World::new().await;
    let server = world.serve(Limits { drain: Duration::from_millis(200), ..Limits::default() });
    let mut half = Caller::connect(server.address).await;
    half.send("POST /api HTTP/1.1\r\n").await;
    let mut caller = Caller::connect(server.address).await;
    caller.send(callback(world.waiting)).await;
    world.store.begun.notified().await;
    assert_eq!(server.stop().await.unwrap(), 1, "half a head is no request, and one request was cut off");
    caller.closed().await;
    half.closed().await;
}

/// A listener that is gone refuses.
async fn until_refused(address: std::net::SocketAddr) {
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, refused).await.expect("the listener is closed at once");
}
