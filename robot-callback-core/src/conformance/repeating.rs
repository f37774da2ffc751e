//! Laws 99 to 105: what is sent again for receivers that came late, until it is acknowledged.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::World;
use super::fixture::{MINUTE, Made, failure, job_of};
use crate::id::JobId;
use crate::operation::{Effect, Objection, Operation};
use crate::outbox::{Lease, Settlement};

const SECOND: Duration = Duration::from_secs(1);

impl World {
    /// A complete job whose completion has not left yet.
    async fn complete(&self) -> Made {
        let made = self.make(job_of(1)).await;
        self.apply(failure(made.items[0])).await;
        made
    }

    /// What is due, and is told to leave once more a second later.
    async fn send_and_repeat(&self) -> Lease {
        let lease = self.claim(10).await;
        self.settle_as(&lease, &Settlement::Repeat { after: SECOND }).await;
        lease
    }

    async fn settle_as(&self, lease: &Lease, settlement: &Settlement) {
        let all = lease.entries.iter().map(|entry| (entry.id, settlement.clone()));
        self.settle(lease.token, all.collect()).await;
    }

    async fn due(&self) -> usize {
        self.claim(10).await.entries.len()
    }

    async fn acknowledge(&self, job: JobId) -> Effect {
        self.effect(Operation::Acknowledge { job_id: job, run: None }).await
    }
}

/// **Law 99.** An entry that was delivered and is to leave once more is due when its time has come, as the same entry
/// with the same event, its deliveries counted; until it is delivered for good.
pub async fn a_repeat_leaves_in_its_time_as_the_same_event(world: World) {
    world.complete().await;
    let first = world.send_and_repeat().await;
    assert_eq!(first.entries[0].deliveries, 0, "it was never delivered before");
    world.clock.advance(SECOND - Duration::from_millis(1));
    assert_eq!(world.due().await, 0, "it is not due before its time");
    world.clock.advance(Duration::from_millis(1));
    let second = world.send_and_repeat().await;
    assert_eq!(second.entries.len(), 1, "it is due when its time has come");
    let (before, now) = (&first.entries[0], &second.entries[0]);
    assert_eq!((now.id, &now.event), (before.id, &before.event), "as the same entry with the same event");
    assert_eq!((now.deliveries, now.failures), (1, 0), "its deliveries are counted");
    world.clock.advance(SECOND);
    let last = world.claim(10).await;
    world.settle_as(&last, &Settlement::Delivered).await;
    world.clock.advance(MINUTE * 60);
    assert_eq!(world.due().await, 0, "delivered for good, it leaves no more");
}

/// **Law 100.** What waits to leave once more counts as delivered: it is not pending, it never becomes a dead letter, and
/// pruning leaves it until its repeats have ended.
pub async fn a_repeat_counts_as_delivered(world: World) {
    world.complete().await;
    world.send_and_repeat().await;
    let depth = world.store.outbox_depth().await.expect("the store answers");
    assert_eq!((depth.pending, depth.oldest), (0, None), "it is not pending");
    world.clock.advance(MINUTE);
    let pruned = world.store.prune(SECOND, 10).await.expect("the store prunes");
    assert_eq!(pruned, 0, "it is not forgotten before it has left");
    let lease = world.claim(10).await;
    world.settle_as(&lease, &Settlement::Again { after: SECOND, reason: "out of reach".to_owned() }).await;
    world.clock.advance(SECOND);
    let lease = world.claim(10).await;
    assert_eq!(
        (lease.entries.len(), lease.entries[0].failures),
        (1, 1),
        "a repeat that failed is tried again"
    );
    world.settle_as(&lease, &Settlement::Dead { reason: "refused".to_owned() }).await;
    assert!(world.letters().await.is_empty(), "what was delivered becomes no dead letter");
    world.clock.advance(MINUTE);
    assert_eq!(world.due().await, 0, "a refusal ends its repeats");
    assert_eq!(world.store.prune(SECOND, 10).await.expect("the store prunes"), 1, "then it is forgotten");
}

