//! Laws 80 and 114: to which trace events belong.

use super::World;
use super::fixture::{failure, job_of, success};
use crate::kept::Resolution;
use crate::trace::Traceparent;

fn trace(last: char) -> Option<Traceparent> {
    Traceparent::parse(format!("00-0af7651916cd43dd8448eb211c80319{last}-b7ad6b7169203331-01").as_bytes())
}

/// **Law 80.** The events that a report causes carry its trace, for as long as they wait; those of a report without one
/// carry none. A report's trace is no part of what it says: the same report in another trace is a duplicate.
pub async fn events_belong_to_the_trace_of_their_report(world: World) {
    let made = world.make(job_of(2)).await;
    let (trace, other) = (trace('c'), trace('d'));
    world.apply(success(made.items[0])).await;
    world.apply(success(made.items[1]).traced(trace)).await;
    let again = world.apply(success(made.items[1]).traced(other)).await;
    assert_eq!(again.events, 0, "the same report in another trace is a duplicate");
    let carried: Vec<_> = world.drain().await.into_iter().map(|event| event.traceparent).collect();
    let trace = trace.map(|trace| trace.to_string());
    assert_eq!(carried, [None, trace.clone(), trace], "each event carries the trace of its report");
}

/// **Law 114.** A kept report belongs to no trace: the same one in other traces is kept once and counted, and what leaves
/// when an operator accepts it is no part of the robot's request.
pub async fn a_kept_report_is_of_no_trace(world: World) {
    let made = world.make(job_of(1)).await;
    world.apply(failure(made.items[0])).await;
    world.drain().await;
    for trace in [trace('c'), trace('d'), None] {
        world.apply(success(made.items[0]).traced(trace)).await;
    }
    let kept = world.kept(made.job).await;
    let times: Vec<_> = kept.iter().map(|kept| kept.times).collect();
    assert_eq!(times, [3], "the same report in other traces is kept once, and counted");
    assert_eq!(kept[0].report, success(made.items[0]), "without a trace");
    world.resolve(kept[0].id, Resolution::Accepted).await.expect("it was not settled yet");
    let carried: Vec<_> = world.drain().await.into_iter().map(|event| event.traceparent).collect();
    assert_eq!(carried, [None], "what an operator accepts is no part of the robot's trace");
    world.finds_nothing_amiss().await;
}
