//! Callers that hold a connection for nothing are shown out, and honest ones never notice.

use std::time::Duration;

use robot_callback_core::{CALLBACK_PATH, EndpointOptions};
use robot_callback_warp::serve::Limits;

use crate::client::{Caller, PATIENCE, request};
use crate::world::{World, callback, looks_signed, options};

/// Short where it passes in a test, long elsewhere.
const SOON: Duration = Duration::from_secs(1);

fn patient() -> Limits {
    let long = Duration::from_secs(600);
    let waits =
        Limits { first_request: long, idle: long, write_stall: long, drain: long, ..Limits::default() };
    Limits { connections: 64, ..waits }
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let world = World::new().await;
    let server = world.serve(Limits { first_request: SOON, ..patient() });
    let mut silent = Caller::connect(server.address).await;
    assert!(silent.closed().await.is_empty(), "nothing was asked, nothing is said");
    let mut honest = Caller::connect(server.address).await;
    honest.send(callback(world.item)).await;
    assert_eq!(honest.answer().await.status, 200);
}

#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let world = World::new().await;
    let server = world.serve(Limits { first_request: SOON, ..patient() });
    let mut halting = Caller::connect(server.address).await;
    halting.send(format!("POST {CALLBACK_PATH} HTTP/1.1\r\nx-callback-se")).await;
    halting.closed().await;
}

#[tokio::test]
async fn half_a_further_head_is_not_waited_for_nor_is_an_idle_connection() {
    let world = World::new().await;
    let server = world.serve(Limits { idle: SOON, ..patient() });
    for rest in ["", "POST /api"] {
        let mut caller = Caller::connect(server.address).await;
        caller.send(callback(world.item)).await;
        assert_eq!(caller.answer().await.status, 200);
        caller.send(rest).await;
        caller.closed().await;
    }
}

#[tokio::test]
async fn a_connection_that_brought_a_request_in_time_outlives_the_deadline_for_it() {
    let world = World::new().await;
    let server = world.serve(Limits { first_request: SOON, ..patient() });
    let mut early = Caller::connect(server.address).await;
    early.send(callback(world.item)).await;
    assert_eq!(early.answer().await.status, 200);
    let mut silent = Caller::connect(server.address).await;
    silent.closed().await;
    early.send(callback(world.item)).await;
    assert_eq!(early.answer().await.status, 200, "one that came later met the deadline, this one did not");
}

#[tokio::test]
async fn a_body_that_trickles_is_408_and_the_end_of_its_connection() {
    let world = World::with(EndpointOptions { body_deadline: SOON, ..options() }).await;
    let server = world.serve(patient());
    let headers: [(&str, &[u8]); 2] = [("x-callback-secret", b"right"), ("content-length", b"100")];
    let mut slow = Caller::connect(server.address).await;
    slow.send(request("POST", CALLBACK_PATH, &headers, b"{")).await;
    let answer = slow.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    slow.closed().await;
    assert_eq!(world.status_of(world.item).await, "pending", "nothing was recorded");
}

