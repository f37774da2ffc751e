//! Laws 58 to 72, and 118: the outbox gives each entry to one claimer at a time, and keeps it until it was delivered.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::World;
use super::fixture::{MINUTE, job_of, success};
use crate::outbox::{EntryId, Lease, LeaseToken, Settlement};
use crate::verdict::Verdict;

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// So many entries in the outbox, recorded a second apart; their events' ids, oldest first.
    async fn record(&self, count: usize) -> Vec<String> {
        let made = self.make(job_of(count + 1)).await;
        let mut ids = Vec::new();
        for item in &made.items[..count] {
            self.apply(success(*item)).await;
            self.clock.advance(SECOND);
            ids.push(format!("robot.coord.completed:{item}:1"));
        }
        ids
    }

    pub(super) async fn depth(&self) -> (u64, u64) {
        let depth = self.store.outbox_depth().await.expect("the store answers");
        (depth.pending, depth.dead)
    }

    pub(super) async fn settle_all(&self, lease: &Lease, settlement: &Settlement) {
        let all = entries(lease).into_iter().map(|id| (id, settlement.clone()));
        self.settle(lease.token, all.collect()).await;
    }
}

pub(super) fn entries(lease: &Lease) -> Vec<EntryId> {
    lease.entries.iter().map(|entry| entry.id).collect()
}

fn events(lease: &Lease) -> Vec<&str> {
    lease.entries.iter().map(|entry| entry.event.id.as_str()).collect()
}

fn again() -> Settlement {
    Settlement::Again { after: 10 * SECOND, reason: "out of reach".to_owned() }
}

fn dead() -> Settlement {
    Settlement::Dead { reason: "refused as it is".to_owned() }
}

/// **Law 58.** A claim gives the oldest entries, oldest first, none of them failed yet.
pub async fn a_claim_gives_the_oldest_first(world: World) {
    let ids = world.record(5).await;
    let lease = world.claim(3).await;
    assert_eq!(events(&lease), ids[..3], "the oldest entries come first");
    assert!(lease.entries.iter().all(|entry| entry.failures == 0), "none of them failed yet");
    assert_eq!(events(&world.claim(3).await), ids[3..], "the others follow");
}

/// **Law 118.** A claim takes what has been due for longest, so that entries that fail again and again keep nobody else
/// waiting; what it takes comes in the order in which it was recorded.
pub async fn a_claim_takes_what_is_due_for_longest(world: World) {
    let ids = world.record(4).await;
    let failing = world.claim(2).await;
    world.settle_all(&failing, &again()).await;
    world.clock.advance(10 * SECOND);
    assert_eq!(events(&world.claim(2).await), ids[2..], "what was due before goes first");
    assert_eq!(events(&world.claim(2).await), ids[..2], "what is sent again follows");
    world.clock.advance(MINUTE);
    assert_eq!(events(&world.claim(10).await), ids, "together they come in the order they were recorded");
}

/// **Law 59.** A claim gives at most as many entries as it asks for; none, when nothing is due.
pub async fn a_claim_honours_its_limit(world: World) {
    assert!(world.claim(10).await.entries.is_empty(), "nothing is due in an empty outbox");
    world.record(4).await;
    assert!(world.claim(0).await.entries.is_empty(), "asking for none gives none");
    for expected in [3, 1, 0] {
        assert_eq!(world.claim(3).await.entries.len(), expected, "a claim honours its limit");
    }
}

/// **Law 60.** An entry under a lease is given to nobody else.
pub async fn a_leased_entry_is_given_to_nobody_else(world: World) {
    let ids = world.record(2).await;
    let lease = world.claim(1).await;
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(events(&world.claim(10).await), ids[1..], "a leased entry is given to nobody else");
    world.settle_all(&lease, &Settlement::Delivered).await;
    assert_eq!(world.depth().await, (1, 0), "it is settled under its lease");
}

/// **Law 61.** An entry whose lease has run out is due again: whoever held it may have died.
pub async fn an_expired_lease_can_be_claimed_again(world: World) {
    let ids = world.record(2).await;
    let first = world.claim(10).await;
    world.clock.advance(MINUTE);
    let second = world.claim(10).await;
    assert_eq!(events(&second), ids, "an expired lease can be claimed again");
    assert_ne!(first.token, second.token, "under a lease of its own");
    assert_eq!(entries(&first), entries(&second), "and in the same place");
}

/// **Law 62.** Settling under a lease that went to another changes nothing; nor does a lease that nobody gave.
pub async fn a_lost_lease_settles_nothing(world: World) {
    world.record(1).await;
    let lost = world.claim(1).await;
    world.clock.advance(MINUTE);
    let held = world.claim(1).await;
    for settlement in [Settlement::Delivered, again(), dead()] {
        world.settle_all(&lost, &settlement).await;
        let never_given = Lease { token: LeaseToken::new_v4(), entries: held.entries.clone() };
        world.settle_all(&never_given, &settlement).await;
    }
    assert_eq!(world.depth().await, (1, 0), "a lost lease settles nothing");
    world.settle_all(&held, &again()).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.claim(1).await.entries[0].failures, 1, "and counts no failure");
}

