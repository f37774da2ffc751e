//! Against the reference, and against those who have no key.

use std::time::SystemTime;

use http::HeaderMap;
use proptest::prelude::*;
use standardwebhooks::Webhook;

use super::*;
use crate::secret::Secrets;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FV";
const TOLERANCE: Duration = Duration::from_secs(300);

fn key(text: &str) -> SigningKey {
    SigningKey::parse(text).unwrap()
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Whether a payload comes in with those headers, by those keys, at that moment.
fn admits(keys: &[&str], headers: [&str; 3], payload: &[u8], now: Timestamp) -> bool {
    let secrets = Secrets::default().signed_with(keys.iter().map(|text| key(text)), TOLERANCE);
    let [id, timestamp, signatures] = headers.map(str::as_bytes);
    let presented = secrets.presented(None).signed(Signature { id, timestamp, signatures }, now);
    assert!(
        presented.is_plausible() || presented.scope(payload).is_none(),
        "what is let in was worth reading"
    );
    presented.scope(payload).is_some()
}

proptest! {
    #[test]
    fn what_is_signed_here_the_reference_accepts(id in "[!-~]{1,60}", payload in ".{0,200}") {
        let at = now();
        let mut headers = HeaderMap::new();
        headers.insert(ID_HEADER, id.parse().unwrap());
        headers.insert(TIMESTAMP_HEADER, seconds(at).parse().unwrap());
        headers.insert(SIGNATURE_HEADER, key(KEY).sign(&id, at, payload.as_bytes()).parse().unwrap());
        prop_assert!(Webhook::new(KEY).unwrap().verify(payload.as_bytes(), &headers).is_ok());
    }

    #[test]
    fn what_the_reference_signs_is_accepted_here(id in "[!-~]{1,60}", payload in ".{0,200}", millis in 0_i64..4_000_000_000_000) {
        let at = Timestamp::from_millis(millis);
        let signature = Webhook::new(KEY).unwrap().sign(&id, millis / 1000, payload.as_bytes()).unwrap();
        let headers = [&*id, &*seconds(at), &*signature];
        prop_assert!(admits(&[KEY], headers, payload.as_bytes(), at));
        prop_assert!(admits(&[OTHER, KEY], headers, payload.as_bytes(), at), "either key is valid");
        prop_assert!(!admits(&[OTHER], headers, payload.as_bytes(), at), "another key is not");
        let changed = [payload.as_bytes(), b" "].concat();
        prop_assert!(!admits(&[KEY], headers, &changed, at), "the payload was changed");
    }

    #[test]
    fn headers_of_any_kind_are_judged_without_a_panic(
        id in proptest::collection::vec(any::<u8>(), 0..300),
        timestamp in proptest::collection::vec(any::<u8>(), 0..300),
        signatures in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let secrets = Secrets::default().signed_with([key(KEY)], TOLERANCE);
        let signature = Signature { id: &id, timestamp: &timestamp, signatures: &signatures };
        let admitted = secrets.presented(None).signed(signature, now()).scope(b"{}").is_some();
        prop_assert!(!admitted);
    }
}

#[test]
fn every_header_is_part_of_what_is_signed() {
    let at = now();
    let (time, signature) = (seconds(at), key(KEY).sign("msg_1", at, b"{}"));
    assert!(admits(&[KEY], ["msg_1", &time, &signature], b"{}", at));
    assert!(!admits(&[KEY], ["msg_2", &time, &signature], b"{}", at), "another id");
    let later = seconds(at.after(Duration::from_secs(1)));
    assert!(!admits(&[KEY], ["msg_1", &later, &signature], b"{}", at), "another time");
    assert!(!admits(&[KEY], ["", &time, &key(KEY).sign("", at, b"{}")], b"{}", at), "no id at all");
}

#[test]
fn one_of_several_signatures_is_enough_and_other_versions_are_passed_over() {
    let at = now();
    let (time, right, wrong) = (seconds(at), key(KEY).sign("m", at, b"{}"), key(OTHER).sign("m", at, b"{}"));
    let admitted = |signatures: &str| admits(&[KEY], ["m", &time, signatures], b"{}", at);
    assert!(admitted(&format!("{wrong} {right}")), "a robot that changes its key signs with both");
    assert!(admitted(&format!("v1a,abc {right} nonsense")));
    for none in ["", " ", "v1,", "v1a,abc", &right.replace("v1,", "v2,"), &wrong, &right[..right.len() - 4]] {
        assert!(!admitted(none), "{none:?}");
    }
    let eight_wrong = [wrong.as_str(); MOST].join(" ");
    assert!(!admitted(&format!("{eight_wrong} {right}")), "no more than {MOST} are looked at");
}

#[test]
fn a_signature_is_good_for_five_minutes_to_either_side() {
    let at = Timestamp::from_millis(1_767_225_600_000);
    let (time, signature) = (seconds(at), key(KEY).sign("m", at, b"{}"));
    let admitted = |now| admits(&[KEY], ["m", &time, &signature], b"{}", now);
    assert!(admitted(at.after(TOLERANCE)));
    assert!(!admitted(at.after(TOLERANCE + Duration::from_millis(1))), "too old");
    assert!(admitted(Timestamp::from_millis(at.as_millis() - 300_000)));
    assert!(!admitted(Timestamp::from_millis(at.as_millis() - 300_001)), "from a future too far");
    for time in ["", "1767225600.0", "-1", "+1767225600", "99999999999999999999", "now"] {
        assert!(!admits(&[KEY], ["m", time, &signature], b"{}", at), "{time:?} is no time");
    }
}

#[test]
fn a_key_is_24_to_64_bytes_in_base64_and_never_shows() {
    assert!(SigningKey::parse(KEY.strip_prefix(PREFIX).unwrap()).is_ok(), "the prefix may be left out");
    for wrong in ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64!", &Base64::encode_string(&[7; 65])] {
        assert_eq!(SigningKey::parse(wrong).unwrap_err(), SigningKeyError, "{wrong:?}");
    }
    assert_eq!(format!("{:?}", key(KEY)), "SigningKey(redacted)");
}

#[test]
fn without_a_key_no_signature_lets_anybody_in() {
    let at = now();
    let (time, signature) = (seconds(at), key(KEY).sign("m", at, b"{}"));
    assert!(!admits(&[], ["m", &time, &signature], b"{}", at));
}
