//! Laws 31 to 39: failed items are re-opened for another attempt, and their job for another run.

use super::World;
use super::fixture::{completions, data, failure, ids, job_of, success, success_without_number};
use crate::id::{ItemId, JobId};
use crate::job::{ItemStatus, JobStatus};
use crate::verdict::Verdict;

/// **Law 31.** Re-opening puts failed items back to pending with their next attempt, lowers the job's error count
/// by as many, and begins its next run.
pub async fn failed_items_reopen_with_their_next_attempt(world: World) {
    let made = world.make(job_of(2)).await;
    for item in &made.items {
        world.apply(failure(*item)).await;
    }
    let reopened = world.retry(made.job).await;
    assert_eq!(reopened, made.items, "every failed item is re-opened");
    for place in 0..2 {
        let item = world.item(&made, place).await;
        assert_eq!((item.status, item.attempt), (ItemStatus::Pending, 2), "pending, with the next attempt");
        assert_eq!((item.error_type, item.error_message), (None, None), "the old error is gone");
        assert_eq!(item.completed_at, None, "it is not terminal any more");
    }
    let job = world.job(made.job).await;
    assert_eq!((job.status, job.run), (JobStatus::Pending, 2), "the job is in its next run");
    assert_eq!((job.success_count, job.error_count), (0, 0), "the error count is lowered by as many");
    assert_eq!(job.completed_at, None, "the job is not completed any more");
    world.finds_nothing_amiss().await;
}

/// **Law 32.** The second run is completed and announced once, under its own id; the events of its items carry the
/// attempt.
pub async fn a_second_run_is_announced_under_its_own_id(world: World) {
    let made = world.make(job_of(2)).await;
    world.apply(success(made.items[0])).await;
    world.apply(failure(made.items[1])).await;
    world.drain().await;
    world.retry(made.job).await;
    let applied = world.apply(success(made.items[1])).await;
    assert_eq!((applied.attempt, applied.completed), (2, true), "the second attempt completes the run");
    let events = world.drain().await;
    let item = format!("robot.coord.completed:{}:2", made.items[1]);
    let completion = format!("robot/job.batch_completed:{}:2", made.job);
    assert_eq!(ids(&events), [item, completion], "a second run has ids of its own");
    let data = data(completions(&events)[0]);
    assert_eq!((&data["successCount"], &data["errorCount"]), (&2.into(), &0.into()), "and right counts");
    world.finds_nothing_amiss().await;
}

/// **Law 33.** Only failed items are re-opened: successes and open items stay as they are.
pub async fn only_failed_items_reopen(world: World) {
    let made = world.make(job_of(4)).await;
    world.apply(success(made.items[0])).await;
    world.apply(success_without_number(made.items[1])).await;
    world.apply(failure(made.items[2])).await;
    let before = world.view(made.job).await;
    assert_eq!(world.retry(made.job).await, [made.items[2]], "only failed items are re-opened");
    let after = world.view(made.job).await;
    for place in [0, 1, 3] {
        assert_eq!(after.items[place], before.items[place], "the others stay as they are");
    }
    assert_eq!((after.job.success_count, after.job.error_count), (2, 0), "and are counted as before");
    for item in &made.items {
        world.apply(success(*item)).await;
    }
    assert_eq!(completions(&world.drain().await).len(), 1, "the job completes once, in its second run");
    world.finds_nothing_amiss().await;
}

/// **Law 34.** Named items only are re-opened, and of those only the failed ones of that job.
pub async fn only_named_items_reopen(world: World) {
    let (made, other) = (world.make(job_of(3)).await, world.make(job_of(1)).await);
    for item in [made.items[0], made.items[1], other.items[0]] {
        world.apply(failure(item)).await;
    }
    let named = vec![made.items[1], made.items[2], other.items[0], ItemId::random()];
    let before = world.picture(other.job).await;
    let reopened = world.retry_items(made.job, Some(named), None).await;
    assert_eq!(reopened, Some(vec![made.items[1]]), "of the items named, the failed one of this job");
    assert_eq!(world.item(&made, 0).await.status, ItemStatus::Error, "a failed item not named stays");
    assert_eq!(world.job(made.job).await.error_count, 1, "and is still counted");
    assert_eq!(world.picture(other.job).await, before, "another job's items are not touched");
    world.finds_nothing_amiss().await;
}

