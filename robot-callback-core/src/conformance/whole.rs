//! Laws 73 to 75, and 115: a store can say that it is there and that its books are right, and does nothing by halves.

use std::sync::Arc;

use super::World;
use super::fixture::{MINUTE, OTHER_NUMBER, failure, job_of, success, success_without_number};
use crate::job::{JobStatus, JobType};
use crate::kept::Resolution;
use crate::new_job::NewJob;
use crate::outbox::Settlement;
use crate::report::Report;
use crate::verdict::Verdict;

/// **Law 73.** A store that can be used says so.
pub async fn a_store_in_order_answers_a_ping(world: World) {
    world.store.ping().await.expect("a store in order answers a ping");
}

/// **Law 74.** Whatever was done to it, a store that works finds nothing amiss in its books.
pub async fn verification_finds_nothing_amiss(world: World) {
    world.finds_nothing_amiss().await;
    for job_type in [JobType::CreateShipment, JobType::GuideLookup, JobType::OcrGuideRead] {
        let made = world.make(NewJob { job_type, deadline: world.in_a_minute().into(), ..job_of(5) }).await;
        let items = &made.items;
        for report in [
            success(items[0]),
            success(items[0]),
            Report::success(items[0], OTHER_NUMBER),
            failure(items[1]),
            success(items[1]),
            success_without_number(items[2]),
            success(items[3]).for_attempt(9),
        ] {
            world.apply(report).await;
            world.finds_nothing_amiss().await;
        }
        world.retry(made.job).await;
        world.finds_nothing_amiss().await;
        world.apply(failure(items[1]).for_attempt(1)).await;
        world.clock.advance(MINUTE);
        world.expire().await;
        world.finds_nothing_amiss().await;
        let deadline = world.in_a_minute();
        world.retry_items(made.job, None, deadline).await;
        world.apply(success(items[1])).await;
        world.clock.advance(MINUTE);
        world.expire().await;
        world.finds_nothing_amiss().await;
        for item in items {
            world.apply(success(*item)).await;
            world.finds_nothing_amiss().await;
        }
        for (n, kept) in world.kept(made.job).await.into_iter().enumerate() {
            let resolution = [Resolution::Accepted, Resolution::Dismissed][n % 2];
            world.resolve(kept.id, resolution).await;
            world.finds_nothing_amiss().await;
        }
        let lease = world.claim(1).await;
        let reason = "refused as it is".to_owned();
        world.settle(lease.token, vec![(lease.entries[0].id, Settlement::Dead { reason })]).await;
        world.drain().await;
        world.clock.advance(MINUTE);
        world.store.prune(std::time::Duration::ZERO, 100).await.expect("the store prunes");
        world.finds_nothing_amiss().await;
    }
}

/// **Law 115.** When somebody has changed what a job records, verification says of which job and what. Asked only of
/// worlds in which somebody can.
pub async fn verification_says_what_is_amiss(world: World) {
    let (sound, spoiled) = (world.make(job_of(2)).await, world.make(job_of(3)).await);
    for made in [&sound, &spoiled] {
        world.apply(success(made.items[0])).await;
    }
    if !world.miscount(spoiled.job).await {
        return;
    }
    let found = world.store.verify().await.expect("the store verifies itself");
    let found: Vec<_> = found.iter().map(|amiss| (amiss.job_id, amiss.what)).collect();
    assert_eq!(found, [(spoiled.job, "success_count")], "verification says what is amiss, and nothing else");
}

/// **Law 75.** A call whose caller goes away in the middle happens whole or not at all, and can be made again.
pub async fn a_dropped_call_happens_whole_or_not_at_all(world: World) {
    let world = Arc::new(world);
    for patience in 0..20 {
        let made = world.make(job_of(1)).await;
        let (dropped, item) = (world.clone(), made.items[0]);
        let call = tokio::spawn(async move { dropped.apply(success(item)).await });
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        call.abort();
        _ = call.await;
        let verdict = world.verdict(success(item)).await;
        let whole = matches!(verdict, Verdict::Applied | Verdict::Duplicate);
        assert!(whole, "a dropped call happens whole or not at all, and not as {verdict:?}");
        let job = world.job(made.job).await;
        assert_eq!((job.status, job.success_count), (JobStatus::Completed, 1), "made again, it is done once");
        assert_eq!(world.drain().await.len(), 2, "the item and the completion are announced once");
        world.finds_nothing_amiss().await;
    }
}
