//! The late waiter: when a completion that was taken is sent again, for a receiver that began to wait too late. Pure.
//!
//! A receiver that deduplicates by id starts nothing twice; one that waits for an event is woken by the repeat.

use std::time::Duration;

use crate::event::Event;

/// A short schedule: how long after each delivery the same event is sent again. It ends with the last wait, or once
/// the completion is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    waits: [Duration; Self::MOST],
    count: usize,
}

impl Repeats {
    /// The most repeats of one event.
    pub const MOST: usize = 8;

    /// Nothing is sent again.
    pub const NONE: Self = Self { waits: [Duration::ZERO; Self::MOST], count: 0 };

    /// After 1 second, 5 seconds, 30 seconds and 2 minutes: an orchestrator that is slow to register is slow by
    /// seconds, one that was restarted by a minute.
    #[must_use]
    pub fn short() -> Self {
        Self::of(&[1, 5, 30, 120].map(Duration::from_secs)).unwrap_or(Self::NONE)
    }

    /// After each of those waits, counted from the delivery before. `None` when there are more than
    /// [`MOST`](Self::MOST).
    #[must_use]
    pub fn of(waits: &[Duration]) -> Option<Self> {
        let mut repeats = Self { count: waits.len(), ..Self::NONE };
        repeats.waits.get_mut(..waits.len())?.copy_from_slice(waits);
        Some(repeats)
    }

    /// How long until an event that was now delivered, and `before` times before that, is sent again. `None`: never.
    #[must_use]
    pub fn after(&self, event: &Event, before: u32) -> Option<Duration> {
        let waits = &self.waits[..self.count];
        waits.get(usize::try_from(before).ok()?).copied().filter(|_| event.is_completion())
    }
}

impl Default for Repeats {
    /// Nothing is sent again: a receiver that does not look at ids would act twice.
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        let data = serde_json::value::RawValue::from_string("{}".into()).unwrap();
        Event { name: name.into(), id: "1".into(), data, traceparent: None }
    }

    #[test]
    fn a_completion_is_sent_again_until_the_schedule_ends_and_nothing_else_is() {
        let completion = event("robot/job.batch_completed");
        let waits: Vec<_> = (0..6).map(|before| Repeats::short().after(&completion, before)).collect();
        assert_eq!(
            waits,
            [Some(1), Some(5), Some(30), Some(120), None, None].map(|s| s.map(Duration::from_secs))
        );
        assert_eq!(Repeats::short().after(&event("automation/robot.coord.completed"), 0), None);
        assert_eq!(Repeats::NONE.after(&completion, 0), None);
    }

    #[test]
    fn a_schedule_has_an_end() {
        assert!(Repeats::of(&[Duration::ZERO; Repeats::MOST]).is_some());
        assert_eq!(Repeats::of(&[Duration::ZERO; Repeats::MOST + 1]), None);
    }
}
