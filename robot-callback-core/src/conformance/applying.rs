//! Laws 1 to 9: what one report changes, all of it together.

use super::World;
use super::fixture::{NUMBER, data, details, failure, ids, job_of, order, success, success_without_number};
use crate::event::CARRIER;
use crate::id::{ItemId, WorkspaceId};
use crate::job::{ItemStatus, JobStatus};
use crate::new_job::NewJob;
use crate::report::{ErrorType, Report};
use crate::store::Applied;
use crate::verdict::Verdict;

/// **Law 1.** The first report of an open item is applied, and the store says for which job and attempt.
pub async fn the_first_report_is_applied(world: World) {
    let made = world.make(job_of(2)).await;
    let applied = world.apply(success(made.items[0])).await;
    let expected = Applied {
        verdict: Verdict::Applied,
        job_id: made.job,
        attempt: 1,
        completed: false,
        events: 1,
        order_missing: false,
    };
    assert_eq!(applied, expected, "the first report of an open item is applied");
    world.finds_nothing_amiss().await;
}

/// **Law 2.** A success with a tracking number changes the item, its order, the job's counters and the outbox, all
/// of them at once.
pub async fn a_success_changes_item_order_job_and_outbox(world: World) {
    let made = world.make(job_of(2)).await;
    let before = world.view(made.job).await;
    world.apply(success(made.items[0])).await;
    let after = world.view(made.job).await;

    let item = &after.items[0].item;
    assert_eq!(item.status, ItemStatus::Success, "the item ends in success");
    assert_eq!(item.tracking_number.as_deref(), Some(NUMBER), "the item has its number");
    assert_eq!(item.completed_at, Some(world.now()), "the item knows when it ended");
    assert_eq!((item.error_type, &item.error_message), (None, &None), "a success has no error");
    let order = after.items[0].order.as_ref().expect("the order is there");
    assert_eq!(order.tracking_number.as_deref(), Some(NUMBER), "the order has the number");
    assert_eq!(order.carrier.as_deref(), Some(CARRIER), "the order has the carrier");
    assert_eq!(order.carrier_guide_number, None, "a shipment sets no guide number");
    assert_eq!((after.job.success_count, after.job.error_count), (1, 0), "the job counts one success");
    assert_eq!(after.items[1], before.items[1], "the other item and its order are left alone");
    let events = world.drain().await;
    let id = format!("robot.coord.completed:{}:1", made.items[0]);
    assert_eq!(ids(&events), [id], "one event of that item waits in the outbox");
    world.finds_nothing_amiss().await;
}

/// **Law 3.** The same report again is a duplicate: nothing changes, nothing is kept, no event is recorded.
pub async fn a_second_report_changes_nothing(world: World) {
    let made = world.make(job_of(3)).await;
    let (item, other, third) = (made.items[0], made.items[1], made.items[2]);
    for report in [success(item), failure(other), success_without_number(third)] {
        world.apply(report.clone()).await;
        let before = world.picture(made.job).await;
        world.clock.advance(super::fixture::MINUTE);
        for _ in 0..2 {
            let again = world.apply(report.clone()).await;
            assert_eq!(again.verdict, Verdict::Duplicate, "a second report is a duplicate");
            assert_eq!((again.events, again.completed), (0, false), "a second report announces nothing");
        }
        assert_eq!(world.picture(made.job).await, before, "a second report changes nothing");
    }
    world.finds_nothing_amiss().await;
}

/// **Law 4.** An error records its type and message and is counted; it touches no order and fires no automation
/// event.
pub async fn an_error_touches_no_order_and_fires_no_event(world: World) {
    let made = world.make(job_of(2)).await;
    let before = world.order(&made, 0).await;
    let applied = world.apply(failure(made.items[0])).await;
    assert_eq!((applied.verdict, applied.events), (Verdict::Applied, 0), "an error fires no event");

    let item = world.item(&made, 0).await;
    assert_eq!(item.status, ItemStatus::Error, "the item ends in error");
    assert_eq!(item.error_type, Some(ErrorType::Portal), "the error's type is recorded");
    assert_eq!(item.error_message.as_deref(), Some("Ciudad no cubierta"), "the error's message is recorded");
    assert!(!item.expired, "an item that was reported on was not closed by a deadline");
    let job = world.job(made.job).await;
    assert_eq!((job.success_count, job.error_count), (0, 1), "the job counts one error");
    assert_eq!(world.order(&made, 0).await, before, "an error leaves the order alone");
    assert!(world.drain().await.is_empty(), "nothing waits in the outbox");

    let number_all_the_same = Report { tracking_number: Some(NUMBER.into()), ..failure(made.items[1]) };
    world.apply(number_all_the_same).await;
    assert_eq!(world.order(&made, 1).await.tracking_number, None, "an error's number reaches no order");
    world.finds_nothing_amiss().await;
}

