//! The arguments of a subcommand, each read by its rule.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::ArgMatches;
use robot_callback_core::{Allowance, Deadline, FieldError, Timestamp};

/// The arguments of one subcommand.
pub(super) struct Asked<'a>(pub(super) &'a ArgMatches);

impl Asked<'_> {
    /// An argument that this subcommand may not have at all.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.try_get_one::<String>(name).ok().flatten().cloned()
    }

    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.try_get_many::<String>(name).ok().flatten().into_iter().flatten().cloned().collect()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default()
    }

    pub(super) fn json(&self) -> bool {
        self.flag("json")
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str, rule: &'static str) -> Result<Option<T>, FieldError> {
        self.read(name, rule, |text| text.parse().ok())
    }

    pub(super) fn read<T>(
        &self,
        name: &str,
        rule: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        read(&text).map(Some).ok_or_else(|| FieldError::new(name, rule))
    }

    /// One that clap demands.
    pub(super) fn required<T: FromStr>(&self, name: &str, rule: &'static str) -> Result<T, FieldError> {
        self.parsed(name, rule)?.ok_or_else(|| FieldError::new(name, "is required"))
    }

    pub(super) fn number(
        &self,
        name: &str,
        rule: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, FieldError> {
        self.read(name, rule, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    pub(super) fn key(&self) -> Result<Option<String>, FieldError> {
        self.read("key", "must be 1 to 255 characters long", |text| {
            (1..=255).contains(&text.len()).then(|| text.to_owned())
        })
    }

    /// `--deadline`, or `--secs-per-order` and `--plus-secs`.
    pub(super) fn deadline(&self) -> Result<Deadline, FieldError> {
        let rule = "must be a moment such as 2026-11-23T15:04:05Z, or none";
        let moment = self.read("deadline", rule, |text| match text {
            "none" => Some(None),
            text => text.parse::<Timestamp>().ok().map(Some),
        })?;
        let secs = |name| self.number(name, "must be a whole number of seconds", 0..=31_536_000);
        let (per_order, plus) = (secs("secs-per-order")?, secs("plus-secs")?);
        let span = |secs: Option<u64>| Duration::from_secs(secs.unwrap_or_default());
        let formula = (per_order.is_some() || plus.is_some())
            .then(|| Allowance { per_order: span(per_order), plus: span(plus) });
        Deadline::of_fields(moment, formula)
    }
}
