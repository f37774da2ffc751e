//! The same things happening at the same time, on several threads: what must hold whatever the order was.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use robot_callback_core::conformance::{self, World};
use robot_callback_core::{
    Actor, Amount, Applied, Claim, Clock, Command, Event, ItemId, JobId, JobStatus, JobView, KeptQuery,
    NewJob, NewOrder, Operation, Order, OrderId, Outcome, PageRequest, Report, Rules, Settlement, Verdict,
    WorkspaceId,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::model::{Said, said};

const TASKS: usize = 6;

/// One thing that a task does.
#[derive(Clone, Debug)]
enum Action {
    Report { item: Index, said: Said, attempt: Option<u32> },
    Retry { job: Index },
    Expire,
    Advance,
    Relay { limit: usize },
}

/// What a task saw.
#[derive(Default)]
struct Seen {
    applied: Vec<(Report, Applied)>,
    delivered: Vec<Event>,
}

fn action() -> impl Strategy<Value = Action> {
    let attempt = prop_oneof![3 => Just(None), 1 => (1..4_u32).prop_map(Some)];
    prop_oneof![
        30 => (any::<Index>(), said(), attempt)
            .prop_map(|(item, said, attempt)| Action::Report { item, said, attempt }),
        3 => any::<Index>().prop_map(|job| Action::Retry { job }),
        2 => Just(Action::Expire),
        1 => Just(Action::Advance),
        4 => (1..8_usize).prop_map(|limit| Action::Relay { limit }),
    ]
}

/// Makes the jobs, lets all the actions happen at once, and checks what is left.
async fn race(world: World, sizes: Vec<usize>, actions: Vec<Action>) {
    let mut jobs = Vec::new();
    let mut items = Vec::new();
    for size in sizes {
        let job = job_of(size, &world);
        jobs.push(job.id);
        items.extend(job.items.iter().map(|item| item.id));
        world.store.create_job(job).await.unwrap();
    }
    let (world, jobs, items) = (Arc::new(world), Arc::new(jobs), Arc::new(items));
    let together = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let mine: Vec<Action> = actions.iter().skip(task).step_by(TASKS).cloned().collect();
        let (world, jobs, items, together) = (world.clone(), jobs.clone(), items.clone(), together.clone());
        tasks.spawn(async move {
            let mut seen = Seen::default();
            together.wait().await;
            for action in mine {
                act(&world, &jobs, &items, action, &mut seen).await;
            }
            seen
        });
    }
    let mut seen = Seen::default();
    for of_task in tasks.join_all().await {
        seen.applied.extend(of_task.applied);
        seen.delivered.extend(of_task.delivered);
    }
    deliver(&world, usize::MAX, &mut seen).await;
    check(&world, &jobs, &seen).await;
}

async fn act(world: &World, jobs: &[JobId], items: &[ItemId], action: Action, seen: &mut Seen) {
    match action {
        Action::Report { item, said, attempt } => {
            let report = Report { attempt, ..said.of(*item.get(items)) };
            let applied = world.store.apply(report.clone()).await.unwrap().expect("the item is there");
            seen.applied.push((report, applied));
        }
        Action::Retry { job } => {
            let deadline = world.clock.now().after(Duration::from_secs(60));
            let (job_id, deadline) = (*job.get(jobs), Some(deadline).into());
            let retry = Operation::Retry { job_id, items: None, run: None, deadline };
            world.store.operate(Command::new(retry, Actor::default())).await.unwrap().unwrap();
        }
        Action::Expire => _ = world.store.expire(2).await.unwrap(),
        Action::Advance => world.clock.advance(Duration::from_secs(61)),
        Action::Relay { limit } => deliver(world, limit, seen).await,
    }
}

/// The lease outlives every clock here, so nothing is delivered twice.
async fn deliver(world: &World, limit: usize, seen: &mut Seen) {
    let lease = Duration::from_secs(1_000_000);
    let lease = world.store.claim(Claim { limit, lease }).await.unwrap();
    let delivered = lease.entries.iter().map(|entry| (entry.id, Settlement::Delivered)).collect();
    world.store.settle(lease.token, delivered).await.unwrap();
    seen.delivered.extend(lease.entries.into_iter().map(|entry| entry.event));
}

async fn check(world: &World, jobs: &[JobId], seen: &Seen) {
    let ids: HashSet<&str> = seen.delivered.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), seen.delivered.len(), "each event is recorded once, and given to one relay");
    each_item_is_applied_once(seen, &ids);
    for job in jobs {
        let view = world.store.job(*job).await.unwrap().expect("a job that was made stays");
        counts_equal_rows(&view);
        completed_once_a_run(&view, seen, &ids);
        let query = KeptQuery { job: Some(*job), page: PageRequest::first(1_000), open: false };
        let kept = world.store.kept_reports(query).await.unwrap().rows;
        let kept: u32 = kept.iter().map(|kept| kept.times).sum();
        let of_job = seen.applied.iter().filter(|(_, applied)| applied.job_id == *job);
        let not_applied = of_job.filter(|(report, applied)| is_kept(report, applied)).count();
        assert_eq!(usize::try_from(kept).unwrap(), not_applied, "no report is lost, and none kept twice");
    }
    let amiss = world.store.verify().await.unwrap();
    assert!(amiss.is_empty(), "verification finds nothing amiss, but: {amiss:?}");
}

