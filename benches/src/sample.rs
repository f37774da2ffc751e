//! What is measured without a server: a job of so many orders, the reports on it, and no relay. Taken in by file, so that
//! a program that needs no server has none in it.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use robot_callback_core::{EmitError, Emitter, Event, ItemId, JobRequestError, NewJob, Store};

/// Leaves everything in the outbox: what is measured is the callback, and the relay is not part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRelay;

#[async_trait]
impl Emitter for NoRelay {
    async fn emit(&self, events: &[Event]) -> Vec<Result<(), EmitError>> {
        events.iter().map(|_| Ok(())).collect()
    }

    async fn announce(&self, _: &dyn Store) {}
}

/// A new job of so many orders, all alike but for the buyer's phone: a CRM knows each by it.
///
/// # Errors
/// For more orders than a job may have.
pub(crate) fn sample_job(orders: usize) -> Result<NewJob, JobRequestError> {
    static BUYERS: AtomicU64 = AtomicU64::new(3_100_000_000);
    let order = |_| {
        let phone = BUYERS.fetch_add(1, Ordering::Relaxed);
        format!(
            r##"{{"name":"#1001","totalValue":89900,"shippingCity":"MEDELLIN","contact":{{"name":"Ana","phone":"+57{phone}"}}}}"##
        )
    };
    let orders = (0..orders).map(order).collect::<Vec<_>>().join(",");
    let request = format!(r#"{{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{orders}]}}"#);
    NewJob::from_json(request.as_bytes(), None)
}

/// The body that reports that item's shipment.
pub(crate) fn sample_body(item: ItemId) -> Vec<u8> {
    format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"73150001234"}}"#).into_bytes()
}
