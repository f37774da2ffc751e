//! A job to be made: the orders that go to the robot together, and every rule of that. Pure.

use std::collections::HashSet;

use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::field::FieldError;
use crate::id::{ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Item, ItemStatus, Job, JobStatus, JobType, Order};
use crate::operation::Actor;

/// A job to be made.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The id it will have.
    pub id: JobId,
    /// Its owner.
    pub workspace_id: WorkspaceId,
    /// What its successes do.
    pub job_type: JobType,
    /// The same key in the same workspace makes no second job. `None`: no such protection.
    pub idempotency_key: Option<String>,
    /// What tells one request from another under the same key, such as a digest of it. `None`: nothing does.
    pub fingerprint: Option<String>,
    /// When its open items are closed as timed out.
    pub deadline: Deadline,
    /// Who makes it, for the record.
    pub actor: Actor,
    /// Its items, at least one.
    pub items: Vec<NewItem>,
}

/// An item to be made.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// The id it will have.
    pub id: ItemId,
    /// What it ships.
    pub order: NewOrder,
}

/// The order of an item to be made.
#[derive(Clone, Debug)]
pub enum NewOrder {
    /// One that the store has.
    Existing(OrderId),
    /// One that comes along: it is added, or its details replace those the store has. Carrier and numbers of an
    /// order that is there are left alone.
    Details(Box<Order>),
}

impl NewOrder {
    /// The order's id.
    #[must_use]
    pub fn id(&self) -> OrderId {
        match self {
            Self::Existing(id) => *id,
            Self::Details(order) => order.id,
        }
    }
}

/// What came of making a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It was made.
    Created(JobId),
    /// It had been made before, under the same idempotency key.
    Existing(JobId),
    /// The idempotency key belongs to a job made from another request.
    KeyReused(JobId),
    /// A rule is broken that only the store can check. Nothing was made.
    Refused(FieldError),
}

impl NewJob {
    /// What comes of this request when `job` was made before under its key, from a request of that fingerprint.
    #[must_use]
    pub fn made_before(&self, job: JobId, fingerprint: Option<&str>) -> Creation {
        match (fingerprint, self.fingerprint.as_deref()) {
            (Some(before), Some(now)) if before != now => Creation::KeyReused(job),
            _ => Creation::Existing(job),
        }
    }

    /// The rule an order breaks that the store does not have, or has for another workspace.
    pub const FOREIGN_ORDER: &'static str = "must name an order of this workspace";

    /// A job of those orders, each with a random item id.
    #[must_use]
    pub fn of_orders(workspace_id: WorkspaceId, orders: impl IntoIterator<Item = NewOrder>) -> Self {
        let items = orders.into_iter().map(|order| NewItem { id: ItemId::random(), order }).collect();
        Self {
            id: JobId::random(),
            workspace_id,
            job_type: JobType::default(),
            idempotency_key: None,
            fingerprint: None,
            deadline: Deadline::Unsaid,
            actor: Actor::default(),
            items,
        }
    }

    /// Checks what can be checked without a store.
    ///
    /// # Errors
    /// A [`FieldError`] naming the first field that breaks its rule.
    pub fn check(&self) -> Result<(), FieldError> {
        if self.items.is_empty() {
            return Err(FieldError::new("orders", "must hold at least one order"));
        }
        if u32::try_from(self.items.len()).is_err() {
            return Err(FieldError::new("orders", "must hold fewer orders"));
        }
        check_key(self.idempotency_key.as_ref())?;
        let mut seen = HashSet::new();
        for (n, item) in self.items.iter().enumerate() {
            if let NewOrder::Details(order) = &item.order {
                if order.workspace_id != self.workspace_id {
                    return Err(FieldError::new(format!("orders[{n}].orderId"), Self::FOREIGN_ORDER));
                }
                check_texts(n, order)?;
            }
            if !seen.insert(item.order.id()) {
                return Err(FieldError::new(format!("orders[{n}].orderId"), "stands in this job twice"));
            }
        }
        Ok(())
    }

    /// The rows of the job and its items, as they begin.
    #[must_use]
    pub fn rows(&self, now: Timestamp) -> (Job, Vec<Item>) {
        let total_items = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        let job = Job {
            id: self.id,
            workspace_id: self.workspace_id,
            job_type: self.job_type,
            status: JobStatus::Pending,
            total_items,
            success_count: 0,
            error_count: 0,
            run: 1,
            deadline: self.deadline.moment(now, total_items),
            created_at: now,
            completed_at: None,
        };
        (job, self.items.iter().map(|item| self.item_row(item)).collect())
    }

    fn item_row(&self, item: &NewItem) -> Item {
        Item {
            id: item.id,
            job_id: self.id,
            order_id: Some(item.order.id()),
            status: ItemStatus::Pending,
            attempt: 1,
            tracking_number: None,
            error_type: None,
            error_message: None,
            expired: false,
            completed_at: None,
        }
    }
}

/// The one character that PostgreSQL has no place for in a text.
const NO_NUL: &str = "must not contain the character U+0000";

/// The rule of all texts of the order that stands at that place.
fn check_texts(n: usize, order: &Order) -> Result<(), FieldError> {
    let contact = order.contact.as_ref();
    let texts = [
        ("name", order.name.as_ref()),
        ("description", order.description.as_ref()),
        ("carrier", order.carrier.as_ref()),
        ("trackingNumber", order.tracking_number.as_ref()),
        ("carrierGuideNumber", order.carrier_guide_number.as_ref()),
        ("shippingAddress", order.shipping_address.as_ref()),
        ("shippingCity", order.shipping_city.as_ref()),
        ("shippingDepartment", order.shipping_department.as_ref()),
        ("contact.name", contact.map(|contact| &contact.name)),
        ("contact.phone", contact.map(|contact| &contact.phone)),
        ("contact.email", contact.and_then(|contact| contact.email.as_ref())),
    ];
    match texts.into_iter().find(|(_, text)| text.is_some_and(|text| text.contains('\0'))) {
        Some((name, _)) => Err(FieldError::new(format!("orders[{n}].{name}"), NO_NUL)),
        None => Ok(()),
    }
}

/// The rule of an idempotency key, whether it is the one that counts or not.
pub(crate) fn check_key(key: Option<&String>) -> Result<(), FieldError> {
    if key.is_some_and(|key| !(1..=255).contains(&key.chars().count())) {
        return Err(FieldError::new("idempotencyKey", "must be 1 to 255 characters long"));
    }
    if key.is_some_and(|key| key.contains('\0')) {
        return Err(FieldError::new("idempotencyKey", NO_NUL));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_another_workspace_makes_no_job() {
        let body = br#"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"one"},{"name":"two"}]}"#;
        let mut job = NewJob::from_json(body, None).unwrap();
        assert_eq!(job.check(), Ok(()));
        let NewOrder::Details(order) = &mut job.items[1].order else { panic!("the order comes along") };
        order.workspace_id = WorkspaceId::random();
        let refused = job.check().unwrap_err().to_string();
        assert_eq!(refused, "orders[1].orderId must name an order of this workspace");
    }
}
