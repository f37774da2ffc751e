//! When a report is tried again, and when it is given up. Pure, but for a jitter that its seed replays.

use std::time::Duration;

use super::options::SpoolOptions;

/// The wait after the `failures`th failure, counted from 1; `None` when the schedule is at its end. What the receiver
/// asked for is honoured, as far as the longest wait of the schedule goes.
pub(super) fn wait(
    options: &SpoolOptions,
    failures: u32,
    asked: Option<Duration>,
    rng: &mut fastrand::Rng,
) -> Option<Duration> {
    let planned = options.schedule.get(usize::try_from(failures).ok()?.checked_sub(1)?)?;
    let jittered = planned.mul_f64(1.0 + 0.2 * rng.f64());
    Some(jittered.max(asked.unwrap_or_default().min(longest(options))))
}

/// The longest wait planned.
pub(super) fn longest(options: &SpoolOptions) -> Duration {
    options.schedule.iter().max().copied().unwrap_or_default()
}
