//! How long a receiver asks to be left alone. Pure.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::clock::Timestamp;

/// Nobody is left alone for longer, whatever they ask: a slip there must not hold events back for days.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads `Retry-After`: seconds, or a date, which is counted from the answer's own `Date` where it has one, so that
/// two clocks that differ do no harm. What can't be read is nothing.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let answered = headers.get(DATE).and_then(|value| date(value.to_str().ok()?));
        date(text)?.since(answered.unwrap_or(now))
    };
    Some(asked.min(LONGEST))
}

fn date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT_OCLOCK: &str = "Mon, 23 Nov 2026 08:00:00 GMT";
    const NINETY_SECONDS_LATER: &str = "Mon, 23 Nov 2026 08:01:30 GMT";

    fn read(value: &str, answered: Option<&str>, now: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        if let Some(answered) = answered {
            headers.insert(DATE, answered.parse().unwrap());
        }
        retry_after(&headers, date(now).unwrap()).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(read("0", None, EIGHT_OCLOCK), Some(0));
        assert_eq!(read(" 120 ", None, EIGHT_OCLOCK), Some(120));
    }

    #[test]
    fn a_date_is_counted_from_the_answers_own_date() {
        let skewed = "Sun, 22 Nov 2026 08:00:00 GMT";
        assert_eq!(read(NINETY_SECONDS_LATER, Some(EIGHT_OCLOCK), skewed), Some(90));
        assert_eq!(
            read(NINETY_SECONDS_LATER, None, EIGHT_OCLOCK),
            Some(90),
            "or from our clock, without one"
        );
        assert_eq!(
            read(EIGHT_OCLOCK, None, NINETY_SECONDS_LATER),
            Some(0),
            "a date that has passed is no wait"
        );
    }

    #[test]
    fn nobody_is_left_alone_for_more_than_an_hour() {
        assert_eq!(read("86400", None, EIGHT_OCLOCK), Some(3600));
        assert_eq!(read("99999999999999999999999", None, EIGHT_OCLOCK), Some(3600));
        assert_eq!(read("Tue, 23 Nov 2027 08:00:00 GMT", None, EIGHT_OCLOCK), Some(3600));
    }

    #[test]
    fn what_cannot_be_read_is_no_wait() {
        for value in ["", "-1", "soon", "1.5", "Mon, 99 Nov 2026"] {
            assert_eq!(read(value, None, EIGHT_OCLOCK), None, "{value}");
        }
    }
}
