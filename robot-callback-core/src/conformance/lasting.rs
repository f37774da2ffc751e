//! Laws 76 to 78, and 107, of durable stores: what was acknowledged is there after a restart.

use super::World;
use super::fixture::{MINUTE, completions, failure, job_of, success};
use crate::deadline::Deadline;
use crate::kept::Resolution;
use crate::new_job::{Creation, NewJob};
use crate::operation::{Actor, Command, Done, Operation};
use crate::outbox::Settlement;
use crate::query::ActionQuery;
use crate::verdict::Verdict;

/// **Law 76.** A restart keeps jobs, items, orders and kept reports, and goes on where the store was.
pub async fn a_restart_keeps_every_result(world: World) {
    let key = Some("key".to_owned());
    let new = NewJob { idempotency_key: key.clone(), deadline: world.in_a_minute().into(), ..job_of(4) };
    let workspace_id = new.workspace_id;
    let made = world.make(new).await;
    world.apply(success(made.items[0])).await;
    world.apply(failure(made.items[0])).await;
    world.apply(failure(made.items[1])).await;
    world.retry_items(made.job, None, world.in_a_minute()).await;
    world.apply(success(made.items[1]).for_attempt(1)).await;
    let before = world.picture(made.job).await;

    let world = world.restarted().await;
    assert_eq!(world.picture(made.job).await, before, "a restart keeps every result");
    assert_eq!(world.verdict(success(made.items[0])).await, Verdict::Duplicate, "and what was heard");
    let same = NewJob { idempotency_key: key, workspace_id, ..job_of(1) };
    assert_eq!(world.create(same).await, Creation::Existing(made.job), "and idempotency keys");
    world.clock.advance(MINUTE);
    assert_eq!(world.expire().await, [made.job], "and deadlines");
    let world = world.restarted().await;
    assert_eq!(world.verdict(success(made.items[2])).await, Verdict::Late, "and what they closed");
    let kept = world.kept(made.job).await.remove(0);
    let accepted = world.resolve(kept.id, Resolution::Accepted).await;
    assert!(accepted.is_some(), "and what waits for an operator");
    let world = world.restarted().await;
    assert_eq!(world.resolve(kept.id, Resolution::Accepted).await, None, "and the operator's word");
    world.finds_nothing_amiss().await;
}

/// **Law 77.** A restart keeps the outbox: what waits, what is leased, what is dead, and what was delivered.
pub async fn a_restart_keeps_the_outbox(world: World) {
    let made = world.make(job_of(5)).await;
    for item in &made.items {
        world.apply(success(*item)).await;
    }
    let lease = world.claim(3).await;
    let dead = Settlement::Dead { reason: "refused as it is".to_owned() };
    let settlements = vec![(lease.entries[0].id, Settlement::Delivered), (lease.entries[1].id, dead)];
    world.settle(lease.token, settlements).await;
    let depth = world.store.outbox_depth().await.expect("the store answers");

    let world = world.restarted().await;
    assert_eq!(world.store.outbox_depth().await.expect("the store answers"), depth, "as deep as before");
    let rest = world.claim(100).await;
    assert_eq!(rest.entries.len(), 3, "what is leased, delivered or dead is not due after a restart");
    let letters = world.letters().await;
    assert_eq!(letters[0].event, lease.entries[1].event, "a dead letter is still there, whole");
    assert_eq!(letters[0].reason, "refused as it is", "with its reason");
    let world = world.restarted().await;
    world.clock.advance(MINUTE);
    let expected: Vec<_> = lease.entries[2..].iter().chain(&rest.entries).cloned().collect();
    assert_eq!(world.claim(100).await.entries, expected, "leases run out after a restart, too");
}

/// **Law 78.** A restart keeps what was announced: no run is announced twice, pruned or not.
pub async fn a_restart_announces_nothing_again(world: World) {
    let made = world.make(job_of(2)).await;
    world.apply(success(made.items[0])).await;
    let world = world.restarted().await;
    assert!(world.apply(failure(made.items[1])).await.completed, "the last open item completes the job");
    assert_eq!(completions(&world.drain().await).len(), 1, "it is announced");
    world.clock.advance(MINUTE);
    world.store.prune(std::time::Duration::ZERO, 100).await.expect("the store prunes");
    let world = world.restarted().await;
    for report in [success(made.items[0]), failure(made.items[1]), success(made.items[1])] {
        assert!(!world.apply(report).await.completed, "no run completes twice");
    }
    let kept = world.kept(made.job).await.remove(0);
    let applied = world.resolve(kept.id, Resolution::Accepted).await.expect("it was not settled yet");
    assert!(!applied.completed, "nor by an operator's word");
    assert!(completions(&world.drain().await).is_empty(), "no run is announced twice");
    world.finds_nothing_amiss().await;
}

/// **Law 107.** A restart keeps what operators did, under which keys, and what is to leave once more.
pub async fn a_restart_keeps_what_operators_did(world: World) {
    let made = world.make(job_of(2)).await;
    for item in &made.items {
        world.apply(failure(*item)).await;
    }
    let lease = world.claim(10).await;
    let repeat = Settlement::Repeat { after: MINUTE };
    world.settle(lease.token, vec![(lease.entries[0].id, repeat)]).await;
    let world = world.restarted().await;
    world.clock.advance(MINUTE);
    let again = world.claim(10).await;
    assert_eq!(again.entries[0].deliveries, 1, "a repeat leaves in its time after a restart");
    let retry = Operation::Retry { job_id: made.job, items: None, run: Some(1), deadline: Deadline::Never };
    let command = Command::new(retry, Actor::new("ana")).under("key");
    let done = world.command(command.clone()).await.expect("nothing stands against it");
    let query = ActionQuery::default();
    let actions = world.store.actions(query).await.expect("the store answers");
    let world = world.restarted().await;
    assert_eq!(world.command(command).await, Ok(Done { repeated: true, ..done }), "a key stays used");
    assert_eq!(world.store.actions(query).await.expect("the store answers"), actions, "and the record stays");
    world.clock.advance(MINUTE);
    assert!(world.claim(10).await.entries.is_empty(), "what a re-opening ended stays ended");
}
