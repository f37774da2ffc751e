//! Laws 81 to 92: what operators do is done once, recorded with the change, or objected to without any.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::World;
use super::fixture::{MINUTE, Made, completions, failure, job_of, success};
use crate::action::Action;
use crate::deadline::{Allowance, Deadline};
use crate::id::JobId;
use crate::kept::Resolution;
use crate::new_job::NewJob;
use crate::operation::{Actor, Command, Done, Effect, Objection, Operation};
use crate::outbox::{EntryId, Settlement};
use crate::query::{ActionQuery, LetterQuery};

impl World {
    async fn actions(&self, job: Option<JobId>) -> Vec<Action> {
        let query = ActionQuery { job, ..ActionQuery::default() };
        self.store.actions(query).await.expect("the store answers").rows
    }

    /// A job of one failed item, in its first run.
    async fn failed(&self) -> Made {
        let made = self.make(job_of(1)).await;
        self.apply(failure(made.items[0])).await;
        made
    }

    /// So many dead letters; their places.
    async fn dead(&self, count: usize) -> Vec<EntryId> {
        let made = self.make(job_of(count + 1)).await;
        for item in &made.items[..count] {
            self.apply(success(*item)).await;
        }
        let lease = self.claim(count).await;
        let dead = || Settlement::Dead { reason: "refused as it is".to_owned() };
        self.settle(lease.token, lease.entries.iter().map(|entry| (entry.id, dead())).collect()).await;
        lease.entries.iter().map(|entry| entry.id).collect()
    }
}

fn retry(job: JobId, run: Option<u32>) -> Operation {
    Operation::Retry { job_id: job, items: None, run, deadline: Deadline::Never }
}

/// **Law 81.** Every change is recorded: who, when, what was asked and what it did; newest first, and by job.
pub async fn what_operators_do_is_recorded(world: World) {
    let by = |name| Actor::new(name);
    let made = world.make(NewJob { actor: by("maker"), ..job_of(1) }).await;
    world.apply(failure(made.items[0])).await;
    world.clock.advance(MINUTE);
    let command = Command::new(retry(made.job, Some(1)), by("ana")).under("key 1");
    let effect = world.command(command.clone()).await.expect("nothing stands against it").effect;
    let mut other = world.failed().await;
    world.effect(retry(other.job, None)).await;
    let actions = world.actions(Some(made.job)).await;
    let verbs: Vec<&str> = actions.iter().map(|action| action.verb.as_str()).collect();
    assert_eq!(verbs, ["retry", "create"], "what was done to a job, newest first");
    let Action { at, actor, key, job_id, request, effect: did, .. } = &actions[0];
    assert_eq!((actor.as_str(), *at), ("ana", world.now()), "who and when");
    assert_eq!((key.as_deref(), *job_id), (Some("key 1"), Some(made.job)), "under which key, about what");
    assert_eq!(serde_json::to_value(&command.operation).ok().as_ref(), Some(request), "what was asked");
    assert_eq!(serde_json::to_value(&effect).ok().as_ref(), Some(did), "and what it did");
    assert_eq!(actions[1].actor, "maker", "whoever makes a job is known, too");
    world.apply(success(other.items.remove(0))).await;
    assert_eq!(world.actions(None).await.len(), 4, "reports are no operators' actions");
}

/// **Law 82.** What changes nothing, and what is objected to, leaves no record, unless a key was used for it.
pub async fn what_changes_nothing_is_not_recorded(world: World) {
    let made = world.make(job_of(1)).await;
    let nothing = world.effect(retry(made.job, None)).await;
    assert_eq!(nothing, Effect::Nothing, "nothing failed");
    let objection = world.operate(retry(made.job, Some(2))).await;
    assert_eq!(objection, Err(Objection::RunIs(1)), "it is in its first run");
    assert_eq!(world.actions(Some(made.job)).await.len(), 1, "only its making is recorded");
    let keyed = Command::new(retry(made.job, None), Actor::new("ana")).under("key");
    assert_eq!(world.command(keyed).await, Ok(Done::now(Effect::Nothing)));
    assert_eq!(world.actions(Some(made.job)).await.len(), 2, "a key that was used is known");
}

/// **Law 83.** The same operation under the same key is done once, and answered alike ever after.
pub async fn an_operation_under_a_used_key_is_not_done_again(world: World) {
    let made = world.failed().await;
    let command = Command::new(retry(made.job, None), Actor::new("ana")).under("key");
    let first = world.command(command.clone()).await.expect("nothing stands against it");
    assert!(!first.repeated, "it is done now");
    world.apply(failure(made.items[0])).await;
    let before = world.picture(made.job).await;
    let again = world.command(Command { actor: Actor::new("ben"), ..command }).await;
    assert_eq!(again, Ok(Done { repeated: true, ..first }), "the same answer, whoever asks");
    assert_eq!(world.picture(made.job).await, before, "and nothing is re-opened twice");
    assert_eq!(world.actions(Some(made.job)).await.len(), 2, "nor recorded twice");
}

