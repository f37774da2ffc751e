//! What somebody else's program does to the tables of other stores, for the laws that ask what comes of it.

use super::MemoryStore;
use crate::id::{JobId, OrderId, WorkspaceId};

/// With the feature `conformance`. Each says whether there is such an order or job.
impl MemoryStore {
    /// Deletes an order; its item stays.
    pub fn lose_order(&self, order: OrderId) -> bool {
        self.state().orders.remove(&order).is_some()
    }

    /// Gives an order to another workspace.
    pub fn move_order(&self, order: OrderId, to: WorkspaceId) -> bool {
        let mut state = self.state();
        let order = state.orders.get_mut(&order);
        order.map(|order| order.workspace_id = to).is_some()
    }

    /// Adds 1 to the successes that a job records, and to nothing that they are counted from.
    pub fn miscount(&self, job: JobId) -> bool {
        let mut state = self.state();
        let job = state.jobs.get_mut(&job);
        job.map(|job| job.success_count += 1).is_some()
    }
}