/// Chunks that have no length.
#[tokio::test]
async fn a_body_that_breaks_off_is_408_and_may_be_sent_again() {
    let world = World::new().await;
    let server = world.serve(patient());
    let proofs: [(&str, &str, &[u8]); 2] =
        [(CALLBACK_PATH, "x-callback-secret", b"right"), ("/api/jobs", "authorization", b"Bearer token")];
    for (path, name, proof) in proofs {
        let headers: [(&str, &[u8]); 2] = [(name, proof), ("transfer-encoding", b"chunked")];
        let mut broken = Caller::connect(server.address).await;
        broken.send(request("POST", path, &headers, b"no length\r\n")).await;
        assert_eq!(broken.answer().await.status, 408, "{path}: 400 would say that it is wrong as it is");
        broken.closed().await;
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused_unread_and_its_sender_is_not_reset_while_it_sends() {
    let world = World::new().await;
    let server = world.serve(patient());
    let megabytes = vec![b' '; 4 * 1024 * 1024];
    let mut sender = Caller::connect(server.address).await;
    let headers: [(&str, &[u8]); 2] = [("x-callback-secret", b"right"), ("content-length", b"4194304")];
    sender.send(request("POST", CALLBACK_PATH, &headers, b"")).await;
    assert_eq!(sender.answer().await.status, 413, "by its own account");
    for piece in megabytes[..512 * 1024].chunks(16 * 1024) {
        sender.send(piece).await;
    }
    assert!(sender.closed().await.is_empty());

    let mut chunked = Caller::connect(server.address).await;
    let headers: [(&str, &[u8]); 2] = [("x-callback-secret", b"right"), ("transfer-encoding", b"chunked")];
    chunked.send(request("POST", CALLBACK_PATH, &headers, b"400000\r\n")).await;
    chunked.try_send(&megabytes[..512 * 1024]).await;
    assert_eq!(chunked.answer().await.status, 413, "by what came");
    chunked.closed().await;
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_and_not_invited_to_send_it() {
    let world = World::new().await;
    let server = world.serve(patient());
    let expecting: &[(&str, &[u8])] = &[("content-length", b"100"), ("expect", b"100-continue")];
    let mut stranger = Caller::connect(server.address).await;
    stranger.send(request("POST", CALLBACK_PATH, expecting, b"")).await;
    let answer = stranger.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (401, Some("close")), "and no 100 before it");
    stranger.closed().await;
}

#[tokio::test]
async fn who_is_refused_may_go_on_with_the_connection_when_its_body_came_along() {
    let world = World::new().await;
    let server = world.serve(patient());
    let mut clumsy = Caller::connect(server.address).await;
    let (right, wrong): (&[u8], &[u8]) = (b"right", b"wrong");
    let large = vec![b' '; 20_000];
    for (secret, body, status) in [(wrong, &b"POST / HTTP/1.1\r\n\r\n"[..], 401), (right, &large, 413)] {
        clumsy.send(request("POST", CALLBACK_PATH, &[("x-callback-secret", secret)], body)).await;
        let answer = clumsy.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (status, None));
    }
    clumsy.send(callback(world.item)).await;
    assert_eq!(clumsy.answer().await.status, 200, "nothing of what was discarded is taken for a request");
}

#[tokio::test]
async fn who_is_refused_before_its_body_has_come_is_not_waited_for() {
    let world = World::new().await;
    let server = world.serve(patient());
    let mut halting = Caller::connect(server.address).await;
    let headers: [(&str, &[u8]); 2] = [("x-callback-secret", b"wrong"), ("content-length", b"100")];
    halting.send(request("POST", CALLBACK_PATH, &headers, b"{")).await;
    let answer = halting.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (401, Some("close")));
    halting.closed().await;
}

#[tokio::test]
async fn heads_without_end_are_refused() {
    let world = World::new().await;
    let server = world.serve(patient());
    let mut endless = Caller::connect(server.address).await;
    endless.send("GET / HTTP/1.1\r\n").await;
    let line = format!("x-more: {}\r\n", "x".repeat(1000));
    endless.try_send(line.repeat(1000).as_bytes()).await;
    endless.closed().await;
}

#[tokio::test]
async fn a_head_may_have_so_many_bytes_and_a_hundred_headers() {
    let world = World::new().await;
    let server = world.serve(Limits { head: 16 * 1024, ..patient() });
    let value = vec![b'x'; 8 * 1024];
    for (size, status) in [(&value[..], 404), (&value.repeat(3), 431)] {
        let mut caller = Caller::connect(server.address).await;
        caller.try_send(&request("GET", "/nothing", &[("x-more", size)], b"")).await;
        assert_eq!(caller.answer().await.status, status, "{} bytes", size.len());
    }
    for (count, status) in [(90, 404), (101, 431)] {
        let mut caller = Caller::connect(server.address).await;
        caller.try_send(&request("GET", "/nothing", &vec![("x-more", &b"x"[..]); count], b"")).await;
        assert_eq!(caller.answer().await.status, status, "{count} headers");
    }
}

#[tokio::test]
async fn a_caller_that_reads_no_answers_is_cut_off() {
    let world = World::new().await;
    let server = world.serve(Limits { write_stall: SOON, connections: 1, ..patient() });
    let mut deaf = Caller::connect(server.address).await;
    let mut honest = Caller::connect(server.address).await;
    let asking = request("GET", "/nothing", &[], b"").repeat(1000);
    // Until the server takes no more of them: it is cut off then, and there is room for the next one.
    let flooding = async {
        loop {
            deaf.try_send(&asking).await;
            tokio::task::yield_now().await;
        }
    };
    let answered = async {
        honest.send(callback(world.item)).await;
        honest.answer().await
    };
    tokio::select! {
        () = flooding => unreachable!("it never ends by itself"),
        answer = answered => assert_eq!(answer.status, 200),
    }
}