/// **Law 84.** Another operation under a used key is objected to; a key that met an objection is not used.
pub async fn another_operation_under_a_used_key_is_told(world: World) {
    let made = world.failed().await;
    let under = |operation| Command::new(operation, Actor::new("ana")).under("key");
    let objection = world.command(under(retry(made.job, Some(9)))).await;
    assert_eq!(objection, Err(Objection::RunIs(1)), "it is in its first run");
    world.command(under(retry(made.job, Some(1)))).await.expect("the key is free");
    let used = world.actions(Some(made.job)).await[0].id;
    let before = world.picture(made.job).await;
    let told = world
        .command(under(Operation::SetDeadline { job_id: made.job, deadline: Deadline::At(world.now()) }));
    assert_eq!(told.await, Err(Objection::KeyReused(used)), "the key belongs to what was done");
    assert_eq!(world.picture(made.job).await, before, "and nothing changes");
}

/// **Law 85.** Of concurrent requests under one key one is done, and all are answered alike.
pub async fn concurrent_operations_under_one_key_are_one(world: World) {
    let world = Arc::new(world);
    let made = world.failed().await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let world = world.clone();
        let command = Command::new(retry(made.job, None), Actor::new("ana")).under("key");
        tasks.spawn(async move { world.command(command).await.expect("nothing stands against it") });
    }
    let done = tasks.join_all().await;
    assert_eq!(done.iter().filter(|done| !done.repeated).count(), 1, "one is done");
    assert!(done.iter().all(|other| other.effect == done[0].effect), "all are answered alike");
    assert_eq!(world.job(made.job).await.run, 2, "the job is re-opened once");
}