fn is_kept(report: &Report, applied: &Applied) -> bool {
    match applied.verdict {
        Verdict::Conflict | Verdict::Stale => true,
        Verdict::Late => report.outcome == Outcome::Error,
        Verdict::Applied | Verdict::Duplicate => false,
    }
}

fn each_item_is_applied_once(seen: &Seen, ids: &HashSet<&str>) {
    let mut applied_at: BTreeMap<(ItemId, u32), Vec<Verdict>> = BTreeMap::new();
    for (report, applied) in &seen.applied {
        let late_success = applied.verdict == Verdict::Late && report.outcome == Outcome::Success;
        if applied.verdict == Verdict::Applied || late_success {
            applied_at.entry((report.item_id, applied.attempt)).or_default().push(applied.verdict);
            let id = format!("robot.coord.completed:{}:{}", report.item_id, applied.attempt);
            let ships = report.outcome == Outcome::Success && report.tracking_number.is_some();
            assert_eq!(ids.contains(id.as_str()), ships, "what shipped is announced, and nothing else");
        }
    }
    for (item, verdicts) in applied_at {
        assert_eq!(verdicts.len(), 1, "each item is applied at most once per attempt: {item:?} {verdicts:?}");
    }
}

fn counts_equal_rows(view: &JobView) {
    let count = |outcome| {
        let ended = view.items.iter().filter(|view| view.item.status.outcome() == Some(outcome));
        u32::try_from(ended.count()).unwrap()
    };
    let counted = (count(Outcome::Success), count(Outcome::Error));
    assert_eq!((view.job.success_count, view.job.error_count), counted, "counts equal rows");
    for view in &view.items {
        let order = view.order.as_ref().expect("the order is there");
        let number = &view.item.tracking_number;
        assert!(number.is_none() || *number == order.tracking_number, "the order has its item's number");
    }
}

/// Exactly one completion for a run that is complete, none for a run that is open, at most one for one that was
/// re-opened; and nobody was told of a completion that was not recorded.
fn completed_once_a_run(view: &JobView, seen: &Seen, ids: &HashSet<&str>) {
    let job = &view.job;
    let open = view.items.iter().any(|view| view.item.status.outcome().is_none());
    let announced = |run: u32| ids.contains(format!("robot/job.batch_completed:{}:{run}", job.id).as_str());
    assert_eq!(announced(job.run), !open, "a run is announced when no item is open, and not before");
    assert_eq!(job.status == JobStatus::Completed, !open, "and the job says so");
    assert!(!announced(job.run + 1), "a run that was not begun is not announced");
    let told = seen.applied.iter().filter(|(_, applied)| applied.job_id == job.id && applied.completed);
    let recorded = (1..=job.run).filter(|run| announced(*run)).count();
    assert!(told.count() <= recorded, "each completion is told to one reporter at most");
}

fn job_of(size: usize, world: &World) -> NewJob {
    let workspace_id = WorkspaceId::random();
    let orders = (0..size).map(|_| {
        NewOrder::Details(Box::new(Order {
            id: OrderId::random(),
            workspace_id,
            contact: None,
            name: None,
            description: None,
            total_value: Amount::default(),
            carrier: None,
            tracking_number: None,
            carrier_guide_number: None,
            shipping_address: None,
            shipping_city: None,
            shipping_department: None,
        }))
    });
    let deadline = Some(world.clock.now().after(Duration::from_secs(60))).into();
    NewJob { deadline, ..NewJob::of_orders(workspace_id, orders) }
}

fn check_race(world: impl AsyncFnOnce(Rules) -> World, sizes: Vec<usize>, actions: Vec<Action>) {
    conformance::run(async { race(world(Rules::default()).await, sizes, actions).await });
}

proptest! {
    // A race that went wrong once may go right when it is run again: shrinking would chase ghosts.
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn reports_at_the_same_time_are_applied_once_by_a_memory_store(
        sizes in vec(1..5_usize, 1..4), actions in vec(action(), 20..150)
    ) {
        check_race(async |rules| crate::worlds::memory(rules), sizes, actions);
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn reports_at_the_same_time_are_applied_once_by_a_sqlite_store(
        sizes in vec(1..5_usize, 1..4), actions in vec(action(), 20..150)
    ) {
        check_race(async |rules| crate::worlds::sqlite(rules), sizes, actions);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn reports_at_the_same_time_are_applied_once_by_a_postgres_store(
        sizes in vec(1..5_usize, 1..4), actions in vec(action(), 20..150)
    ) {
        check_race(crate::postgres::prepared, sizes, actions);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn reports_at_the_same_time_are_applied_once_by_a_postgres_store_behind_a_pooler(
        sizes in vec(1..5_usize, 1..4), actions in vec(action(), 20..150)
    ) {
        check_race(crate::postgres::pooled, sizes, actions);
    }
}
