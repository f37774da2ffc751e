//! Laws 23 to 30, and 116: a report that contradicts an earlier one is kept for an operator, who settles it once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::World;
use super::fixture::{MINUTE, NUMBER, OTHER_NUMBER, failure, ids, job_of, success};
use crate::job::ItemStatus;
use crate::kept::Resolution;
use crate::operation::{Done, Effect, Objection, Operation};
use crate::report::{ErrorType, Report};
use crate::verdict::Verdict;

/// **Law 23.** A report with another outcome than the first is a conflict: the first stays, and the report is kept
/// with who said what and when.
pub async fn a_conflicting_outcome_is_kept_and_the_first_stays(world: World) {
    let made = world.make(job_of(2)).await;
    for (place, first, second) in [
        (0, success(made.items[0]), failure(made.items[0])),
        (1, failure(made.items[1]), success(made.items[1]).for_attempt(1)),
    ] {
        world.apply(first).await;
        let before = world.view(made.job).await;
        world.drain().await;
        let applied = world.apply(second.clone()).await;
        assert_eq!(applied.verdict, Verdict::Conflict, "another outcome is a conflict");
        assert_eq!(applied.events, 0, "a conflict fires no event");
        assert_eq!(world.view(made.job).await, before, "the first result stays");
        assert!(world.drain().await.is_empty(), "nothing waits in the outbox");
        let kept = world.kept(made.job).await;
        assert_eq!(kept.len(), place + 1, "a conflicting report is kept");
        let kept = &kept[place];
        assert_eq!((kept.verdict, &kept.report), (Verdict::Conflict, &second), "with what it said");
        assert_eq!((kept.job_id, kept.current_attempt), (made.job, 1), "and of what");
        assert_eq!((kept.times, kept.resolution), (1, None), "heard once, and not settled");
        assert_eq!(kept.received_at, world.now(), "and when");
    }
    world.finds_nothing_amiss().await;
}

/// **Law 24.** A success with another number than the first is a conflict, and so is one with none.
pub async fn a_conflicting_number_is_kept_and_the_first_stays(world: World) {
    let made = world.make(job_of(1)).await;
    let item = made.items[0];
    world.apply(success(item)).await;
    let before = world.view(made.job).await;
    world.drain().await;
    let none = Report { tracking_number: None, ..success(item) };
    for (n, report) in [Report::success(item, OTHER_NUMBER), none].into_iter().enumerate() {
        assert_eq!(world.verdict(report).await, Verdict::Conflict, "another number is a conflict");
        assert_eq!(world.kept(made.job).await.len(), n + 1, "and is kept");
    }
    assert_eq!(world.view(made.job).await, before, "the first number stays, on the order too");
    assert!(world.drain().await.is_empty(), "another number fires no event");
    world.finds_nothing_amiss().await;
}

/// **Law 25.** The same conflicting report again is kept once, and counted.
pub async fn a_repeated_conflict_is_counted_not_kept_twice(world: World) {
    let made = world.make(job_of(1)).await;
    world.apply(success(made.items[0])).await;
    let first_heard = world.now();
    for _ in 0..3 {
        let verdict = world.verdict(failure(made.items[0])).await;
        assert_eq!(verdict, Verdict::Conflict, "a conflict stays one when it is repeated");
        world.clock.advance(MINUTE);
    }
    let another = Report::error(made.items[0], ErrorType::Unknown, "Ciudad no cubierta");
    world.apply(another.clone()).await;
    let kept = world.kept(made.job).await;
    assert_eq!(kept.len(), 2, "the same report is kept once, another one beside it");
    assert_eq!(kept[0].times, 3, "it says how many times it was heard");
    assert_eq!(kept[0].received_at, first_heard, "it says when it was heard first");
    assert_eq!((&kept[1].report, kept[1].times), (&another, 1), "the oldest stands first");
    world.finds_nothing_amiss().await;
}

/// **Law 26.** Kept reports are listed for their own job alone; a job without any, or unknown, has none.
pub async fn kept_reports_are_listed_by_job(world: World) {
    let (one, other, calm) =
        (world.make(job_of(1)).await, world.make(job_of(1)).await, world.make(job_of(1)).await);
    for made in [&one, &other] {
        world.apply(success(made.items[0])).await;
        world.apply(failure(made.items[0])).await;
    }
    for made in [&one, &other] {
        let kept = world.kept(made.job).await;
        assert_eq!(kept.len(), 1, "each job has its own kept report");
        assert_eq!(kept[0].report.item_id, made.items[0], "and no other's");
    }
    assert!(world.kept(calm.job).await.is_empty(), "a job without contradictions has none");
    assert!(world.kept(crate::JobId::random()).await.is_empty(), "nor has a job that is not there");
}

/// **Law 27.** A kept report that is accepted wins: item, order, counters and event are as if it had come first.
pub async fn an_accepted_report_wins(world: World) {
    let made = world.make(job_of(2)).await;
    world.apply(failure(made.items[0])).await;
    world.apply(success(made.items[1])).await;
    world.drain().await;
    world.apply(success(made.items[0])).await;
    let kept = world.kept(made.job).await.remove(0);
    let applied = world.resolve(kept.id, Resolution::Accepted).await.expect("it was not settled yet");
    assert_eq!((applied.job_id, applied.completed), (made.job, false), "the job was complete before");

    let item = world.item(&made, 0).await;
    assert_eq!(item.status, ItemStatus::Success, "the accepted report wins");
    assert_eq!(item.tracking_number.as_deref(), Some(NUMBER), "with its number");
    assert_eq!((item.error_type, item.error_message), (None, None), "the error is gone");
    let order = world.order(&made, 0).await;
    assert_eq!(order.tracking_number.as_deref(), Some(NUMBER), "the order has the number");
    let job = world.job(made.job).await;
    assert_eq!((job.success_count, job.error_count), (2, 0), "the counters are corrected");
    let id = format!("robot.coord.completed:{}:1", made.items[0]);
    assert_eq!(ids(&world.drain().await), [id], "its event leaves; the completion is not announced again");
    assert_eq!(world.kept(made.job).await[0].resolution, Some(Resolution::Accepted), "it is settled");
    world.finds_nothing_amiss().await;
}

