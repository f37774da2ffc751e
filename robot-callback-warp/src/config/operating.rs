//! What the server does for jobs that say nothing, and for receivers that come late.

use std::time::Duration;

use robot_callback_core::{Allowance, Repeats};

use super::events::Events;
use super::layers::Layers;
use super::number::number;
use super::setting::{DEADLINE_PLUS, DEADLINE_SECS_PER_ORDER, REPEAT_COMPLETIONS};
use super::{Setting, SettingError};

/// The deadline of a job whose request says nothing of one; `None` where neither setting is there.
pub(crate) fn allowance(layers: &Layers) -> Result<Option<Allowance>, SettingError> {
    const YEAR: u64 = 365 * 86_400;
    let span = |setting: &Setting| number(layers, setting, 0..=YEAR);
    let (per_order, plus) = (span(&DEADLINE_SECS_PER_ORDER)?, span(&DEADLINE_PLUS)?);
    let of = |secs: Option<u64>| Duration::from_secs(secs.unwrap_or_default());
    let said = per_order.is_some() || plus.is_some();
    Ok(said.then(|| Allowance { per_order: of(per_order), plus: of(plus) }))
}

/// When completions are sent again: by default where they go to Inngest, which starts nothing twice under one id and
/// wakes who waits.
pub(super) fn repeats(layers: &Layers, events: &Events) -> Result<Repeats, SettingError> {
    let Some(given) = layers.get(&REPEAT_COMPLETIONS) else {
        return Ok(if *events == Events::Log { Repeats::NONE } else { Repeats::short() });
    };
    if given.value == "off" {
        return Ok(Repeats::NONE);
    }
    let wait = |text: &str| text.trim().parse().ok().filter(|secs| (1..=86_400).contains(secs));
    let waits: Option<Vec<Duration>> =
        given.value.split(',').map(|text| wait(text).map(Duration::from_secs)).collect();
    let repeats = waits.and_then(|waits| Repeats::of(&waits));
    repeats.ok_or_else(|| given.error("must be off, or up to eight waits in seconds such as 1,5,30,120"))
}