/// **Law 35.** When none of them failed, re-opening changes nothing and says so with an empty list.
pub async fn nothing_failed_changes_nothing(world: World) {
    let made = world.make(job_of(2)).await;
    world.apply(success(made.items[0])).await;
    for _ in 0..2 {
        let before = world.picture(made.job).await;
        for items in [None, Some(Vec::new()), Some(made.items.clone())] {
            let reopened = world.retry_items(made.job, items, world.in_a_minute()).await;
            assert_eq!(reopened, Some(Vec::new()), "none of them failed");
        }
        assert_eq!(world.picture(made.job).await, before, "re-opening nothing changes nothing");
        world.apply(success(made.items[1])).await;
    }
    let failed = world.make(job_of(1)).await;
    world.apply(failure(failed.items[0])).await;
    let none_named = world.retry_items(failed.job, Some(Vec::new()), None).await;
    assert_eq!(none_named, Some(Vec::new()), "naming none re-opens none");
    assert_eq!(world.job(failed.job).await.run, 1, "and begins no run");
    world.finds_nothing_amiss().await;
}

/// **Law 36.** Re-opening a job that is not there is `None`.
pub async fn retrying_an_unknown_job_is_none(world: World) {
    for items in [None, Some(vec![ItemId::random()])] {
        let reopened = world.retry_items(JobId::random(), items, None).await;
        assert_eq!(reopened, None, "there is no such job");
    }
}

/// **Law 37.** A report of an earlier attempt is stale: it is kept, and neither an open attempt nor a closed one is
/// touched.
pub async fn a_report_of_an_earlier_attempt_is_kept(world: World) {
    let made = world.make(job_of(1)).await;
    let item = made.items[0];
    world.apply(failure(item)).await;
    world.retry(made.job).await;
    world.drain().await;
    for report in [success(item).for_attempt(1), failure(item).for_attempt(1)] {
        let before = world.view(made.job).await;
        let applied = world.apply(report).await;
        assert_eq!(applied.verdict, Verdict::Stale, "a report of an earlier attempt is stale");
        assert_eq!((applied.attempt, applied.events), (2, 0), "it announces nothing");
        assert_eq!(world.view(made.job).await, before, "the open attempt is not touched");
    }
    let kept = world.kept(made.job).await;
    let seen: Vec<_> = kept.iter().map(|kept| (kept.verdict, kept.current_attempt)).collect();
    assert_eq!(seen, [(Verdict::Stale, 2), (Verdict::Stale, 2)], "each of them is kept");
    let second = world.verdict(success(item).for_attempt(2)).await;
    assert_eq!(second, Verdict::Applied, "the open attempt is still open");
    assert_eq!(world.verdict(failure(item).for_attempt(1)).await, Verdict::Stale, "closed or open");
    assert_eq!(world.kept(made.job).await[1].times, 2, "a repeated stale report is counted");
    world.finds_nothing_amiss().await;
}

/// **Law 38.** A report of an attempt that nobody opened yet is a conflict: it is kept and touches nothing.
pub async fn a_report_of_a_later_attempt_is_kept(world: World) {
    let made = world.make(job_of(1)).await;
    let before = world.view(made.job).await;
    let verdict = world.verdict(success(made.items[0]).for_attempt(2)).await;
    assert_eq!(verdict, Verdict::Conflict, "nobody opened that attempt yet");
    assert_eq!(world.view(made.job).await, before, "the open attempt is not touched");
    assert_eq!(world.kept(made.job).await.len(), 1, "it is kept");
    assert!(world.drain().await.is_empty(), "it announces nothing");
    assert_eq!(world.verdict(success(made.items[0]).for_attempt(1)).await, Verdict::Applied);
    world.finds_nothing_amiss().await;
}

/// **Law 39.** A report that names no attempt is of the one now open.
pub async fn a_report_without_an_attempt_is_of_the_open_one(world: World) {
    let made = world.make(job_of(1)).await;
    for attempt in 1..=3 {
        let applied = world.apply(failure(made.items[0])).await;
        assert_eq!((applied.verdict, applied.attempt), (Verdict::Applied, attempt), "of the open attempt");
        assert!(applied.completed, "each run completes");
        world.retry(made.job).await;
    }
    let announced = (1..=3).map(|run| format!("robot/job.batch_completed:{}:{run}", made.job));
    assert_eq!(ids(&world.drain().await), announced.collect::<Vec<_>>(), "and is announced once");
    world.finds_nothing_amiss().await;
}
