//! The table of answers, row by row.

use TryAgain::{Later, Never, Reconfigured};
use proptest::prelude::*;
use robot_callback_core::{Clock, ManualClock};

use super::*;

const EXPLAINED: &str = r#"{"type":"about:blank","status":0,"error":"Item not found"}"#;
const A_PAGE: &str = "<html>Welcome to the airport's wireless network</html>";

fn read(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Result<Delivered, Answer> {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    Answer::read(status, &headers.collect(), body, ManualClock::default().now())
}

fn refused(status: u16, body: &str) -> Answer {
    read(status, &[], body.as_bytes()).unwrap_err()
}

#[test]
fn a_2xx_that_says_received_is_a_delivery_with_its_verdict() {
    let verdict = |status, body: &str| read(status, &[], body.as_bytes()).map(|delivered| delivered.verdict);
    for verdict_sent in
        [Verdict::Applied, Verdict::Duplicate, Verdict::Conflict, Verdict::Late, Verdict::Stale]
    {
        let body = format!(r#"{{"received":true,"verdict":"{}"}}"#, verdict_sent.name());
        assert_eq!(verdict(200, &body), Ok(Some(verdict_sent)));
    }
    assert_eq!(verdict(200, r#"{"received":true}"#), Ok(None), "an older receiver says no verdict");
    assert_eq!(verdict(200, r#"{"received":true,"verdict":"novel"}"#), Ok(None), "a newer one says another");
    assert_eq!(verdict(200, r#"{"received":true,"verdict":7}"#), Ok(None));
    assert_eq!(verdict(202, r#" {"received":true} "#), Ok(None), "every 2xx is the same promise");
}

#[test]
fn a_2xx_with_any_other_body_is_not_a_delivery() {
    let bodies =
        ["", A_PAGE, "null", "true", "[]", "[true]", "{}", r#"{"ok":true}"#, r#"{"received":false}"#];
    let more =
        [r#"{"received":"true"}"#, r#"{"received":1}"#, r#"{"received":true"#, r#"{"verdict":"applied"}"#];
    for body in bodies.into_iter().chain(more) {
        for status in [200, 201, 204] {
            assert_eq!(refused(status, body).try_again, Later, "{status} {body}");
        }
    }
}

#[test]
fn only_a_2xx_delivers_whatever_the_body_says() {
    for status in (100..=999).filter(|status| !(200..=299).contains(status)) {
        assert!(read(status, &[], br#"{"received":true,"verdict":"applied"}"#).is_err(), "{status}");
    }
}

#[test]
fn every_status_says_whether_to_try_again() {
    let table = [
        // status, with a callback endpoint's explanation, without
        (101, Reconfigured, Reconfigured),
        (301, Reconfigured, Reconfigured),
        (302, Reconfigured, Reconfigured),
        (304, Reconfigured, Reconfigured),
        (307, Reconfigured, Reconfigured),
        (308, Reconfigured, Reconfigured),
        (400, Never, Reconfigured),
        (401, Reconfigured, Reconfigured),
        (403, Reconfigured, Reconfigured),
        (404, Never, Reconfigured),
        (405, Never, Reconfigured),
        (407, Reconfigured, Reconfigured),
        (408, Later, Later),
        (409, Never, Reconfigured),
        (413, Never, Reconfigured),
        (415, Never, Reconfigured),
        (422, Never, Reconfigured),
        (425, Later, Later),
        (429, Later, Later),
        (500, Later, Later),
        (501, Later, Later),
        (502, Later, Later),
        (503, Later, Later),
        (504, Later, Later),
        (599, Later, Later),
        (999, Later, Later),
    ];
    for (status, explained, unexplained) in table {
        assert_eq!(refused(status, EXPLAINED).try_again, explained, "{status} explained");
        assert_eq!(refused(status, A_PAGE).try_again, unexplained, "{status} with a page");
        assert_eq!(refused(status, "").try_again, unexplained, "{status} with nothing");
        assert_eq!(
            refused(status, r#"{"error":{"code":7}}"#).try_again,
            unexplained,
            "{status} of another house"
        );
    }
}

#[test]
fn an_answer_says_what_happened_and_why() {
    let shown =
        |status, headers: &[_], body: &str| read(status, headers, body.as_bytes()).unwrap_err().to_string();
    assert_eq!(shown(404, &[], EXPLAINED), "answered 404: Item not found");
    assert_eq!(
        shown(401, &[], r#"{"error":"Unauthorized"}"#),
        "answered 401, the secret is refused: Unauthorized"
    );
    assert_eq!(shown(200, &[], A_PAGE), "answered 200, but not as a callback endpoint does");
    assert_eq!(
        shown(307, &[("location", "https://elsewhere.example/hook?token=abc#here")], ""),
        "answered 307, a redirect, which is not followed: it is at https://elsewhere.example/hook"
    );
    assert_eq!(shown(503, &[("location", "https://elsewhere.example/")], ""), "answered 503");
}

#[test]
fn retry_after_is_read_of_any_answer() {
    let after = |status, text| read(status, &[("retry-after", text)], b"").unwrap_err().retry_after;
    assert_eq!(after(503, "7"), Some(Duration::from_secs(7)));
    assert_eq!(after(429, "Thu, 01 Jan 2026 00:00:30 GMT"), Some(Duration::from_secs(30)));
    assert_eq!(after(503, "soon"), None);
}

#[test]
fn what_the_receiver_said_is_cleaned_and_cut_for_the_log() {
    let said = format!(r#"{{"error":"one\r\ntwo\u0000 hunter2 {}"}}"#, "ñ".repeat(1000));
    let answer = refused(404, &said).cleaned(|said| said.replace("hunter2", "[redacted]"));
    let said = answer.said.unwrap();
    assert!(said.starts_with("onetwo [redacted] ñ"), "{said}");
    assert_eq!(said.chars().count(), 300);
}

proptest! {
    #[test]
    fn no_answer_whatever_makes_the_reader_fail(status in 100_u16..=999, body: Vec<u8>) {
        let delivered = read(status, &[], &body);
        prop_assert!(delivered.is_err(), "noise is never a delivery");
    }
}
