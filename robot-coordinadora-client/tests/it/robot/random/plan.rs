//! Everything that comes about by chance: drawn, and the batches made of it.

use proptest::prelude::*;
use robot_callback_core::{OrderId, WorkspaceId};
use robot_coordinadora_client::{BatchOrder, BatchRequest};

use crate::robot::portal::{Fault, LoginFault, Search, TestPortal};
use crate::robot::world::batch;

/// What the receiver does with a report. All but the first two take it, and lose or garble their answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    Busy,
    LocksOut,
    Takes,
    SaysNothing,
    SaysFailure,
    SaysNonsense,
}

/// Everything that comes about by chance.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    batches: Vec<PlannedBatch>,
    pub(super) logins: Vec<Option<LoginFault>>,
    pub(super) search: Search,
    pub(super) replies: Vec<Reply>,
    /// After how many calls each life but the last ends.
    pub(super) lives: Vec<isize>,
}

#[derive(Clone, Debug)]
struct PlannedBatch {
    workspace: bool,
    orders: Vec<PlannedOrder>,
}

#[derive(Clone, Debug)]
struct PlannedOrder {
    /// Some orders stand in two batches.
    shared: bool,
    has_city: bool,
    fault: Option<Fault>,
}

pub(super) fn plan() -> impl Strategy<Value = Plan> {
    let logins =
        [None, None, None, Some(LoginFault::Refuses), Some(LoginFault::Fails), Some(LoginFault::Panics)];
    let searches = [Search::Honest, Search::Honest, Search::Unclear, Search::Fails, Search::Panics];
    let replies = [
        Reply::Busy,
        Reply::LocksOut,
        Reply::Takes,
        Reply::SaysNothing,
        Reply::SaysFailure,
        Reply::SaysNonsense,
    ];
    let parts = (
        prop::collection::vec(planned_batch(), 1..4),
        prop::collection::vec(prop::sample::select(logins.to_vec()), 0..4),
        prop::sample::select(searches.to_vec()),
        prop::collection::vec(prop::sample::select(replies.to_vec()), 0..12),
        prop::collection::vec(0..40_isize, 0..5),
    );
    parts.prop_map(|(batches, logins, search, replies, lives)| Plan {
        batches,
        logins,
        search,
        replies,
        lives,
    })
}

fn planned_batch() -> impl Strategy<Value = PlannedBatch> {
    let orders = prop::collection::vec(planned_order(), 1..5);
    (any::<bool>(), orders).prop_map(|(workspace, orders)| PlannedBatch { workspace, orders })
}

fn planned_order() -> impl Strategy<Value = PlannedOrder> {
    use Fault::{
        Fails, FailsAfterCreating, Hangs, HangsAfterCreating, OddNumber, Panics, PanicsAfterCreating, Refuses,
    };
    let faults = [
        Refuses,
        Fails,
        FailsAfterCreating,
        Hangs,
        HangsAfterCreating,
        Panics,
        PanicsAfterCreating,
        OddNumber,
    ];
    let fault = prop::option::of(prop::sample::select(faults.to_vec()));
    (prop::bool::weighted(0.2), prop::bool::weighted(0.9), fault)
        .prop_map(|(shared, has_city, fault)| PlannedOrder { shared, has_city, fault })
}

/// The batches of a plan. Sets the portal's faults.
pub(super) fn batches(plan: &Plan, portal: &TestPortal, callback_url: &str) -> Vec<BatchRequest> {
    let workspaces = [WorkspaceId::random(), WorkspaceId::random()];
    let shared = OrderId::random();
    let mut batches = Vec::new();
    for (number, planned) in plan.batches.iter().enumerate() {
        let mut request = batch([]);
        request.workspace_id = workspaces[usize::from(planned.workspace)];
        request.callback_url = callback_url.to_owned();
        for (place, order) in planned.orders.iter().enumerate() {
            let reference = format!("{}{number}#{place}", if order.has_city { "" } else { "-" });
            order.fault.iter().for_each(|fault| portal.fault(&reference, *fault));
            let [made]: [BatchOrder; 1] = batch([&*reference]).orders.try_into().unwrap();
            let order_id = if order.shared { shared } else { made.order_id };
            request.orders.push(BatchOrder { order_id, ..made });
        }
        batches.push(request);
    }
    batches
}
