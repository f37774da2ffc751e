//! When a job's open items are closed as timed out: at a moment, or after so much for each order. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::field::FieldError;

/// A formula: so much for each order plus so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allowance {
    /// For each order. In whole seconds on the wire. Default: nothing.
    #[serde(rename = "secsPerOrder", with = "whole_seconds", default)]
    pub per_order: Duration,
    /// For all of them. In whole seconds on the wire. Default: nothing.
    #[serde(rename = "plusSecs", with = "whole_seconds", default)]
    pub plus: Duration,
}

impl Allowance {
    /// What so many orders get.
    #[must_use]
    pub fn for_orders(self, orders: u32) -> Duration {
        self.per_order.saturating_mul(orders).saturating_add(self.plus)
    }
}

/// What is said about a job's deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deadline {
    /// Nothing. Whoever has a default may put it here; without one there is no deadline.
    #[default]
    Unsaid,
    /// There is none.
    Never,
    /// That moment. One in the past closes the open items at the keeper's next look.
    At(Timestamp),
    /// So long from now, by the number of orders that are open then.
    Within(Allowance),
}

impl Deadline {
    /// As two fields of a request say it: a moment, or `null` for none; or a formula.
    ///
    /// # Errors
    /// A [`FieldError`] when both are said.
    pub fn of_fields(
        moment: Option<Option<Timestamp>>,
        allowance: Option<Allowance>,
    ) -> Result<Self, FieldError> {
        match (moment, allowance) {
            (Some(_), Some(_)) => {
                Err(FieldError::new("allowance", "must be absent where a deadline is given"))
            }
            (Some(Some(moment)), None) => Ok(Self::At(moment)),
            (Some(None), None) => Ok(Self::Never),
            (None, Some(allowance)) => Ok(Self::Within(allowance)),
            (None, None) => Ok(Self::Unsaid),
        }
    }

    /// That formula, where nothing was said.
    #[must_use]
    pub fn or(self, default: Option<Allowance>) -> Self {
        match (self, default) {
            (Self::Unsaid, Some(allowance)) => Self::Within(allowance),
            (said, _) => said,
        }
    }

    /// The moment it means, said now of so many orders.
    #[must_use]
    pub fn moment(self, now: Timestamp, orders: u32) -> Option<Timestamp> {
        match self {
            Self::Unsaid | Self::Never => None,
            Self::At(moment) => Some(moment),
            Self::Within(allowance) => Some(now.after(allowance.for_orders(orders))),
        }
    }
}

impl From<Option<Timestamp>> for Deadline {
    fn from(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Never, Self::At)
    }
}

mod whole_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::whole::Whole;

    pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(span.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Whole::<u32>::deserialize(deserializer).map(|Whole(secs)| Duration::from_secs(secs.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_formula_is_so_much_for_each_order_plus_so_much() {
        let allowance: Allowance = serde_json::from_str(r#"{"secsPerOrder":30,"plusSecs":600}"#).unwrap();
        assert_eq!(allowance, Allowance { per_order: secs(30), plus: secs(600) });
        assert_eq!(Deadline::Within(allowance).moment(NOW, 20), Some(NOW.after(secs(1200))));
        assert_eq!(serde_json::from_str::<Allowance>(r#"{"plusSecs":5}"#).unwrap().for_orders(9), secs(5));
        assert_eq!(serde_json::from_str::<Allowance>(r#"{"plusSecs":5.0}"#).unwrap().for_orders(9), secs(5));
        assert!(serde_json::from_str::<Allowance>(r#"{"plusSecs":-1}"#).is_err());
        assert!(serde_json::from_str::<Allowance>(r#"{"plusMins":1}"#).is_err(), "no field is ignored");
    }

    #[test]
    fn a_default_stands_only_where_nothing_was_said() {
        let default = Some(Allowance { per_order: secs(1), plus: secs(0) });
        assert_eq!(Deadline::Unsaid.or(default).moment(NOW, 3), Some(NOW.after(secs(3))));
        assert_eq!(Deadline::Never.or(default).moment(NOW, 3), None, "none is said, too");
        assert_eq!(Deadline::At(NOW).or(default), Deadline::At(NOW));
        assert_eq!(Deadline::Unsaid.or(None).moment(NOW, 3), None);
    }

    #[test]
    fn a_moment_and_a_formula_at_once_are_refused() {
        let allowance = Allowance { per_order: secs(1), plus: secs(0) };
        let error = Deadline::of_fields(Some(None), Some(allowance)).unwrap_err();
        assert_eq!(error.to_string(), "allowance must be absent where a deadline is given");
        assert_eq!(Deadline::of_fields(Some(None), None), Ok(Deadline::Never));
        assert_eq!(Deadline::of_fields(None, None), Ok(Deadline::Unsaid));
    }
}
