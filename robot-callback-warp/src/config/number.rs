//! Numbers, spans of time and switches among the settings.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Layers, Setting, SettingError};

pub(super) fn number(
    layers: &Layers,
    setting: &Setting,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, SettingError> {
    let Some(given) = layers.get(setting) else { return Ok(None) };
    let number = given.value.parse().ok().filter(|number| range.contains(number));
    let rule = || given.error(format!("must be a whole number from {} to {}", range.start(), range.end()));
    number.map(Some).ok_or_else(rule)
}

/// Whole seconds, from one to a day.
pub(super) fn seconds(layers: &Layers, setting: &Setting) -> Result<Option<Duration>, SettingError> {
    Ok(number(layers, setting, 1..=86_400)?.map(Duration::from_secs))
}

pub(super) fn switch(layers: &Layers, setting: &Setting) -> Result<Option<bool>, SettingError> {
    let Some(given) = layers.get(setting) else { return Ok(None) };
    match given.value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => Err(given.error("must be true or false")),
    }
}
