//! An amount of money, exact to the hundredth.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Number;

/// An amount with two decimals, as `numeric(12,2)` keeps it: from -9999999999.99 to 9999999999.99.
/// A JSON number on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    hundredths: i64,
}

const LIMIT: i64 = 999_999_999_999;

/// Why something is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an amount of at most two decimals, from -9999999999.99 to 9999999999.99")]
pub struct AmountError;

impl Amount {
    /// So many hundredths.
    ///
    /// # Errors
    /// [`AmountError`] when it is out of range.
    pub fn from_hundredths(hundredths: i64) -> Result<Self, AmountError> {
        if (-LIMIT..=LIMIT).contains(&hundredths) { Ok(Self { hundredths }) } else { Err(AmountError) }
    }

    /// The amount in hundredths.
    #[must_use]
    pub fn hundredths(self) -> i64 {
        self.hundredths
    }

    /// Every amount in range has at most twelve digits, and a double holds fifteen: nothing is rounded away.
    fn from_number(number: &Number) -> Result<Self, AmountError> {
        let value = number.as_f64().ok_or(AmountError)?;
        let hundredths = (value * 100.0).round();
        #[expect(clippy::cast_precision_loss, reason = "LIMIT is far below 2^53")]
        let in_range = hundredths.abs() <= LIMIT as f64;
        if !in_range || (hundredths / 100.0).to_bits() != (value + 0.0).to_bits() {
            return Err(AmountError);
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounded and in range")]
        Self::from_hundredths(hundredths as i64)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.hundredths < 0 { "-" } else { "" };
        let size = self.hundredths.unsigned_abs();
        write!(f, "{sign}{}.{:02}", size / 100, size % 100)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.hundredths % 100 == 0 {
            return serializer.serialize_i64(self.hundredths / 100);
        }
        #[expect(clippy::cast_precision_loss, reason = "LIMIT is far below 2^53")]
        serializer.serialize_f64(self.hundredths as f64 / 100.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_number(&Number::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_survives_its_own_json() {
        for (hundredths, json) in
            [(0, "0"), (12_500_000, "125000"), (1_999, "19.99"), (-10, "-0.1"), (LIMIT, "9999999999.99")]
        {
            let amount = Amount::from_hundredths(hundredths).unwrap();
            assert_eq!(serde_json::to_string(&amount).unwrap(), json);
            assert_eq!(serde_json::from_str::<Amount>(json).unwrap(), amount);
        }
    }

    #[test]
    fn what_two_decimals_cannot_hold_is_refused() {
        for json in ["0.001", "10000000000", "1e300", "\"5\"", "null"] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_amount_is_shown_with_two_decimals() {
        assert_eq!(Amount::from_hundredths(-5).unwrap().to_string(), "-0.05");
        assert_eq!(Amount::from_hundredths(8_990_050).unwrap().to_string(), "89900.50");
    }
}
