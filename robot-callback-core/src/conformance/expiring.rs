//! Laws 40 to 47, and 106: a passed deadline closes what is open, and what is heard afterwards is not lost.

use std::time::Duration;

use super::World;
use super::fixture::{MINUTE, NUMBER, completions, data, failure, ids, job_of, success};
use crate::job::{ItemStatus, JobStatus};
use crate::new_job::NewJob;
use crate::report::ErrorType;
use crate::verdict::Verdict;

impl World {
    fn due_in_a_minute(&self, items: usize) -> NewJob {
        NewJob { deadline: self.in_a_minute().into(), ..job_of(items) }
    }
}

/// **Law 40.** A deadline that has passed closes the open items as `error`/`timeout`; the job completes and is
/// announced with the right counts. What was reported before stays.
pub async fn a_passed_deadline_completes_the_job(world: World) {
    let made = world.make(world.due_in_a_minute(3)).await;
    world.apply(success(made.items[0])).await;
    world.drain().await;
    let before = world.view(made.job).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.expire().await, [made.job], "a job whose deadline has passed is expired");
    let after = world.view(made.job).await;
    assert_eq!(after.items[0], before.items[0], "what was reported before stays");
    for view in &after.items[1..] {
        assert_eq!(view.item.status, ItemStatus::Error, "an open item is closed");
        assert_eq!(view.item.error_type, Some(ErrorType::Timeout), "as timed out");
        assert!(view.item.expired, "by the deadline, not by a report");
    }
    assert_eq!(after.job.status, JobStatus::Completed, "the job completes");
    assert_eq!((after.job.success_count, after.job.error_count), (1, 2), "the counters follow");
    let events = world.drain().await;
    assert_eq!(ids(&events), [format!("robot/job.batch_completed:{}:1", made.job)], "it is announced");
    let data = data(&events[0]);
    assert_eq!((&data["successCount"], &data["errorCount"]), (&1.into(), &2.into()), "with its counts");
    world.finds_nothing_amiss().await;
}

/// **Law 41.** Nothing expires before its deadline, nor a second time, nor once its job is complete.
pub async fn a_deadline_strikes_once(world: World) {
    let (made, done) =
        (world.make(world.due_in_a_minute(2)).await, world.make(world.due_in_a_minute(1)).await);
    world.apply(failure(done.items[0])).await;
    world.drain().await;
    world.clock.advance(MINUTE - Duration::from_millis(1));
    assert!(world.expire().await.is_empty(), "nothing expires before its deadline");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.expire().await, [made.job], "a complete job has nothing to expire");
    let before = world.picture(made.job).await;
    world.clock.advance(MINUTE);
    assert!(world.expire().await.is_empty(), "nothing expires a second time");
    assert_eq!(world.picture(made.job).await, before, "expiring again changes nothing");
    assert_eq!(completions(&world.drain().await).len(), 1, "an expired job is announced once");
    world.finds_nothing_amiss().await;
}

/// **Law 42.** A job without a deadline never expires.
pub async fn a_job_without_a_deadline_never_expires(world: World) {
    let made = world.make(job_of(1)).await;
    let before = world.picture(made.job).await;
    world.clock.advance(MINUTE * 60 * 24 * 3650);
    assert!(world.expire().await.is_empty(), "a job without a deadline never expires");
    assert_eq!(world.picture(made.job).await, before, "and is not touched");
}

/// **Law 43.** At most so many jobs are expired at once; the rest follow.
pub async fn expiring_honours_its_limit(world: World) {
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(world.make(world.due_in_a_minute(2)).await.job);
    }
    world.clock.advance(MINUTE);
    let mut expired = Vec::new();
    for expected in [2, 1, 0] {
        let some = world.store.expire(2).await.expect("the store expires jobs");
        assert_eq!(some.len(), expected, "at most so many jobs are expired at once");
        expired.extend(some);
    }
    jobs.sort();
    expired.sort();
    assert_eq!(expired, jobs, "every job is expired in the end, once");
    assert_eq!(completions(&world.drain().await).len(), 3, "each is announced once");
    world.finds_nothing_amiss().await;
}

/// **Law 44.** A success that comes after the deadline is late, and applied after all: order, event and counters.
/// The job's completion is not announced again. Repeated, it is a duplicate.
pub async fn a_late_success_is_applied_after_all(world: World) {
    let made = world.make(world.due_in_a_minute(2)).await;
    world.clock.advance(MINUTE);
    world.expire().await;
    world.drain().await;
    let applied = world.apply(success(made.items[0])).await;
    assert_eq!(applied.verdict, Verdict::Late, "a success after the deadline is late");
    assert!(!applied.completed, "the job was complete before");
    let item = world.item(&made, 0).await;
    assert_eq!(item.status, ItemStatus::Success, "a late success is applied after all");
    assert_eq!(item.error_type, None, "the timeout is gone");
    let order = world.order(&made, 0).await;
    assert_eq!(order.tracking_number.as_deref(), Some(NUMBER), "its order included");
    let job = world.job(made.job).await;
    assert_eq!((job.success_count, job.error_count), (1, 1), "the counters are corrected");
    let id = format!("robot.coord.completed:{}:1", made.items[0]);
    assert_eq!(ids(&world.drain().await), [id], "its event leaves, and no second completion");
    assert!(world.kept(made.job).await.is_empty(), "what was applied is not kept");

    let before = world.picture(made.job).await;
    let again = world.verdict(success(made.items[0])).await;
    assert_eq!(again, Verdict::Duplicate, "a repeated late success is a duplicate");
    assert_eq!(world.picture(made.job).await, before, "and changes nothing");
    assert_eq!(
        world.verdict(failure(made.items[0])).await,
        Verdict::Conflict,
        "a contradiction of it is one"
    );
    world.finds_nothing_amiss().await;
}

