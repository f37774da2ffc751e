//! Laws 17 to 22: a job's run is completed once, by its last open item, however many report at the same time.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::World;
use super::fixture::{OTHER_NUMBER, completions, data, failure, job_of, success};
use crate::job::JobStatus;
use crate::report::Report;
use crate::store::Applied;
use crate::verdict::Verdict;

/// **Law 17.** The last open item completes the job: it says so once, with the right counts, under an id of the
/// job's run.
pub async fn the_last_open_item_completes_the_job(world: World) {
    let made = world.make(job_of(3)).await;
    world.apply(success(made.items[0])).await;
    world.apply(failure(made.items[1])).await;
    let last = world.apply(success(made.items[2])).await;
    assert!(last.completed, "the last open item completes the job");
    let job = world.job(made.job).await;
    assert_eq!(job.status, JobStatus::Completed, "the job is completed");
    assert_eq!(job.completed_at, Some(world.now()), "the job knows when it was completed");
    let events = world.drain().await;
    let completions = completions(&events);
    assert_eq!(completions.len(), 1, "a completed job is announced once");
    assert_eq!(completions[0].id, format!("robot/job.batch_completed:{}:1", made.job));
    let expected = serde_json::json!({
        "jobId": made.job, "workspaceId": job.workspace_id, "successCount": 2, "errorCount": 1,
    });
    assert_eq!(data(completions[0]), expected, "the completion carries the right counts");
    world.finds_nothing_amiss().await;
}

/// **Law 18.** No job is complete while an item of it is open, whatever else is reported again.
pub async fn no_job_is_complete_while_an_item_is_open(world: World) {
    let made = world.make(job_of(3)).await;
    for report in [
        success(made.items[0]),
        success(made.items[0]),
        failure(made.items[0]),
        failure(made.items[1]),
        failure(made.items[1]),
        success(made.items[1]),
        success(made.items[2]).for_attempt(2),
    ] {
        let applied = world.apply(report).await;
        assert!(!applied.completed, "no job is complete while an item of it is open");
        assert_ne!(world.job(made.job).await.status, JobStatus::Completed, "nor does it say it is");
    }
    assert!(completions(&world.drain().await).is_empty(), "nor is it announced");
    assert!(world.apply(success(made.items[2])).await.completed, "the last one completes it");
    world.finds_nothing_amiss().await;
}

/// **Law 19.** Reports of all of a job's items at the same time complete it exactly once, and all are counted.
pub async fn concurrent_reports_complete_the_job_once(world: World) {
    let world = Arc::new(world);
    for round in 0..5 {
        let made = world.make(job_of(24)).await;
        let reports = made.items.iter().enumerate().map(|(n, item)| match n % 3 {
            0 => failure(*item),
            _ => success(*item),
        });
        let applied = all_at_once(&world, reports).await;
        let completed = applied.iter().filter(|applied| applied.completed).count();
        assert_eq!(completed, 1, "one report, and one only, completes the job (round {round})");
        let job = world.job(made.job).await;
        assert_eq!((job.success_count, job.error_count), (16, 8), "every report is counted once");
        let events = world.drain().await;
        assert_eq!(completions(&events).len(), 1, "concurrent reports announce the completion once");
        assert_eq!(events.len(), 17, "each shipped item is announced once");
    }
    world.finds_nothing_amiss().await;
}

/// **Law 20.** Of the same report, sent many times at once, one is applied; the others are duplicates.
pub async fn concurrent_identical_reports_are_applied_once(world: World) {
    let world = Arc::new(world);
    for _ in 0..5 {
        let made = world.make(job_of(1)).await;
        let applied = all_at_once(&world, (0..16).map(|_| success(made.items[0]))).await;
        let count = |verdict| applied.iter().filter(|applied| applied.verdict == verdict).count();
        assert_eq!(count(Verdict::Applied), 1, "of concurrent identical reports one is applied");
        assert_eq!(count(Verdict::Duplicate), 15, "the others are duplicates");
        assert_eq!(world.drain().await.len(), 2, "the item and the completion are announced once");
    }
    world.finds_nothing_amiss().await;
}

/// **Law 21.** Of reports that contradict each other, sent at once, one wins whole; the others are conflicts and
/// are kept, once each.
pub async fn concurrent_contradictions_have_one_winner(world: World) {
    let world = Arc::new(world);
    for _ in 0..5 {
        let made = world.make(job_of(1)).await;
        let item = made.items[0];
        let reports = [success(item), failure(item), Report::success(item, OTHER_NUMBER)];
        let applied = all_at_once(&world, reports.iter().cycle().take(12).cloned()).await;
        let count = |verdict| applied.iter().filter(|applied| applied.verdict == verdict).count();
        assert_eq!(count(Verdict::Applied), 1, "of concurrent contradictions one wins");
        assert_eq!((count(Verdict::Duplicate), count(Verdict::Conflict)), (3, 8), "the others do not");
        let row = world.item(&made, 0).await;
        let winner = |report: &Report| {
            row.status.outcome() == Some(report.outcome) && row.tracking_number == report.tracking_number
        };
        assert_eq!(reports.iter().filter(|report| winner(report)).count(), 1, "it wins whole");
        assert_eq!(world.order(&made, 0).await.tracking_number, row.tracking_number, "order included");
        let kept = world.kept(made.job).await;
        assert_eq!(kept.len(), 2, "each of the others is kept once");
        assert!(kept.iter().all(|kept| kept.times == 4 && !winner(&kept.report)), "and counted");
    }
    world.finds_nothing_amiss().await;
}

/// **Law 22.** Reports of many jobs at once stay apart: each job completes once, with counts of its own.
pub async fn concurrent_jobs_stay_apart(world: World) {
    let world = Arc::new(world);
    let mut jobs = Vec::new();
    for size in 1..=8 {
        jobs.push(world.make(job_of(size)).await);
    }
    let longest = jobs.len();
    let reports = (0..longest).flat_map(|n| jobs.iter().filter_map(move |job| job.items.get(n)));
    let applied = all_at_once(&world, reports.map(|item| success(*item))).await;
    for made in &jobs {
        let of_job = |applied: &&Applied| applied.job_id == made.job && applied.completed;
        assert_eq!(applied.iter().filter(of_job).count(), 1, "each job completes once");
        let expected = u32::try_from(made.items.len()).expect("small");
        assert_eq!(world.job(made.job).await.success_count, expected, "each job has counts of its own");
    }
    assert_eq!(completions(&world.drain().await).len(), jobs.len(), "each job is announced once");
    world.finds_nothing_amiss().await;
}

async fn all_at_once(world: &Arc<World>, reports: impl IntoIterator<Item = Report>) -> Vec<Applied> {
    let mut tasks = JoinSet::new();
    for report in reports {
        let world = world.clone();
        tasks.spawn(async move { world.apply(report).await });
    }
    tasks.join_all().await
}
