//! The law of traces.

use super::World;
use super::fixture::{job_of, success};
use crate::trace::Traceparent;

/// **Law 80.** The events that a report causes carry its trace, for as long as they wait; those of a report without one
/// carry none. A report's trace is no part of what it says: the same report in another trace is a duplicate.
pub async fn events_belong_to_the_trace_of_their_report(world: World) {
    let made = world.make(job_of(2)).await;
    let trace = Traceparent::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let other = Traceparent::parse(b"00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-01");
    world.apply(success(made.items[0])).await;
    world.apply(success(made.items[1]).traced(trace)).await;
    let again = world.apply(success(made.items[1]).traced(other)).await;
    assert_eq!(again.events, 0, "the same report in another trace is a duplicate");
    let carried: Vec<_> = world.drain().await.into_iter().map(|event| event.traceparent).collect();
    let trace = trace.map(|trace| trace.to_string());
    assert_eq!(carried, [None, trace.clone(), trace], "each event carries the trace of its report");
}
