//! Bodies: what is read of them, and when.

use std::sync::atomic::Ordering;

use ::http::Version;

use super::ask::ITEM;
use super::*;
use crate::callback::MAX_BODY;

#[tokio::test]
async fn the_body_of_a_refused_request_is_left_alone_unless_it_is_short_and_on_its_way() {
    let wrong = || Ask::right().header("x-callback-secret", "wrong");
    let pieces = || vec![Bytes::from_static(b"{}"); 2];
    for unread in [
        wrong().header("content-length", "65537"),
        wrong().header("content-length", "99999999999999999999999999"),
        wrong().header("expect", "100-continue"),
        wrong().chunked(pieces(), End::Proper),
        wrong().chunked(pieces(), End::Proper).header("content-length", "4"),
    ] {
        let told = unread.of(&endpoint(taken)).await;
        told.is_problem(401, "Unauthorized");
        told.left_the_body_alone();
    }
    let polls = Arc::default();
    let mut old = wrong().request(&polls);
    *old.version_mut() = Version::HTTP_10;
    let answer = endpoint(taken).respond(old).await;
    assert_eq!(
        answer.headers().get(CONNECTION).unwrap(),
        "close",
        "an older client may mean its end by silence"
    );
    assert_eq!(polls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_has_arrived_of_a_refused_body_is_discarded_and_the_rest_is_not_waited_for() {
    let wrong = |pieces: usize, end, pauses| {
        let pieces = vec![Bytes::from(vec![b' '; 8 * 1024]); pieces];
        let ask = Ask::right().header("x-callback-secret", "wrong").header("content-length", "65536");
        Ask { pieces, end, pauses, ..ask }
    };
    for (whole, pauses) in [(wrong(8, End::Proper, 0), 0), (wrong(8, End::Proper, 1), 1)] {
        let told = whole.of(&endpoint(taken)).await;
        assert_eq!(told.polls, 9 * (1 + pauses), "each piece, and the end");
        told.keeps_its_connection();
    }
    for (partial, polls) in [
        (wrong(7, End::Never, 0), 9),
        (wrong(7, End::Broken, 0), 8),
        (wrong(8, End::Proper, 2), 2),
        (wrong(100, End::Never, 0), 9),
    ] {
        let told = partial.of(&endpoint(taken)).await;
        told.is_problem(401, "Unauthorized");
        assert_eq!(told.header("connection"), Some("close"), "what is left must not be taken for a request");
        assert_eq!(told.polls, polls, "it is asked once more and then given up");
    }
}

#[tokio::test]
async fn a_body_declared_too_large_is_413_unread() {
    for length in ["65537", "99999999999999999999999999"] {
        let told = Ask::right().header("content-length", length).of(&endpoint(taken)).await;
        told.is_problem(413, "Body too large");
        told.left_the_body_alone();
    }
    let told = Ask::right().header("content-length", "16385").of(&endpoint(taken)).await;
    told.is_problem(413, "Body too large");
    told.keeps_its_connection();
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_413_and_read_no_further() {
    let piece = Bytes::from(vec![b' '; MAX_BODY / 2]);
    let told = Ask::right().chunked(vec![piece; 100], End::Never).of(&endpoint(taken)).await;
    told.is_problem(413, "Body too large");
    assert_eq!(told.polls, 3, "reading stops with the piece that goes over the limit");
    assert_eq!(told.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let report = format!(r#"{{"itemId":"{ITEM}","status":"success"}}"#);
    let told = Ask::right().chunked(vec![format!("{report:MAX_BODY$}").into()], End::Proper);
    assert_eq!(told.of(&endpoint(taken)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_in_time_is_408() {
    let told = Ask::right().chunked(vec!["{".into()], End::Never).of(&endpoint(taken)).await;
    told.is_problem(408, "Body took too long");
    assert_eq!(told.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_408_and_may_be_sent_again() {
    let told = Ask::right().chunked(vec!["{".into()], End::Broken).of(&endpoint(taken)).await;
    told.is_problem(408, "Body broke off");
}