#[tokio::test]
async fn callers_over_the_cap_wait_for_their_turn_and_are_served() {
    let world = World::new().await;
    let server = world.serve(Limits { connections: 2, first_request: SOON, ..patient() });
    let mut crowd = Vec::new();
    for _ in 0..4 {
        crowd.push(Caller::connect(server.address).await);
    }
    let mut honest = Caller::connect(server.address).await;
    honest.send(callback(world.item)).await;
    assert_eq!(honest.answer().await.status, 200, "after the silent ones before it were shown out");
}

#[tokio::test]
async fn whoever_idles_makes_room_for_the_next_caller_and_who_is_at_work_stays() {
    let world = World::new().await;
    let server = world.serve(Limits { connections: 3, ..patient() });
    let mut working = Caller::connect(server.address).await;
    working.send(callback(world.waiting)).await;
    world.store.begun.notified().await;
    let mut idle = Caller::connect(server.address).await;
    idle.send(request("GET", "/healthz", &[], b"")).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut halting = Caller::connect(server.address).await;
    halting.send("POST /api").await;

    let mut honest = Vec::new();
    for _ in 0..2 {
        let mut caller = Caller::connect(server.address).await;
        caller.send(callback(world.item)).await;
        assert_eq!(caller.answer().await.status, 200, "though no deadline has passed");
        honest.push(caller);
    }
    halting.closed().await;
    idle.closed().await;
    world.store.may_end.add_permits(1);
    assert_eq!(working.answer().await.status, 200, "who was at work is answered");
}

#[tokio::test]
async fn who_was_let_in_outlasts_who_only_asked_how_it_is() {
    let world = World::new().await;
    let server = world.serve(Limits { connections: 2, ..patient() });
    let mut robot = Caller::connect(server.address).await;
    robot.send(callback(world.item)).await;
    assert_eq!(robot.answer().await.status, 200);
    let mut idler = Caller::connect(server.address).await;
    idler.send(request("GET", "/healthz", &[], b"")).await;
    assert_eq!(idler.answer().await.status, 200);
    let mut newcomer = Caller::connect(server.address).await;
    newcomer.send(callback(world.item)).await;
    assert_eq!(newcomer.answer().await.status, 200);
    idler.closed().await;
    robot.send(callback(world.item)).await;
    assert_eq!(robot.answer().await.status, 200, "though it has waited longer than the idler");
}

#[tokio::test]
async fn a_body_that_is_waited_for_makes_room_for_the_next_caller() {
    let long = Duration::from_secs(600);
    let world = World::with(EndpointOptions { body_deadline: long, ..options() }).await;
    let server = world.serve(Limits { connections: 1, ..patient() });
    let mut slow = Caller::connect(server.address).await;
    slow.send(looks_signed(&[("expect", b"100-continue")])).await;
    assert_eq!(slow.answer().await.status, 100, "the body is asked for, since the head looks signed");
    slow.send("{").await;
    let mut honest = Caller::connect(server.address).await;
    honest.send(callback(world.item)).await;
    assert_eq!(honest.answer().await.status, 200, "long before the deadline of the other's body");
    slow.closed().await;
}

#[tokio::test]
async fn the_result_is_applied_though_the_caller_hangs_up() {
    let world = World::new().await;
    let server = world.serve(Limits { connections: 1, ..patient() });
    let mut caller = Caller::connect(server.address).await;
    caller.send(callback(world.waiting)).await;
    world.store.begun.notified().await;
    drop(caller);
    world.store.may_end.add_permits(1);
    let ended = tokio::time::timeout(PATIENCE, world.store.ended.notified());
    ended.await.expect("the work that was begun ends");
    // There is room for one: that another is served proves that the first connection is gone.
    let mut other = Caller::connect(server.address).await;
    other.send(callback(world.item)).await;
    assert_eq!(other.answer().await.status, 200);
    assert_eq!(world.status_of(world.waiting).await, "success");
}

#[tokio::test]
async fn a_caller_that_has_said_all_is_answered() {
    let world = World::new().await;
    let server = world.serve(patient());
    let mut caller = Caller::connect(server.address).await;
    caller.send(callback(world.waiting)).await;
    caller.finish().await;
    world.store.begun.notified().await;
    world.store.may_end.add_permits(1);
    assert_eq!(caller.answer().await.status, 200, "it listens on, though it will say no more");
    caller.closed().await;
}