/// **Law 45.** An error that comes after the deadline is late, and only kept. A success may still follow it.
pub async fn a_late_error_is_only_kept(world: World) {
    let made = world.make(world.due_in_a_minute(1)).await;
    world.clock.advance(MINUTE);
    world.expire().await;
    world.drain().await;
    let before = world.view(made.job).await;
    for _ in 0..2 {
        assert_eq!(world.verdict(failure(made.items[0])).await, Verdict::Late, "it is late, and stays so");
    }
    assert_eq!(world.view(made.job).await, before, "a late error changes nothing");
    assert!(world.drain().await.is_empty(), "and announces nothing");
    let kept = world.kept(made.job).await;
    assert_eq!(kept.len(), 1, "a late error is kept, once");
    assert_eq!((kept[0].verdict, kept[0].times), (Verdict::Late, 2), "as what it is, and counted");
    let success = world.verdict(success(made.items[0])).await;
    assert_eq!(success, Verdict::Late, "a success may still follow");
    assert_eq!(world.item(&made, 0).await.status, ItemStatus::Success, "and is applied");
    world.finds_nothing_amiss().await;
}

/// **Law 46.** A re-opened job has the deadline it was re-opened with, and expires by that one.
pub async fn a_retry_brings_a_deadline_of_its_own(world: World) {
    let made = world.make(world.due_in_a_minute(1)).await;
    world.clock.advance(MINUTE);
    world.expire().await;
    let deadline = world.in_a_minute();
    let reopened = world.retry_items(made.job, None, deadline).await;
    assert_eq!(reopened, Some(made.items.clone()), "what the deadline closed is a failed item");
    assert_eq!(world.job(made.job).await.deadline, deadline, "the new deadline goes for the old one");
    assert!(!world.item(&made, 0).await.expired, "a re-opened item is not expired");
    assert!(world.expire().await.is_empty(), "the old deadline is gone");
    world.clock.advance(MINUTE);
    assert_eq!(world.expire().await, [made.job], "the new one strikes");
    assert_eq!(completions(&world.drain().await).len(), 2, "each run is announced once");
    world.retry(made.job).await;
    assert_eq!(world.job(made.job).await.deadline, None, "a retry without a deadline has none");
    world.clock.advance(MINUTE * 60);
    assert!(world.expire().await.is_empty(), "and never expires");
    world.finds_nothing_amiss().await;
}

/// **Law 47.** Concurrent expiries and reports close each item once and complete the job once.
pub async fn a_deadline_and_a_report_close_an_item_once(world: World) {
    let world = std::sync::Arc::new(world);
    for _ in 0..5 {
        let made = world.make(world.due_in_a_minute(8)).await;
        world.clock.advance(MINUTE);
        let mut tasks = tokio::task::JoinSet::new();
        for item in made.items.clone() {
            let world = world.clone();
            tasks.spawn(async move { _ = world.apply(success(item)).await });
        }
        for _ in 0..3 {
            let world = world.clone();
            tasks.spawn(async move { _ = world.expire().await });
        }
        tasks.join_all().await;
        let job = world.job(made.job).await;
        assert_eq!((job.success_count, job.error_count), (8, 0), "in time or late, each success is applied");
        let events = world.drain().await;
        assert_eq!(completions(&events).len(), 1, "the job is announced once");
        assert_eq!(events.len(), 9, "and so is each of its items");
    }
    world.finds_nothing_amiss().await;
}

/// **Law 106.** Of many who keep deadlines at once, each job that is over is closed by one, and announced once.
pub async fn concurrent_expiries_strike_once(world: World) {
    let world = std::sync::Arc::new(world);
    let mut over = Vec::new();
    for _ in 0..6 {
        over.push(world.make(world.due_in_a_minute(3)).await.job);
    }
    world.clock.advance(MINUTE);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let world = world.clone();
        tasks.spawn(async move { world.expire().await });
    }
    let mut closed = tasks.join_all().await.concat();
    over.sort();
    closed.sort();
    assert_eq!(closed, over, "each job is closed by one of them");
    assert_eq!(completions(&world.drain().await).len(), 6, "and announced once");
    world.finds_nothing_amiss().await;
}
