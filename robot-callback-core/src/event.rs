//! The events that leave: their names, their ids, their data. Pure, and pinned by snapshots.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::amount::Amount;
use crate::id::{ContactId, JobId, OrderId, WorkspaceId};
use crate::job::{Item, Job, JobType, Order};

/// The carrier's name as orders and events carry it.
pub const CARRIER: &str = "COORDINADORA";

/// The name of the event that tells of a run's completion.
const COMPLETION: &str = "robot/job.batch_completed";

/// Something that happened, as it leaves for whoever waits for it. The same event sent again carries the same id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// What kind of thing happened, such as `robot/job.batch_completed`.
    pub name: String,
    /// Stable and unique across all kinds: a receiver that has seen it drops the event.
    pub id: String,
    /// A JSON object.
    pub data: Box<RawValue>,
    /// The W3C trace it is part of, as the callback's `traceparent` header named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.id, self.data.get(), &self.traceparent)
            == (&other.name, &other.id, other.data.get(), &other.traceparent)
    }
}

impl Event {
    fn new(name: &str, id: String, data: &impl Serialize) -> Self {
        let data = serde_json::value::to_raw_value(data).expect("plain data with string keys is always JSON");
        Self { name: name.to_owned(), id, data, traceparent: None }
    }

    /// Whether it tells that a job's run is complete.
    #[must_use]
    pub fn is_completion(&self) -> bool {
        self.name == COMPLETION
    }

    /// The id of the event that tells of that run's completion.
    #[must_use]
    pub fn completion_id(job: JobId, run: u32) -> String {
        format!("{COMPLETION}:{job}:{run}")
    }

    /// The last open item of the job's current run became terminal.
    pub(crate) fn batch_completed(job: &Job) -> Self {
        let data = BatchCompleted {
            job_id: job.id,
            workspace_id: job.workspace_id,
            success_count: job.success_count,
            error_count: job.error_count,
        };
        Self::new(COMPLETION, Self::completion_id(job.id, job.run), &data)
    }

    /// An item became `success` with a tracking number, and its order was there; `None` for a type of job that
    /// leaves this to its orchestrator.
    pub(crate) fn item_completed(
        job: &Job,
        item: &Item,
        order: &Order,
        tracking_number: &str,
    ) -> Option<Self> {
        let (name, kind) = match job.job_type {
            JobType::CreateShipment => ("automation/robot.coord.completed", "robot.coord.completed"),
            JobType::GuideLookup => {
                ("automation/robot.guide_lookup.completed", "robot.guide_lookup.completed")
            }
            JobType::OcrGuideRead => return None,
        };
        let id = format!("{kind}:{}:{}", item.id, item.attempt);
        Some(Self::new(name, id, &ItemCompleted::of(order, tracking_number)))
    }

    /// A column of an order really changed.
    pub(crate) fn field_changed(
        item: &Item,
        order: &Order,
        column: &str,
        from: Option<&str>,
        to: &str,
    ) -> Self {
        let data = FieldChanged {
            workspace_id: order.workspace_id,
            entity_type: "order",
            entity_id: order.id,
            field_name: column,
            previous_value: from,
            new_value: to,
            contact_id: order.contact.as_ref().map(|contact| contact.id),
            contact_name: order.contact.as_ref().map(|contact| contact.name.as_str()),
            cascade_depth: 0,
        };
        Self::new(
            "automation/field.changed",
            format!("field.changed:{}:{}:{column}", item.id, item.attempt),
            &data,
        )
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchCompleted {
    job_id: JobId,
    workspace_id: WorkspaceId,
    success_count: u32,
    error_count: u32,
}

/// Keys without a value are left out; `contactId` alone is sent as `null`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemCompleted<'a> {
    workspace_id: WorkspaceId,
    order_id: OrderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_name: Option<&'a str>,
    tracking_number: &'a str,
    carrier: &'static str,
    contact_id: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_email: Option<&'a str>,
    order_value: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_department: Option<&'a str>,
    cascade_depth: u32,
}

impl<'a> ItemCompleted<'a> {
    fn of(order: &'a Order, tracking_number: &'a str) -> Self {
        let contact = order.contact.as_ref();
        Self {
            workspace_id: order.workspace_id,
            order_id: order.id,
            order_name: order.shown_name(),
            tracking_number,
            carrier: CARRIER,
            contact_id: contact.map(|contact| contact.id),
            contact_name: contact.map(|contact| contact.name.as_str()),
            contact_phone: contact.map(|contact| contact.phone.as_str()),
            contact_email: contact.and_then(|contact| contact.email.as_deref()),
            order_value: order.total_value,
            shipping_city: order.shipping_city.as_deref(),
            shipping_address: order.shipping_address.as_deref(),
            shipping_department: order.shipping_department.as_deref(),
            cascade_depth: 0,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldChanged<'a> {
    workspace_id: WorkspaceId,
    entity_type: &'static str,
    entity_id: OrderId,
    field_name: &'a str,
    previous_value: Option<&'a str>,
    new_value: &'a str,
    contact_id: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_name: Option<&'a str>,
    cascade_depth: u32,
}

#[cfg(test)]
mod tests;
