//! Laws 73 and 74: a store can say that it is there, and that its own books are right.

use super::World;
use super::fixture::{MINUTE, OTHER_NUMBER, failure, job_of, success, success_without_number};
use crate::job::JobType;
use crate::kept::Resolution;
use crate::new_job::NewJob;
use crate::outbox::Settlement;
use crate::report::Report;

/// **Law 73.** A store that can be used says so.
pub async fn a_store_in_order_answers_a_ping(world: World) {
    world.store.ping().await.expect("a store in order answers a ping");
}

/// **Law 74.** Whatever was done to it, a store that works finds nothing amiss in its books.
pub async fn verification_finds_nothing_amiss(world: World) {
    world.finds_nothing_amiss().await;
    for job_type in [JobType::CreateShipment, JobType::GuideLookup, JobType::OcrGuideRead] {
        let made = world.make(NewJob { job_type, deadline: world.in_a_minute(), ..job_of(5) }).await;
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
        world.store.retry_failed(made.job, None, deadline).await.expect("the store re-opens");
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