/// **Law 5.** A success without a tracking number ends its item, leaves the order alone and fires no automation
/// event.
pub async fn a_success_without_a_number_fires_no_event(world: World) {
    let made = world.make(job_of(2)).await;
    let before = world.order(&made, 0).await;
    let applied = world.apply(success_without_number(made.items[0])).await;
    assert_eq!(
        (applied.verdict, applied.events),
        (Verdict::Applied, 0),
        "without a number no event is fired"
    );
    assert!(!applied.order_missing, "nobody looked for the order");
    assert_eq!(world.item(&made, 0).await.status, ItemStatus::Success, "the item ends in success");
    assert_eq!(world.order(&made, 0).await, before, "without a number the order is left alone");
    assert_eq!(world.job(made.job).await.success_count, 1, "the job counts one success");
    world.finds_nothing_amiss().await;
}

/// **Law 6.** A report of an item that is not there is `None` and changes nothing.
pub async fn an_unknown_item_changes_nothing(world: World) {
    let made = world.make(job_of(1)).await;
    let before = world.picture(made.job).await;
    for report in [success(ItemId::random()), failure(ItemId::random()).for_attempt(1)] {
        assert_eq!(world.try_apply(report).await, None, "there is no such item");
    }
    assert_eq!(world.picture(made.job).await, before, "an unknown item changes nothing");
    world.finds_nothing_amiss().await;
}

/// **Law 7.** An order that belongs to another workspace by now does not fail the report: it is left alone, no event of
/// it leaves, the item ends all the same, and the store says that the order is missing. Asked only of worlds that can
/// move an order.
pub async fn an_order_of_another_workspace_is_left_alone(world: World) {
    let new = job_of(1);
    let home = new.workspace_id;
    let made = world.make(new).await;
    if !world.move_order(made.orders[0], WorkspaceId::random()).await {
        return;
    }
    let applied = world.apply(success(made.items[0])).await;
    assert_eq!(applied.verdict, Verdict::Applied, "the report is applied all the same");
    assert!(applied.order_missing, "the store says that the order is missing");
    let view = world.view(made.job).await;
    assert_eq!(view.items[0].item.tracking_number.as_deref(), Some(NUMBER), "the item has its number");
    assert_eq!(view.job.status, JobStatus::Completed, "the job completes");
    assert_eq!(ids(&world.drain().await).len(), 1, "its completion is all that leaves");
    // A store need not show what is not the job's.
    world.move_order(made.orders[0], home).await;
    let order = world.order(&made, 0).await;
    let written = (order.tracking_number, order.carrier);
    assert_eq!(written, (None, None), "another workspace's order is left alone");
    world.finds_nothing_amiss().await;
}

/// **Law 8.** An order that is gone does not fail the report: the item ends, no event of it leaves, and the store
/// says that the order is missing. Asked only of worlds that can lose an order.
pub async fn an_order_that_is_gone_does_not_fail_the_report(world: World) {
    let made = world.make(job_of(1)).await;
    if !world.lose_order(made.orders[0]).await {
        return;
    }
    let applied = world.apply(success(made.items[0])).await;
    assert_eq!(applied.verdict, Verdict::Applied, "the report is applied all the same");
    assert!(applied.order_missing, "the store says that the order is missing");
    assert!(applied.completed, "the job completes");
    let view = world.view(made.job).await;
    assert_eq!(view.items[0].order, None, "an order that is gone is not made again");
    assert_eq!(ids(&world.drain().await).len(), 1, "its completion is all that leaves");
    world.finds_nothing_amiss().await;
}

/// **Law 9.** An event says what was so when it was recorded, whatever becomes of the order before it leaves.
pub async fn a_recorded_event_does_not_change_with_its_order(world: World) {
    let first = order(WorkspaceId::random());
    let workspace = first.workspace_id;
    let made = world.make(NewJob::of_orders(workspace, [details(first.clone())])).await;
    world.apply(success(made.items[0])).await;
    let renamed = crate::job::Order { name: Some("#2002".into()), ..first };
    world.make(NewJob::of_orders(workspace, [details(renamed)])).await;
    let events = world.drain().await;
    assert_eq!(data(&events[0])["orderName"], "#1001", "an event says what was so when it was recorded");
    world.finds_nothing_amiss().await;
}
