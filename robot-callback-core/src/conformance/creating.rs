//! Laws 48 to 57: a job is made once, whole, and of its own workspace's orders.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::World;
use super::fixture::{NUMBER, details, job_of, order, success};
use crate::event::CARRIER;
use crate::id::{JobId, OrderId, WorkspaceId};
use crate::job::{ItemStatus, JobStatus, JobType, Order};
use crate::new_job::{Creation, NewJob, NewOrder};

fn keyed(key: &str, fingerprint: Option<&str>, new: NewJob) -> NewJob {
    NewJob { idempotency_key: Some(key.to_owned()), fingerprint: fingerprint.map(str::to_owned), ..new }
}

/// **Law 48.** A job is read back as it was made, its items in the order they were given.
pub async fn a_job_is_read_back_as_it_was_made(world: World) {
    let workspace = WorkspaceId::random();
    let bare = Order {
        contact: None,
        name: None,
        description: None,
        shipping_address: None,
        shipping_city: None,
        shipping_department: None,
        ..order(workspace)
    };
    let orders: Vec<Order> = (0..9).map(|_| order(workspace)).chain([bare]).collect();
    let new = NewJob {
        job_type: JobType::GuideLookup,
        deadline: world.in_a_minute().into(),
        ..NewJob::of_orders(workspace, orders.iter().cloned().map(details))
    };
    let deadline = world.in_a_minute();
    let made = world.make(new).await;
    let view = world.view(made.job).await;
    assert_eq!((view.job.id, view.job.workspace_id), (made.job, workspace), "the job is its owner's");
    assert_eq!(
        (view.job.status, view.job.run),
        (JobStatus::Pending, 1),
        "it begins pending, in its first run"
    );
    assert_eq!((view.job.success_count, view.job.error_count), (0, 0), "nothing is counted yet");
    assert_eq!((view.job.total_items, view.job.job_type), (10, JobType::GuideLookup), "it is of that type");
    assert_eq!((view.job.deadline, view.job.completed_at), (deadline, None), "it has its deadline");
    assert_eq!(view.job.created_at, world.now(), "it knows when it was made");
    let items: Vec<_> = view.items.iter().map(|view| view.item.id).collect();
    assert_eq!(items, made.items, "the items stand in the order they were given");
    for (view, order) in view.items.iter().zip(&orders) {
        assert_eq!(view.order.as_ref(), Some(order), "each with its order, in every detail");
        assert_eq!((view.item.status, view.item.attempt), (ItemStatus::Pending, 1), "open, at attempt 1");
    }
    assert!(world.drain().await.is_empty(), "a job that begins announces nothing");
    world.finds_nothing_amiss().await;
}

/// **Law 49.** A job that is not there is `None`.
pub async fn an_unknown_job_is_none(world: World) {
    world.make(job_of(1)).await;
    let view = world.store.job(JobId::random()).await.expect("the store answers");
    assert_eq!(view, None, "there is no such job");
}

/// **Law 50.** The same idempotency key in the same workspace makes no second job, and names the first.
pub async fn the_same_key_makes_no_second_job(world: World) {
    let new = keyed("key", Some("a"), job_of(2));
    let (workspace, first) = (new.workspace_id, new.id);
    let made = world.make(new).await;
    world.apply(success(made.items[0])).await;
    let before = world.picture(first).await;
    for fingerprint in [Some("a"), None] {
        let again = keyed("key", fingerprint, job_of_workspace(workspace));
        let (second, order) = (again.id, again.items[0].order.id());
        assert_eq!(world.create(again).await, Creation::Existing(first), "the key names the first job");
        assert!(world.store.job(second).await.expect("the store answers").is_none(), "no second one is made");
        let existing = NewJob::of_orders(workspace, [NewOrder::Existing(order)]);
        let refused = world.create(existing).await;
        assert!(matches!(refused, Creation::Refused(_)), "nor are its orders: {refused:?}");
    }
    assert_eq!(world.picture(first).await, before, "the first job is as it was");
}

/// **Law 51.** Idempotency keys belong to a workspace; without a key, or under another, each request makes a job.
pub async fn each_workspace_has_keys_of_its_own(world: World) {
    let first = keyed("key", Some("a"), job_of(1));
    let workspace = first.workspace_id;
    world.make(first).await;
    world.make(keyed("key", Some("a"), job_of(1))).await;
    world.make(keyed("KEY", Some("a"), job_of_workspace(workspace))).await;
    world.make(job_of_workspace(workspace)).await;
    world.make(job_of_workspace(workspace)).await;
}

/// **Law 52.** Another request under a key that was used is told so, and makes nothing.
pub async fn another_request_under_a_used_key_is_told(world: World) {
    let new = keyed("key", Some("a"), job_of(1));
    let (workspace, first) = (new.workspace_id, new.id);
    world.make(new).await;
    let other = keyed("key", Some("b"), job_of_workspace(workspace));
    let second = other.id;
    assert_eq!(world.create(other).await, Creation::KeyReused(first), "another request under a used key");
    assert!(world.store.job(second).await.expect("the store answers").is_none(), "makes nothing");
}