/// **Law 28.** Another number or an error that is accepted replaces what the item ended with, and is counted so.
pub async fn an_accepted_report_replaces_a_success(world: World) {
    let made = world.make(job_of(2)).await;
    for item in &made.items {
        world.apply(success(*item)).await;
    }
    world.apply(Report::success(made.items[0], OTHER_NUMBER)).await;
    world.apply(failure(made.items[1])).await;
    for kept in world.kept(made.job).await {
        world.resolve(kept.id, Resolution::Accepted).await.expect("it was not settled yet");
    }
    let item = world.item(&made, 0).await;
    assert_eq!(item.tracking_number.as_deref(), Some(OTHER_NUMBER), "the item has the accepted number");
    let order = world.order(&made, 0).await;
    assert_eq!(order.tracking_number.as_deref(), Some(OTHER_NUMBER), "and so has the order");
    assert_eq!(world.item(&made, 1).await.status, ItemStatus::Error, "the other item ends in error");
    let job = world.job(made.job).await;
    assert_eq!((job.success_count, job.error_count), (1, 1), "the counters follow");
    let events = world.drain().await;
    let mut distinct = ids(&events);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), events.len(), "no event is recorded twice");
    world.finds_nothing_amiss().await;
}

/// **Law 29.** A kept report that is dismissed changes nothing but that it is settled.
pub async fn a_dismissed_report_changes_nothing(world: World) {
    let made = world.make(job_of(1)).await;
    world.apply(failure(made.items[0])).await;
    world.apply(success(made.items[0])).await;
    world.drain().await;
    let before = world.view(made.job).await;
    let kept = world.kept(made.job).await.remove(0);
    let applied = world.resolve(kept.id, Resolution::Dismissed).await.expect("it was not settled yet");
    assert_eq!((applied.events, applied.completed), (0, false), "a dismissed report fires nothing");
    assert_eq!(world.view(made.job).await, before, "a dismissed report changes nothing");
    assert!(world.drain().await.is_empty(), "nothing waits in the outbox");
    assert_eq!(world.kept(made.job).await[0].resolution, Some(Resolution::Dismissed), "it is settled");
    world.finds_nothing_amiss().await;
}

/// **Law 30.** A kept report is settled once: settling it again, or one that is not there, is `None` and changes
/// nothing.
pub async fn a_kept_report_is_settled_once(world: World) {
    let made = world.make(job_of(2)).await;
    for item in &made.items {
        world.apply(failure(*item)).await;
        world.apply(success(*item)).await;
    }
    let firsts = [Resolution::Accepted, Resolution::Dismissed];
    for (kept, first) in world.kept(made.job).await.into_iter().zip(firsts) {
        assert!(world.resolve(kept.id, first).await.is_some(), "the first word counts");
        let before = world.picture(made.job).await;
        for again in firsts {
            assert_eq!(world.resolve(kept.id, again).await, None, "a kept report is settled once");
        }
        assert_eq!(world.picture(made.job).await, before, "settling it again changes nothing");
    }
    assert_eq!(world.resolve(i64::MAX, Resolution::Accepted).await, None, "nor is one that is not there");
    world.finds_nothing_amiss().await;
}

/// **Law 116.** Of concurrent decisions about one kept report one takes effect. Who decided the same hears that there was
/// nothing to do, who decided otherwise hears what was decided.
pub async fn concurrent_decisions_about_a_kept_report_have_one_winner(world: World) {
    let world = Arc::new(world);
    for _ in 0..5 {
        let made = world.make(job_of(1)).await;
        world.apply(failure(made.items[0])).await;
        world.apply(success(made.items[0])).await;
        world.drain().await;
        let kept_id = world.kept(made.job).await[0].id;
        let mut deciding = JoinSet::new();
        for n in 0..8 {
            let (world, resolution) = (world.clone(), [Resolution::Accepted, Resolution::Dismissed][n % 2]);
            let operation = Operation::Resolve { kept_id, resolution };
            deciding.spawn(async move { (resolution, world.operate(operation).await) });
        }
        let answers = deciding.join_all().await;
        let effective = |done: &Done| matches!(done.effect, Effect::Resolved(_));
        let effects = answers.iter().filter(|(_, answer)| answer.as_ref().is_ok_and(effective)).count();
        assert_eq!(effects, 1, "one decision takes effect");
        let winner = world.kept(made.job).await[0].resolution.expect("it is settled");
        for (resolution, answer) in answers {
            match answer.map(|done| done.effect) {
                Ok(_) => assert_eq!(resolution, winner, "who decided otherwise is objected to"),
                Err(told) => assert_eq!(told, Objection::Settled(winner), "and hears what was decided"),
            }
        }
        let accepted = winner == Resolution::Accepted;
        let job = world.job(made.job).await;
        let counted = (u32::from(accepted), u32::from(!accepted));
        assert_eq!((job.success_count, job.error_count), counted, "and is counted once");
        assert_eq!(
            world.drain().await.len(),
            usize::from(accepted),
            "and announced once, if it was accepted"
        );
    }
    world.finds_nothing_amiss().await;
}
