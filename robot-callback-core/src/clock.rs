//! Where time comes from. Nothing outside this file asks the machine for it, so a test can replay everything.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment in UTC, in whole milliseconds since 1970; written as RFC 3339 (`2026-11-23T15:04:05.678Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(i64);

/// The last millisecond of the year 9999, past which RFC 3339 has no form.
const LAST_MILLIS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);

    /// The moment `millis` milliseconds after 1970, kept within the years 1970 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LAST_MILLIS))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment and `span` more; a span past the year 9999 ends there.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long before this moment `earlier` was; zero when it was not before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(self.system_time()).fmt(f)
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

/// RFC 3339, with any offset from UTC.
impl FromStr for Timestamp {
    type Err = humantime::TimestampError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((local, east)) = split_offset(text) else {
            return humantime::parse_rfc3339(text).map(Self::from);
        };
        let local = humantime::parse_rfc3339(&format!("{local}Z"))?;
        Ok(Self::from_millis(Self::from(local).0 - east * 60_000))
    }
}

/// `2026-11-23T10:04:05-05:00` as its local time, and how many minutes that is east of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    let (local, offset) =
        text.split_at_checked(text.len().checked_sub(6)?).filter(|(local, _)| !local.ends_with('Z'))?;
    let sign = match offset.as_bytes() {
        [b'+', _, _, b':', ..] => 1,
        [b'-', _, _, b':', ..] => -1,
        _ => return None,
    };
    let part = |digits: &str, most| {
        let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits);
        digits?.parse().ok().filter(|number: &i64| *number <= most)
    };
    Some((local, sign * (part(offset.get(1..3)?, 23)? * 60 + part(offset.get(4..)?, 59)?)))
}

impl TryFrom<String> for Timestamp {
    type Error = humantime::TimestampError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A source of the current time.
pub trait Clock: Send + Sync + 'static {
    /// The current moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millis()))
    }

    /// Moves the clock forward by `span`.
    pub fn advance(&self, span: Duration) {
        let later = self.now().after(span);
        self.0.store(later.as_millis(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// A clock that shows 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_millis(1_767_225_600_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_its_own_text() {
        let moment = Timestamp::from_millis(1_767_225_600_123);
        assert_eq!(moment.to_string(), "2026-01-01T00:00:00.123Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn a_moment_may_be_written_with_any_offset_from_utc() {
        let utc = |text: &str| text.parse().map(|moment: Timestamp| moment.to_string());
        for text in ["2026-11-23T15:04:05Z", "2026-11-23T10:04:05-05:00", "2026-11-24T01:19:05.000+10:15"] {
            assert_eq!(utc(text).as_deref(), Ok("2026-11-23T15:04:05.000Z"), "{text}");
        }
        assert_eq!(
            utc("1970-01-01T00:00:00+23:59").as_deref(),
            Ok("1970-01-01T00:00:00.000Z"),
            "and no earlier"
        );
        for text in [
            "2026-11-23T15:04:05",
            "2026-11-23T15:04:05+24:00",
            "2026-11-23T15:04:05+01:60",
            "-05:00",
            "+é:00",
        ]
        .into_iter()
        .chain([
            "2026-11-23T15:04:05Z+01:00",
            "2026-11-23T15:04:05+1:000",
            "2026-11-23T15:04:05++1:00",
        ]) {
            assert!(utc(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_stays_within_what_can_be_written() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.after(Duration::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(0).since(end), Duration::ZERO, "the past is not after the future");
    }
}