/// **Law 53.** Requests under one key, sent at once, make one job.
pub async fn concurrent_requests_under_one_key_make_one_job(world: World) {
    let world = Arc::new(world);
    let workspace = WorkspaceId::random();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (world, new) = (world.clone(), keyed("key", Some("a"), job_of_workspace(workspace)));
        tasks.spawn(async move { world.create(new).await });
    }
    let answers = tasks.join_all().await;
    let created: Vec<JobId> = answers.iter().filter_map(made_id).collect();
    assert_eq!(created.len(), 1, "of requests under one key one makes a job");
    let others = answers.iter().filter(|answer| **answer == Creation::Existing(created[0])).count();
    assert_eq!(others, 7, "the others are told which");
}

/// **Law 54.** A job of an order that is not there, or is another workspace's, is refused whole: no job, no item,
/// no order of it is made, and its key is not used up.
pub async fn a_refused_job_makes_nothing(world: World) {
    let foreign = order(WorkspaceId::random());
    let foreign_job = NewJob::of_orders(foreign.workspace_id, [details(foreign.clone())]);
    let foreign_job = world.make(foreign_job).await.job;
    let before = world.picture(foreign_job).await;
    let workspace = WorkspaceId::random();
    let taken = Order { workspace_id: workspace, name: Some("mine now".into()), ..foreign.clone() };
    for (n, bad) in [NewOrder::Existing(OrderId::random()), NewOrder::Existing(foreign.id), details(taken)]
        .into_iter()
        .enumerate()
    {
        let good = order(workspace);
        let new = NewJob::of_orders(workspace, [details(good.clone()), bad]);
        let new = keyed(&format!("key {n}"), None, new);
        let (job, item) = (new.id, new.items[0].id);
        let Creation::Refused(error) = world.create(new).await else {
            panic!("an order that is not this workspace's is refused")
        };
        assert_eq!(error.to_string(), "orders[1].orderId must name an order of this workspace");
        let view = world.store.job(job).await.expect("the store answers");
        assert!(view.is_none(), "a refused job is not made");
        assert_eq!(world.try_apply(success(item)).await, None, "nor are its items");
        let of_good = NewJob::of_orders(workspace, [NewOrder::Existing(good.id)]);
        let answer = world.create(of_good).await;
        assert!(matches!(answer, Creation::Refused(_)), "nor are its orders");
        world.make(keyed(&format!("key {n}"), None, job_of_workspace(workspace))).await;
    }
    assert_eq!(world.picture(foreign_job).await, before, "another workspace's order is left alone");
    world.finds_nothing_amiss().await;
}

/// **Law 55.** A job that breaks a rule of its own (no orders, an order twice, a key too long) is refused.
pub async fn a_job_that_breaks_a_rule_is_refused(world: World) {
    let twice = order(WorkspaceId::random());
    let workspace = twice.workspace_id;
    let orders = [details(twice.clone()), details(twice)];
    for new in [
        NewJob::of_orders(workspace, []),
        NewJob::of_orders(workspace, orders),
        keyed(&"k".repeat(256), None, job_of(1)),
        keyed("", None, job_of(1)),
    ] {
        let id = new.id;
        let answer = world.create(new).await;
        assert!(matches!(answer, Creation::Refused(_)), "a job that breaks a rule is refused: {answer:?}");
        assert!(world.store.job(id).await.expect("the store answers").is_none(), "and not made");
    }
}

/// **Law 56.** An order that comes along again has its details replaced; its carrier and numbers stay.
pub async fn details_sent_again_keep_carrier_and_numbers(world: World) {
    let first = order(WorkspaceId::random());
    let workspace = first.workspace_id;
    let new = NewJob::of_orders(workspace, [details(first.clone())]);
    let made = world.make(NewJob { job_type: JobType::GuideLookup, ..new }).await;
    world.apply(success(made.items[0])).await;
    let moved = Order { shipping_city: Some("CALI".into()), contact: None, name: None, ..first };
    let again = world.make(NewJob::of_orders(workspace, [details(moved.clone())])).await;
    let expected = Order {
        carrier: Some(CARRIER.into()),
        tracking_number: Some(NUMBER.into()),
        carrier_guide_number: Some(NUMBER.into()),
        ..moved
    };
    assert_eq!(world.order(&again, 0).await, expected, "details are replaced; carrier and numbers stay");
}

/// **Law 57.** An order that the store has can be named by its id alone, by as many jobs as wish.
pub async fn an_order_the_store_has_needs_no_details(world: World) {
    let known = order(WorkspaceId::random());
    let workspace = known.workspace_id;
    world.make(NewJob::of_orders(workspace, [details(known.clone())])).await;
    for _ in 0..2 {
        let made = world.make(NewJob::of_orders(workspace, [NewOrder::Existing(known.id)])).await;
        assert_eq!(world.order(&made, 0).await, known, "the job's order is the one the store has");
    }
}

fn job_of_workspace(workspace: WorkspaceId) -> NewJob {
    NewJob::of_orders(workspace, [details(order(workspace))])
}

fn made_id(creation: &Creation) -> Option<JobId> {
    if let Creation::Created(id) = creation { Some(*id) } else { None }
}
