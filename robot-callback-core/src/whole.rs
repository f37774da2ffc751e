//! Whole numbers as JSON has them: `2.0` is one, too, which is how some languages write it and how JSON Schema reads it.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// A whole number of a request. One of more than fifteen digits is refused: past that, not every program keeps each of
/// them, however it is written.
///
/// ```
/// # use robot_callback_core::Whole;
/// let Whole(run): Whole<u32> = serde_json::from_str("2.0").unwrap();
/// assert_eq!(run, 2);
/// assert!(serde_json::from_str::<Whole<u32>>("2.5").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<T>(pub T);

/// The largest that is exact everywhere.
const EXACT: i64 = 999_999_999_999_999;

impl<'de, T: TryFrom<i64>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let exact = whole(&number).filter(|whole| (-EXACT..=EXACT).contains(whole));
        let fitting = exact.and_then(|whole| T::try_from(whole).ok());
        fitting.map(Self).ok_or_else(|| D::Error::custom("must be a whole number within its bounds"))
    }
}

fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what does not fit ends past EXACT and is refused"
        )]
        Some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: TryFrom<i64>>(text: &str) -> Option<T> {
        serde_json::from_str(text).ok().map(|Whole(number)| number)
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        for (text, number) in [("2", 2), ("2.0", 2), ("20e-1", 2), ("-0.0", 0), ("1e3", 1000), ("-7.0", -7)] {
            assert_eq!(read::<i64>(text), Some(number), "{text}");
        }
        for text in ["2.5", "\"2\"", "true", "null", "[2]"] {
            assert_eq!(read::<i64>(text), None, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_not_bent() {
        for text in ["999999999999999", "999999999999999.0", "828087324535319.0"] {
            assert_eq!(read(text), text.trim_end_matches(".0").parse::<i64>().ok(), "{text}");
        }
        for text in ["1000000000000000", "1000000000000000.0", "1e300", "-1e300", "18446744073709551615"] {
            assert_eq!(read::<i64>(text), None, "{text}");
        }
        assert_eq!(
            (read::<u32>("-1"), read::<u32>("4294967295.0"), read::<u32>("4294967296")),
            (None, Some(u32::MAX), None)
        );
    }
}
