//! How long to wait before trying again: exponential, capped, with full jitter.

use std::time::Duration;

/// The longest wait doubles with every failure up to a cap; the actual wait is drawn evenly from zero to that, so
/// that many who failed together do not come back together ("full jitter").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub base: Duration,
    /// The longest wait ever.
    pub cap: Duration,
}

impl Default for Backoff {
    /// From one second up to five minutes.
    fn default() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_secs(300) }
    }
}

impl Backoff {
    /// The longest wait after that many failures, counted from 1.
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The wait after that many failures, counted from 1.
    pub fn wait(&self, failures: u32, rng: &mut fastrand::Rng) -> Duration {
        self.ceiling(failures).mul_f64(rng.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_doubles_up_to_the_cap() {
        let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(10) };
        let ceilings: Vec<u64> = (0..7).map(|failures| backoff.ceiling(failures).as_secs()).collect();
        assert_eq!(ceilings, [1, 1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.cap);
    }

    #[test]
    fn waits_are_spread_between_zero_and_the_ceiling_and_replay_from_a_seed() {
        let backoff = Backoff::default();
        let draw = |seed| -> Vec<Duration> {
            let mut rng = fastrand::Rng::with_seed(seed);
            (0..1000).map(|_| backoff.wait(5, &mut rng)).collect()
        };
        let waits = draw(7);
        assert!(waits.iter().all(|wait| *wait <= backoff.ceiling(5)), "no wait is over the ceiling");
        assert!(waits.iter().any(|wait| *wait < backoff.ceiling(5) / 4), "some are short");
        assert!(waits.iter().any(|wait| *wait > backoff.ceiling(5) * 3 / 4), "some are long");
        assert_eq!(waits, draw(7), "the same seed gives the same waits");
    }
}