/// **Law 86.** Of concurrent retries that expect the same run one re-opens; the others hear of the run it began.
pub async fn concurrent_retries_of_one_run_reopen_once(world: World) {
    let world = Arc::new(world);
    let made = world.failed().await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (world, operation) = (world.clone(), retry(made.job, Some(1)));
        tasks.spawn(async move { world.operate(operation).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "one re-opens");
    let others = answers.iter().filter(|answer| **answer == Err(Objection::RunIs(2))).count();
    assert_eq!(others, 7, "the others hear of its run");
    assert_eq!(world.item(&made, 0).await.attempt, 2, "the item is at its second attempt");
    world.finds_nothing_amiss().await;
}

/// **Law 87.** A job's deadline can be set, moved and taken away while items are open; the one it has counts.
pub async fn a_deadline_is_set_moved_and_taken_away(world: World) {
    let made = world.make(job_of(2)).await;
    let set = |deadline| Operation::SetDeadline { job_id: made.job, deadline };
    let later = world.in_a_minute();
    assert_eq!(world.effect(set(later.into())).await, Effect::DeadlineSet { deadline: later }, "it is set");
    assert_eq!(world.effect(set(later.into())).await, Effect::Nothing, "setting it again changes nothing");
    assert_eq!(world.effect(set(Deadline::Never)).await, Effect::DeadlineSet { deadline: None });
    world.clock.advance(MINUTE);
    assert!(world.expire().await.is_empty(), "a deadline taken away does not strike");
    world.effect(set(Deadline::At(world.now()))).await;
    assert_eq!(world.expire().await, [made.job], "one that is set does");
    let objection = world.operate(set(Deadline::Never)).await;
    assert_eq!(objection, Err(Objection::NothingOpen), "a job without open items takes none");
    let unknown = Operation::SetDeadline { job_id: JobId::random(), deadline: Deadline::Never };
    assert_eq!(world.operate(unknown).await, Err(Objection::NO_JOB), "nor does one that is not there");
    world.finds_nothing_amiss().await;
}

/// **Law 88.** A formula means so much for each open order plus so much, from when it is said: at the making, by an
/// operator, and at a re-opening.
pub async fn a_formula_counts_open_orders_from_now(world: World) {
    let (each, plus) = (Duration::from_secs(10), MINUTE);
    let deadline = Deadline::Within(Allowance { per_order: each, plus });
    let made = world.make(NewJob { deadline, ..job_of(4) }).await;
    let expected = |orders: u32| Some(world.now().after(each * orders + plus));
    assert_eq!(world.job(made.job).await.deadline, expected(4), "of a new job all orders are open");
    world.apply(failure(made.items[0])).await;
    world.clock.advance(MINUTE);
    world.effect(Operation::SetDeadline { job_id: made.job, deadline }).await;
    assert_eq!(world.job(made.job).await.deadline, expected(3), "one is closed by now");
    for item in &made.items[1..] {
        world.apply(failure(*item)).await;
    }
    let items = Some(made.items[..2].to_vec());
    world.effect(Operation::Retry { job_id: made.job, items, run: None, deadline }).await;
    assert_eq!(world.job(made.job).await.deadline, expected(2), "two are re-opened");
    let unsaid = world.make(job_of(1)).await;
    assert_eq!(world.job(unsaid.job).await.deadline, None, "a job that says nothing has none");
}

/// **Law 89.** What was decided about a kept report is decided: the same again changes nothing, the other is objected
/// to.
pub async fn a_decision_about_a_kept_report_stands(world: World) {
    let made = world.failed().await;
    world.apply(success(made.items[0])).await;
    let kept_id = world.kept(made.job).await[0].id;
    let resolve = |resolution| Operation::Resolve { kept_id, resolution };
    let effect = world.effect(resolve(Resolution::Dismissed)).await;
    assert!(matches!(effect, Effect::Resolved(_)), "the first decision counts");
    assert_eq!(
        world.effect(resolve(Resolution::Dismissed)).await,
        Effect::Nothing,
        "the same again is nothing"
    );
    let other = world.operate(resolve(Resolution::Accepted)).await;
    assert_eq!(other, Err(Objection::Settled(Resolution::Dismissed)), "the other comes too late");
    assert_eq!(world.actions(Some(made.job)).await[0].verb, "dismiss", "it is recorded with its job");
    let unknown = Operation::Resolve { kept_id: i64::MAX, resolution: Resolution::Accepted };
    assert_eq!(world.operate(unknown).await, Err(Objection::NO_KEPT_REPORT), "nor is one that is not there");
}

/// **Law 90.** A dead letter that is dropped never leaves and is not counted any more; it stays, with the reason.
pub async fn a_dropped_dead_letter_is_kept_and_never_leaves(world: World) {
    let places = world.dead(2).await;
    let drop = |entry_id| Operation::Drop { entry_id, reason: "its order was cancelled".to_owned() };
    let event = world.letters().await.remove(0).event;
    let effect = world.effect(drop(places[0])).await;
    assert_eq!(effect, Effect::Dropped { event_id: event.id.clone() }, "it is dropped");
    assert_eq!(world.effect(drop(places[0])).await, Effect::Nothing, "dropping it again changes nothing");
    let redriven = world.effect(Operation::Redrive { entries: Some(places.clone()) }).await;
    assert_eq!(redriven, Effect::Redriven { entries: vec![places[1]] }, "it is not redriven with others");
    world.clock.advance(MINUTE);
    assert_eq!(world.claim(10).await.entries.len(), 1, "and never leaves");
    let depth = world.store.outbox_depth().await.expect("the store answers");
    assert_eq!((depth.pending, depth.dead), (1, 0), "nor does it count");
    let query = LetterQuery { dropped: true, ..LetterQuery::default() };
    let dropped = world.store.dead_letters(query).await.expect("the store answers").rows;
    assert_eq!((dropped.len(), &dropped[0].event), (1, &event), "it is kept, with its event");
    let reason = dropped[0].dropped.as_ref().map(|dropped| dropped.reason.as_str());
    assert_eq!(reason, Some("its order was cancelled"), "and the reason");
    assert!(world.letters().await.is_empty(), "apart from those that may be redriven");
}

/// **Law 91.** Only what is a dead letter can be dropped.
pub async fn only_a_dead_letter_is_dropped(world: World) {
    let made = world.make(job_of(2)).await;
    world.apply(success(made.items[0])).await;
    let lease = world.claim(1).await;
    let drop = |entry_id| Operation::Drop { entry_id, reason: "by mistake".to_owned() };
    let place = lease.entries[0].id;
    assert_eq!(world.operate(drop(place)).await, Err(Objection::NotDead), "it may still be taken");
    world.settle(lease.token, vec![(place, Settlement::Delivered)]).await;
    assert_eq!(world.operate(drop(place)).await, Err(Objection::NotDead), "and was taken");
    assert_eq!(world.operate(drop(EntryId::MAX)).await, Err(Objection::NO_ENTRY), "nobody knows that one");
}

/// **Law 92.** All dead letters can be redriven at once.
pub async fn all_dead_letters_are_redriven_at_once(world: World) {
    let places = world.dead(3).await;
    let all = Operation::Redrive { entries: None };
    assert_eq!(world.effect(all.clone()).await, Effect::Redriven { entries: places }, "all, oldest first");
    assert_eq!(world.claim(10).await.entries.len(), 3, "each is due");
    assert_eq!(world.effect(all).await, Effect::Nothing, "none is left");
    assert!(completions(&world.drain().await).is_empty());
}