/// **Law 101.** A repeat is given to one claimer at a time, like any entry, and is due again when its lease ran out; the
/// never delivered go first.
pub async fn a_repeat_is_held_under_a_lease(world: World) {
    let world = Arc::new(world);
    world.complete().await;
    world.send_and_repeat().await;
    world.clock.advance(SECOND);
    let fresh = world.complete().await;
    let first = world.claim(1).await;
    assert!(first.entries[0].event.id.contains(&fresh.job.to_string()), "the never delivered go first");
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let world = world.clone();
        tasks.spawn(async move { world.due().await });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 1, "one of many gets the repeat");
    world.clock.advance(MINUTE);
    assert_eq!(world.due().await, 2, "when the leases ran out both are due again");
}

/// **Law 102.** A completion that is acknowledged is never claimed again; not even when somebody held it.
pub async fn an_acknowledged_completion_is_not_repeated(world: World) {
    let made = world.complete().await;
    world.send_and_repeat().await;
    assert_eq!(world.acknowledge(made.job).await, Effect::Acknowledged { run: 1 }, "it is acknowledged");
    assert_eq!(world.acknowledge(made.job).await, Effect::Nothing, "once");
    world.clock.advance(MINUTE);
    assert_eq!(world.due().await, 0, "an acknowledged completion is not repeated");

    let held = world.complete().await;
    world.send_and_repeat().await;
    world.clock.advance(SECOND);
    let lease = world.claim(10).await;
    world.acknowledge(held.job).await;
    for settlement in
        [Settlement::Repeat { after: SECOND }, Settlement::Again { after: SECOND, reason: String::new() }]
    {
        world.settle_as(&lease, &settlement).await;
        world.clock.advance(MINUTE);
        assert_eq!(world.due().await, 0, "nor one that was being sent meanwhile");
    }
}

/// **Law 103.** A completion that is acknowledged before it was delivered is delivered all the same, once: others may
/// wait for it, too.
pub async fn an_early_acknowledgement_ends_only_repeats(world: World) {
    let made = world.complete().await;
    world.acknowledge(made.job).await;
    let lease = world.send_and_repeat().await;
    assert_eq!(lease.entries.len(), 1, "it is delivered all the same");
    world.clock.advance(MINUTE);
    assert_eq!(world.due().await, 0, "once");
    assert_eq!(
        world.store.prune(SECOND, 10).await.expect("the store prunes"),
        1,
        "and is delivered for good"
    );
}

/// **Law 104.** Re-opening a job ends the repeats of the run before: nobody who waits for the new run is told of the
/// old one.
pub async fn reopening_ends_the_repeats_of_the_run_before(world: World) {
    let made = world.complete().await;
    world.send_and_repeat().await;
    world.retry(made.job).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.due().await, 0, "the old run is not announced again");
    world.apply(failure(made.items[0])).await;
    let lease = world.send_and_repeat().await;
    assert!(lease.entries[0].event.id.ends_with(":2"), "the new one is");
    let old = Operation::Acknowledge { job_id: made.job, run: Some(1) };
    assert_eq!(world.effect(old).await, Effect::Nothing, "acknowledging the old one changes nothing");
    world.clock.advance(SECOND);
    assert_eq!(world.due().await, 1, "and leaves the new one's repeats");
}

/// **Law 105.** Only a complete run can be acknowledged.
pub async fn only_a_complete_run_is_acknowledged(world: World) {
    let made = world.make(job_of(1)).await;
    let acknowledge = |job_id, run| world.operate(Operation::Acknowledge { job_id, run });
    assert_eq!(acknowledge(made.job, None).await, Err(Objection::NotComplete), "it has an open item");
    assert_eq!(acknowledge(made.job, Some(2)).await, Err(Objection::RunIs(1)), "nobody began that run yet");
    assert_eq!(acknowledge(JobId::random(), None).await, Err(Objection::NO_JOB), "nobody knows that job");
}
