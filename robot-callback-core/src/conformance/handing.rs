//! Laws 108 to 113: what a store records under a lease, for the relay of its own process. A store that leaves everything
//! to be claimed keeps them all: it hands nothing over.

use std::collections::BTreeSet;
use std::time::Duration;

use super::World;
use super::fixture::{MINUTE, job_of, success};
use super::leaving::entries;
use crate::outbox::{Claim, EntryId, Lease, Settlement};

const MILLISECOND: Duration = Duration::from_millis(1);

impl World {
    /// What is handed over now, to a relay that wants a minute for it.
    fn handed_over(&self, limit: usize) -> Vec<Lease> {
        self.store.handed_over(Claim { limit, lease: MINUTE }).into_iter().collect()
    }

    /// All that anybody can get now, in whatever way.
    async fn all(&self) -> Vec<Lease> {
        let mut leases = Vec::new();
        loop {
            let mut more = self.handed_over(100);
            more.extend(Some(self.claim(100).await).filter(|lease| !lease.entries.is_empty()));
            if more.is_empty() {
                return leases;
            }
            leases.append(&mut more);
        }
    }

    /// So many entries, recorded while a relay asks for what is handed over.
    async fn record_asked(&self, count: usize) {
        let made = self.make(job_of(count + 1)).await;
        assert!(self.handed_over(100).is_empty(), "nothing is recorded yet");
        for item in &made.items[..count] {
            self.apply(success(*item)).await;
        }
    }
}

/// The places of all those entries, in order.
fn places(leases: &[Lease]) -> Vec<EntryId> {
    let mut ids: Vec<EntryId> = leases.iter().flat_map(entries).collect();
    ids.sort_unstable();
    ids
}

/// How many entries these are, some of them perhaps given again when their lease had ended.
fn distinct(given: Vec<EntryId>) -> usize {
    given.into_iter().collect::<BTreeSet<_>>().len()
}

/// **Law 108.** What is handed over is given to nobody else for as long as was asked; nothing is kept for ever.
pub async fn what_is_handed_over_is_given_to_nobody_else(world: World) {
    world.record_asked(5).await;
    let mut given = places(&world.handed_over(2));
    assert!(given.len() <= 2, "the limit is honoured");
    world.clock.advance(MINUTE - MILLISECOND);
    for entry in places(&world.all().await) {
        assert!(!given.contains(&entry), "what is handed over is given to nobody else");
        given.push(entry);
    }
    world.clock.advance(2 * MINUTE);
    given.extend(places(&world.all().await));
    assert_eq!(distinct(given), 5, "nothing is kept for ever");
}

/// **Law 109.** What was handed over and never settled is due again, under a lease of its own: whoever held it may have
/// died.
pub async fn what_was_handed_over_and_not_settled_is_due_again(world: World) {
    world.record_asked(3).await;
    let first = world.all().await;
    assert_eq!(places(&first).len(), 3, "each entry is given once");
    world.clock.advance(2 * MINUTE);
    let second = world.claim(100).await;
    assert_eq!(places(std::slice::from_ref(&second)), places(&first), "what was not settled is due again");
    assert!(first.iter().all(|lease| lease.token != second.token), "under a lease of its own");
    for lost in &first {
        world.settle_all(lost, &Settlement::Delivered).await;
    }
    assert_eq!(world.depth().await, (3, 0), "the first is lost");
}

/// **Law 110.** What is handed over is settled as what was claimed is.
pub async fn what_is_handed_over_is_settled_like_the_claimed(world: World) {
    world.record_asked(3).await;
    let reason = || "because".to_owned();
    let after = Duration::from_secs(10);
    let mut ways = [
        Settlement::Delivered,
        Settlement::Again { after, reason: reason() },
        Settlement::Dead { reason: reason() },
    ]
    .into_iter();
    for lease in world.all().await {
        assert!(lease.entries.iter().all(|entry| entry.failures == 0 && entry.deliveries == 0));
        let settlements = entries(&lease).into_iter().zip(ways.by_ref()).collect();
        world.settle(lease.token, settlements).await;
    }
    assert_eq!(world.depth().await, (1, 1), "one delivered, one dead, one waiting");
    assert!(world.all().await.is_empty(), "nothing is due right away");
    world.clock.advance(after);
    let again = world.all().await;
    assert_eq!(places(&again).len(), 1, "one is due after its wait");
    assert_eq!(again[0].entries[0].failures, 1, "its failure counted");
    world.clock.advance(60 * MINUTE);
    assert_eq!(places(&world.all().await), places(&again), "what was delivered never leaves again");
}

/// **Law 111.** What is given back is due at once, and so is what is recorded afterwards.
pub async fn what_is_given_back_is_due(world: World) {
    world.record_asked(2).await;
    world.store.give_back().await.expect("the store answers");
    assert_eq!(world.claim(100).await.entries.len(), 2, "what is given back is due");
    let made = world.make(job_of(2)).await;
    world.apply(success(made.items[0])).await;
    assert_eq!(world.claim(100).await.entries.len(), 1, "nothing is kept for whoever asks no more");
    world.store.give_back().await.expect("giving back nothing is harmless");
}

/// **Law 112.** What is taken stays with whoever took it when the rest is given back.
pub async fn giving_back_leaves_what_was_taken(world: World) {
    world.record_asked(3).await;
    let taken = world.handed_over(1);
    world.store.give_back().await.expect("the store answers");
    let rest = world.claim(100).await;
    assert_eq!(rest.entries.len() + places(&taken).len(), 3, "the rest is due, what was taken is not");
    for lease in &taken {
        world.settle_all(lease, &Settlement::Delivered).await;
        assert_eq!(world.depth().await, (2, 0), "it is settled under its lease");
    }
}

/// **Law 113**, of durable stores. What was kept for a relay that died with its process is due when its lease ends.
pub async fn a_restart_keeps_what_was_to_be_handed_over(world: World) {
    world.record_asked(3).await;
    let world = world.restarted().await;
    let mut given = places(&world.all().await);
    world.clock.advance(2 * MINUTE);
    given.extend(places(&world.all().await));
    assert_eq!(distinct(given), 3, "a restart keeps what was to be handed over");
}
