//! Slows failed authentications, by the address they come from, and nothing else.
//!
//! The check itself is never refused: a valid secret is let in at once, whatever has failed from the same address, for
//! behind one address there may be many callers. So this is no bar to guessing (the length of a secret is); it
//! bounds what failures cost, and slows whoever waits for the answers.
//!
//! Memory is a fixed table; addresses that fall together in it share an allowance, which only failures notice.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::counter;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::metrics::SLOWED;

/// How long it takes to forget a failure, in milliseconds.
const FORGOTTEN: u64 = 3_000;
/// The longest that an answer is held back, in milliseconds.
const LONGEST: u64 = 5_000;
/// The most answers that are held back at a time; further ones are given at once.
const HELD: usize = 512;
const SLOTS: usize = 4096;

pub(super) struct Throttle {
    /// When all failures of an address will be forgotten, in milliseconds since the beginning.
    slots: Box<[AtomicU64]>,
    /// Nobody knows who falls together with whom.
    hashing: RandomState,
    beginning: Instant,
    allowance: u64,
    held: Semaphore,
}

impl Throttle {
    pub(super) fn new(failures: u32) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::default()).collect(),
            hashing: RandomState::new(),
            beginning: Instant::now(),
            allowance: u64::from(failures) * FORGOTTEN,
            held: Semaphore::new(HELD),
        }
    }

    /// An authentication from there has failed. Says whether it was one too many, and returns when it may be
    /// answered.
    pub(super) async fn failed(&self, address: IpAddr) -> bool {
        let wait = self.count(network(address));
        if wait.is_zero() {
            return false;
        }
        counter!(SLOWED.name).increment(1);
        tracing::debug!(%address, ?wait, "a failed authentication is slowed");
        if let Ok(_held) = self.held.try_acquire() {
            tokio::time::sleep(wait).await;
        }
        true
    }

    fn count(&self, network: IpAddr) -> Duration {
        let now = u64::try_from(self.beginning.elapsed().as_millis()).unwrap_or(u64::MAX);
        let most = now.saturating_add(self.allowance + LONGEST);
        let slot = usize::try_from(self.hashing.hash_one(network) % SLOTS as u64).unwrap_or_default();
        let next = |forgotten: u64| forgotten.max(now).saturating_add(FORGOTTEN).min(most);
        let before = self.slots[slot].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |f| Some(next(f)));
        let before = before.unwrap_or_default();
        let wait = |forgotten: u64| forgotten.saturating_sub(now + self.allowance);
        if wait(before) == 0 && wait(next(before)) > 0 {
            // Once, not for each: and not which address, which may be a person's.
            tracing::warn!("many authentications fail; those of one address are slowed");
        }
        Duration::from_millis(wait(next(before)))
    }
}

/// Whoever has an address of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn failures_beyond_the_allowance_wait_and_are_forgotten_in_time() {
        let throttle = Throttle::new(3);
        let near = address("192.0.2.1");
        for _ in 0..3 {
            assert!(!throttle.failed(near).await, "within the allowance nobody waits");
        }
        let begun = Instant::now();
        assert!(throttle.failed(near).await, "one too many");
        assert_eq!(begun.elapsed(), Duration::from_secs(3), "waits until the first is forgotten");
        for _ in 0..100 {
            assert!(throttle.count(near) <= Duration::from_millis(LONGEST), "nobody waits for ever");
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!throttle.failed(near).await, "all is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_network_of_ipv6_has_one_allowance_and_a_mapped_address_is_itself() {
        let throttle = Throttle::new(1);
        assert!(!throttle.failed(address("2001:db8:0:1::1")).await);
        assert!(throttle.failed(address("2001:db8:0:1:ffff::2")).await, "the same /64");
        assert_ne!(network(address("2001:db8:0:2::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_answers_are_held_back_at_a_time() {
        let throttle = std::sync::Arc::new(Throttle::new(0));
        let fail = || {
            let throttle = throttle.clone();
            tokio::spawn(async move { throttle.failed(address("192.0.2.1")).await })
        };
        let held: Vec<_> = (0..HELD).map(|_| fail()).collect();
        while throttle.held.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        assert!(throttle.failed(address("192.0.2.1")).await);
        assert_eq!(begun.elapsed(), Duration::ZERO, "what can't be held is answered");
        for one in held {
            assert!(one.await.unwrap());
        }
    }
}
