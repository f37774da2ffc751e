//! `Retry-After`: how long a receiver asks to be left alone. Pure.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use robot_callback_core::Timestamp;

/// The wait asked for, in either of its forms: a number of seconds, or a moment. A moment is measured from the
/// answer's own `Date` where it has one, so that two clocks need not agree; else from `now`. One that has passed
/// asks for no wait; what is neither form asks for nothing.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let answered = moment(headers, DATE).unwrap_or(now);
    moment(headers, RETRY_AFTER).map(|moment| moment.since(answered))
}

fn moment(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(text.trim()).ok().map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[(HeaderName, &str)]) -> Option<Duration> {
        let fields = fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        retry_after(&fields.collect(), "2026-11-23T15:00:00Z".parse().unwrap())
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        for (text, seconds) in [("0", 0), ("7", 7), (" 120 ", 120), ("99999999999999999999999", u64::MAX)] {
            assert_eq!(asked(&[(RETRY_AFTER, text)]), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_moment_is_measured_from_the_answers_date_else_from_now() {
        let (three, now, past) = (
            "Mon, 23 Nov 2026 15:03:00 GMT",
            "Mon, 23 Nov 2026 15:02:50 GMT",
            "Mon, 23 Nov 2026 14:00:00 GMT",
        );
        assert_eq!(asked(&[(RETRY_AFTER, three)]), Some(Duration::from_secs(180)));
        assert_eq!(asked(&[(RETRY_AFTER, three), (DATE, now)]), Some(Duration::from_secs(10)));
        assert_eq!(asked(&[(RETRY_AFTER, three), (DATE, "tea time")]), Some(Duration::from_secs(180)));
        assert_eq!(asked(&[(RETRY_AFTER, past)]), Some(Duration::ZERO), "a moment that has passed is now");
    }

    #[test]
    fn the_older_forms_of_a_date_are_read_too() {
        for text in ["Monday, 23-Nov-26 15:00:30 GMT", "Mon Nov 23 15:00:30 2026"] {
            assert_eq!(asked(&[(RETRY_AFTER, text)]), Some(Duration::from_secs(30)), "{text}");
        }
    }

    #[test]
    fn what_is_neither_form_asks_for_nothing() {
        for text in ["", "-1", "1.5", "soon", "7s", "2026-11-23T15:03:00Z"] {
            assert_eq!(asked(&[(RETRY_AFTER, text)]), None, "{text:?}");
        }
        assert_eq!(asked(&[]), None);
    }
}
