//! Who is being served: the workspaces that have a batch in process, and the orders of those batches.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use robot_callback_core::{OrderId, WorkspaceId};

use crate::journal::Ledger;

/// The desk. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk(Arc<Mutex<Served>>);

#[derive(Debug, Default)]
struct Served {
    workspaces: BTreeSet<WorkspaceId>,
    orders: BTreeSet<OrderId>,
}

impl Desk {
    fn served(&self) -> MutexGuard<'_, Served> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_busy(&self, workspace: WorkspaceId) -> bool {
        self.served().workspaces.contains(&workspace)
    }

    pub(super) fn holds(&self, order: OrderId) -> bool {
        self.served().orders.contains(&order)
    }

    /// Takes the batch's orders that are still open, and its workspace if there are any.
    pub(super) fn take(&self, ledger: &Ledger) -> Held {
        let orders: Vec<_> = ledger.open().map(|order| order.order_id).collect();
        let workspace = (!orders.is_empty()).then_some(ledger.batch.workspace_id);
        let mut served = self.served();
        served.orders.extend(&orders);
        served.workspaces.extend(workspace);
        drop(served);
        Held { desk: self.clone(), workspace, orders }
    }
}

/// What a batch took; given back when it is dropped, if not before.
pub(super) struct Held {
    desk: Desk,
    workspace: Option<WorkspaceId>,
    orders: Vec<OrderId>,
}

impl Held {
    pub(super) fn give_back(&mut self) {
        let mut served = self.desk.served();
        if let Some(workspace) = self.workspace.take() {
            served.workspaces.remove(&workspace);
        }
        for order in self.orders.drain(..) {
            served.orders.remove(&order);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}
