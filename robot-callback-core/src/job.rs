//! Jobs, items and orders as a store remembers them, and the words for their states. Values only.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::clock::Timestamp;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::report::{ErrorType, Outcome};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Made, or re-opened.
    Pending,
    /// Taken up by the robot.
    Processing,
    /// Every item is terminal.
    Completed,
    /// Given up as a whole, by its owner.
    Failed,
}

/// Where an item stands. `Success` and `Error` are terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemStatus {
    /// Not begun.
    Pending,
    /// Taken up by the robot.
    Processing,
    /// The shipment was created.
    Success,
    /// It was not.
    Error,
}

impl JobStatus {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

impl ItemStatus {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Success, Self::Error];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Success => "success",
            Self::Error => "error",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The outcome an item ended with; `None` while it is open. An item that has one is terminal: nothing but a
    /// re-opening, a late success or an operator's word changes it.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Pending | Self::Processing => None,
            Self::Success => Some(Outcome::Success),
            Self::Error => Some(Outcome::Error),
        }
    }
}

impl From<Outcome> for ItemStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Error => Self::Error,
        }
    }
}

/// What a job's successes do to their orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// A shipment was created: the order gets carrier and tracking number, an event leaves.
    #[default]
    CreateShipment,
    /// A guide was found: the order's guide number is set too, and another event leaves.
    GuideLookup,
    /// A guide was read by OCR: the order is left alone and no event leaves.
    OcrGuideRead,
}

impl JobType {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::CreateShipment, Self::GuideLookup, Self::OcrGuideRead];

    /// Its name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateShipment => "create_shipment",
            Self::GuideLookup => "guide_lookup",
            Self::OcrGuideRead => "ocr_guide_read",
        }
    }

    /// The type of that name; an unknown one is a [`CreateShipment`](Self::CreateShipment).
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or_default()
    }
}

/// A set of items sent to the robot together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The job.
    #[serde(rename = "jobId")]
    pub id: JobId,
    /// Its owner.
    pub workspace_id: WorkspaceId,
    /// What its successes do.
    pub job_type: JobType,
    /// Where it stands.
    pub status: JobStatus,
    /// How many items it has.
    pub total_items: u32,
    /// How many of them ended in success.
    pub success_count: u32,
    /// How many ended in error.
    pub error_count: u32,
    /// Which opening of the job this is, counted from 1; one completion is announced for each.
    pub run: u32,
    /// When its open items are closed as timed out; `None` means never.
    pub deadline: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last item became terminal.
    pub completed_at: Option<Timestamp>,
}

impl Job {
    /// How many items have no result yet.
    #[must_use]
    pub fn open_items(&self) -> u32 {
        self.total_items.saturating_sub(self.success_count.saturating_add(self.error_count))
    }

    /// Whether its deadline has passed and items are open still.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.open_items() > 0 && self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// One order of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The item.
    #[serde(rename = "itemId")]
    pub id: ItemId,
    /// The job it is of.
    #[serde(skip_serializing)]
    pub job_id: JobId,
    /// The order it ships; `None` when that order is gone.
    pub order_id: Option<OrderId>,
    /// Where it stands.
    pub status: ItemStatus,
    /// The attempt that is open, or was the last, counted from 1 (the tables keep `retry_count`, one less).
    pub attempt: u32,
    /// What the report that closed it said.
    pub tracking_number: Option<String>,
    /// What the report that closed it said.
    pub error_type: Option<ErrorType>,
    /// What the report that closed it said.
    pub error_message: Option<String>,
    /// Whether the deadline closed it, and no report has been heard.
    pub expired: bool,
    /// When it became terminal.
    pub completed_at: Option<Timestamp>,
}

/// The buyer behind an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The contact.
    pub id: ContactId,
    /// Full name.
    pub name: String,
    /// Phone number, as the shop wrote it.
    pub phone: String,
    /// Mail address.
    pub email: Option<String>,
}

/// A sale of the shop: where it goes, what it is worth, and how it was shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Its owner.
    pub workspace_id: WorkspaceId,
    /// The buyer.
    pub contact: Option<Contact>,
    /// A name for people.
    pub name: Option<String>,
    /// A description, shown where there is no name.
    pub description: Option<String>,
    /// What the buyer pays, in pesos.
    pub total_value: Amount,
    /// The carrier that took it.
    pub carrier: Option<String>,
    /// The carrier's number for the shipment.
    pub tracking_number: Option<String>,
    /// The carrier's number for its guide.
    pub carrier_guide_number: Option<String>,
    /// Street and number.
    pub shipping_address: Option<String>,
    /// City.
    pub shipping_city: Option<String>,
    /// Department of Colombia.
    pub shipping_department: Option<String>,
}

impl Order {
    /// What people call the order: its name, else its description.
    #[must_use]
    pub fn shown_name(&self) -> Option<&str> {
        let given = |text: &'_ Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        [&self.name, &self.description].into_iter().find(|text| given(text)).and_then(Option::as_deref)
    }
}