/// **Law 63.** What was delivered never leaves again, whatever is said about it later.
pub async fn a_delivered_entry_never_leaves_again(world: World) {
    world.record(2).await;
    let lease = world.claim(10).await;
    world.settle_all(&lease, &Settlement::Delivered).await;
    world.settle_all(&lease, &again()).await;
    world.settle_all(&lease, &dead()).await;
    world.clock.advance(MINUTE * 60);
    assert!(world.claim(10).await.entries.is_empty(), "a delivered entry never leaves again");
    assert_eq!(world.depth().await, (0, 0), "nothing waits");
}

/// **Law 64.** An entry to be sent again is due when its time has come, not before; its failures are counted.
pub async fn an_entry_to_be_sent_again_waits_its_time(world: World) {
    let ids = world.record(1).await;
    for failures in 0..3 {
        let lease = world.claim(1).await;
        assert_eq!(events(&lease), ids, "an entry is tried again for as long as it takes");
        assert_eq!(lease.entries[0].failures, failures, "its failures are counted");
        world.settle_all(&lease, &again()).await;
        world.clock.advance(10 * SECOND - Duration::from_millis(1));
        assert!(world.claim(1).await.entries.is_empty(), "it is not due before its time");
        world.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(world.depth().await, (1, 0), "it still waits");
}

/// **Law 65.** Entries of one lease are settled each in its own way; one that is not settled stays leased.
pub async fn each_entry_is_settled_in_its_own_way(world: World) {
    let ids = world.record(4).await;
    let lease = world.claim(10).await;
    let place = entries(&lease);
    let settlements = vec![(place[0], Settlement::Delivered), (place[1], again()), (place[2], dead())];
    world.settle(lease.token, settlements).await;
    assert_eq!(world.depth().await, (2, 1), "one delivered, one dead, two waiting");
    assert!(world.claim(10).await.entries.is_empty(), "none of them is due right away");
    world.clock.advance(10 * SECOND);
    assert_eq!(events(&world.claim(10).await), [&ids[1]], "one is due after its wait");
    world.settle(lease.token, vec![(place[3], Settlement::Delivered)]).await;
    assert_eq!(world.depth().await, (1, 1), "the other is settled later, under the same lease");
}

/// **Law 66.** An entry refused for good becomes a dead letter, with the reason; it leaves no more by itself.
pub async fn a_refused_entry_becomes_a_dead_letter(world: World) {
    let ids = world.record(3).await;
    let lease = world.claim(2).await;
    world.settle_all(&lease, &dead()).await;
    world.clock.advance(MINUTE * 60);
    assert_eq!(events(&world.claim(10).await), [&ids[2]], "a dead letter leaves no more by itself");
    let letters = world.letters().await;
    assert_eq!(letters.iter().map(|letter| &letter.event.id).collect::<Vec<_>>(), [&ids[0], &ids[1]]);
    assert_eq!(letters.iter().map(|letter| letter.id).collect::<Vec<_>>(), entries(&lease), "oldest first");
    assert_eq!(letters[0].event, lease.entries[0].event, "with all of its event");
    assert_eq!((letters[0].reason.as_str(), letters[0].failures), ("refused as it is", 1), "and the reason");
}

/// **Law 67.** A dead letter that is redriven is due at once, and can be delivered.
pub async fn a_redriven_dead_letter_is_due(world: World) {
    let ids = world.record(2).await;
    let lease = world.claim(10).await;
    world.settle_all(&lease, &dead()).await;
    let redriven = world.redrive(vec![entries(&lease)[1]]).await;
    assert_eq!(redriven, [entries(&lease)[1]], "one dead letter is redriven");
    assert_eq!(world.depth().await, (1, 1), "the other stays dead");
    let lease = world.claim(10).await;
    assert_eq!(events(&lease), [&ids[1]], "a redriven dead letter is due at once");
    world.settle_all(&lease, &Settlement::Delivered).await;
    assert_eq!(world.depth().await, (0, 1), "and is delivered");
}

/// **Law 68.** Redriving what is not a dead letter, or not there, changes nothing.
pub async fn redriving_what_is_not_dead_changes_nothing(world: World) {
    world.record(3).await;
    let delivered = world.claim(1).await;
    world.settle_all(&delivered, &Settlement::Delivered).await;
    let waiting = world.claim(1).await;
    world.settle_all(&waiting, &again()).await;
    let leased = world.claim(1).await;
    let all = [&delivered, &waiting, &leased].map(|lease| entries(lease)[0]);
    let ids = all.into_iter().chain([EntryId::MAX]).collect();
    let redriven = world.redrive(ids).await;
    assert!(redriven.is_empty(), "none of them is a dead letter");
    assert!(world.claim(10).await.entries.is_empty(), "none of them is due by that");
    world.settle_all(&leased, &Settlement::Delivered).await;
    assert_eq!(world.depth().await, (1, 0), "a lease is not lost by that");
}

/// **Law 69.** Pruning forgets what was delivered longer ago than asked, and nothing else.
pub async fn pruning_forgets_only_what_was_delivered_long_ago(world: World) {
    world.record(5).await;
    let (old, refused, waiting) = (world.claim(1).await, world.claim(1).await, world.claim(1).await);
    world.settle_all(&old, &Settlement::Delivered).await;
    world.settle_all(&refused, &dead()).await;
    world.settle_all(&waiting, &again()).await;
    world.clock.advance(MINUTE);
    let young = world.claim(1).await;
    world.settle_all(&young, &Settlement::Delivered).await;
    let prune = |older_than| world.store.prune(older_than, 100);
    assert_eq!(prune(MINUTE * 2).await.expect("the store prunes"), 0, "nothing is that old");
    world.clock.advance(SECOND);
    assert_eq!(prune(MINUTE).await.expect("the store prunes"), 1, "one was delivered that long ago");
    assert_eq!(world.depth().await, (2, 1), "what waits or is dead is kept, however old");
    world.clock.advance(SECOND);
    assert_eq!(prune(Duration::ZERO).await.expect("the store prunes"), 1, "what was younger grows old");
    world.clock.advance(MINUTE * 60);
    assert_eq!(prune(Duration::ZERO).await.expect("the store prunes"), 0, "nothing else is ever pruned");
    assert_eq!(world.depth().await, (2, 1), "what waits or is dead is kept, however old");
}

/// **Law 70.** Pruning forgets at most so many entries at once, and no result: repeated reports fire nothing, and
/// what was announced counts as announced.
pub async fn pruning_forgets_no_result(world: World) {
    let made = world.make(job_of(3)).await;
    for item in &made.items {
        world.apply(success(*item)).await;
    }
    world.drain().await;
    world.clock.advance(MINUTE);
    for expected in [3, 1, 0] {
        let pruned = world.store.prune(SECOND, 3).await.expect("the store prunes");
        assert_eq!(pruned, expected, "at most so many are pruned at once");
    }
    world.finds_nothing_amiss().await;
    for item in &made.items {
        let again = world.apply(success(*item)).await;
        assert_eq!(again.verdict, Verdict::Duplicate, "a result is not forgotten with its event");
        assert_eq!((again.events, again.completed), (0, false), "a repeated report still fires nothing");
    }
    assert!(world.drain().await.is_empty(), "nothing waits in the outbox");
}

/// **Law 71.** Concurrent claims give each entry to one of them.
pub async fn concurrent_claims_are_disjoint(world: World) {
    let expected: HashSet<String> = world.record(30).await.into_iter().collect();
    let world = Arc::new(world);
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let world = world.clone();
        tasks.spawn(async move { world.claim(3).await });
    }
    let mut given: Vec<String> = Vec::new();
    for lease in tasks.join_all().await.into_iter().chain([world.claim(100).await]) {
        given.extend(lease.entries.into_iter().map(|entry| entry.event.id));
    }
    assert_eq!(given.len(), expected.len(), "concurrent claims give no entry twice");
    assert_eq!(given.into_iter().collect::<HashSet<_>>(), expected, "and leave none behind");
}

/// **Law 72.** The depth counts what waits, leased entries included, and what is dead, and says since when the
/// oldest waits.
pub async fn the_depth_counts_what_waits(world: World) {
    let empty = world.store.outbox_depth().await.expect("the store answers");
    assert_eq!((empty.pending, empty.dead, empty.oldest), (0, 0, None), "nothing waits in an empty outbox");
    let begun = world.now();
    world.record(3).await;
    let lease = world.claim(2).await;
    let depth = world.store.outbox_depth().await.expect("the store answers");
    assert_eq!((depth.pending, depth.dead), (3, 0), "leased entries wait, too");
    assert_eq!(depth.oldest, Some(begun), "the oldest waits since it was recorded");
    let place = entries(&lease);
    world.settle(lease.token, vec![(place[0], Settlement::Delivered), (place[1], dead())]).await;
    let depth = world.store.outbox_depth().await.expect("the store answers");
    assert_eq!((depth.pending, depth.dead), (1, 1), "what is delivered waits no more");
    assert_eq!(depth.oldest, Some(begun.after(2 * SECOND)), "the next oldest follows");
}
