//! The request that makes a job, as JSON: its fields, and an error for each rule that names the field. Pure.

use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use crate::amount::Amount;
use crate::clock::Timestamp;
use crate::deadline::{Allowance, Deadline};
use crate::field::FieldError;
use crate::id::{ContactId, ItemId, JobId, OrderId, WorkspaceId};
use crate::job::{Contact, JobType, Order};
use crate::new_job::{self, NewItem, NewJob, NewOrder};
use crate::object::Object;
use crate::operation::Actor;

/// Why a body makes no job. Shown to the caller as it is.
#[derive(Debug, thiserror::Error)]
pub enum JobRequestError {
    /// It is not JSON, or a field is missing, unknown or of another type; the message says which and what.
    #[error("{path}: {source}")]
    Json {
        /// The field, such as `orders[2].totalValue`; `body` for the whole.
        path: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A field breaks its rule.
    #[error(transparent)]
    Field(#[from] FieldError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobRequest {
    workspace_id: WorkspaceId,
    #[serde(default)]
    job_type: JobType,
    idempotency_key: Option<String>,
    #[serde(default, deserialize_with = "said")]
    deadline: Option<Option<Timestamp>>,
    allowance: Option<Object<Allowance>>,
    orders: Vec<Object<OrderRequest>>,
}

/// A field that is there, be it `null`; without the field this is not asked.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderRequest {
    order_id: Option<OrderId>,
    name: Option<String>,
    description: Option<String>,
    total_value: Option<Amount>,
    shipping_address: Option<String>,
    shipping_city: Option<String>,
    shipping_department: Option<String>,
    contact: Option<Object<ContactRequest>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContactRequest {
    contact_id: Option<ContactId>,
    name: String,
    phone: String,
    email: Option<String>,
}

impl OrderRequest {
    fn item(self, workspace_id: WorkspaceId) -> NewItem {
        let order = match self.order_id {
            Some(id) if !self.has_details() => NewOrder::Existing(id),
            _ => NewOrder::Details(Box::new(self.order(workspace_id))),
        };
        NewItem { id: ItemId::random(), order }
    }

    fn has_details(&self) -> bool {
        let texts = [
            &self.name,
            &self.description,
            &self.shipping_address,
            &self.shipping_city,
            &self.shipping_department,
        ];
        texts.into_iter().any(Option::is_some) || self.total_value.is_some() || self.contact.is_some()
    }

    fn order(self, workspace_id: WorkspaceId) -> Order {
        Order {
            id: self.order_id.unwrap_or_else(OrderId::random),
            workspace_id,
            contact: self.contact.map(|Object(contact)| contact.contact()),
            name: self.name,
            description: self.description,
            total_value: self.total_value.unwrap_or_default(),
            carrier: None,
            tracking_number: None,
            carrier_guide_number: None,
            shipping_address: self.shipping_address,
            shipping_city: self.shipping_city,
            shipping_department: self.shipping_department,
        }
    }
}

impl ContactRequest {
    fn contact(self) -> Contact {
        let id = self.contact_id.unwrap_or_else(ContactId::random);
        Contact { id, name: self.name, phone: self.phone, email: self.email }
    }
}

impl NewJob {
    /// Reads the JSON request that makes a job. `header_key`, an idempotency key from elsewhere, goes for the one
    /// in the body.
    ///
    /// ```
    /// # use robot_callback_core::NewJob;
    /// let body = br##"{
    ///     "workspaceId": "b7c1d2e3-0000-4000-8000-000000000001",
    ///     "orders": [{
    ///         "name": "#1001", "totalValue": 89900,
    ///         "shippingAddress": "Cra 43A # 1-50", "shippingCity": "MEDELLIN", "shippingDepartment": "ANTIOQUIA",
    ///         "contact": {"name": "Ana Restrepo", "phone": "+573001234567"}
    ///     }]
    /// }"##;
    /// assert_eq!(NewJob::from_json(body, None).unwrap().items.len(), 1);
    /// ```
    ///
    /// `deadline` is a moment, or `null` for none; `allowance` a formula in its place (`{"secsPerOrder": 30, "plusSecs":
    /// 600}`); whoever says neither leaves it to the server.
    ///
    /// An order with nothing but an `orderId` is one that the store has; any other comes along with its details,
    /// and gets a random id if it brings none.
    ///
    /// # Errors
    /// [`JobRequestError`] with the field and what is wrong with it.
    pub fn from_json(body: &[u8], header_key: Option<String>) -> Result<Self, JobRequestError> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let Object(request): Object<JobRequest> =
            serde_path_to_error::deserialize(&mut json).map_err(located)?;
        json.end().map_err(|source| JobRequestError::Json { path: "body".into(), source })?;
        let workspace_id = request.workspace_id;
        let items = request.orders.into_iter().map(|Object(order)| order.item(workspace_id)).collect();
        new_job::check_key(request.idempotency_key.as_ref())?;
        let job = Self {
            id: JobId::random(),
            workspace_id,
            job_type: request.job_type,
            idempotency_key: header_key.or(request.idempotency_key),
            fingerprint: Some(fingerprint(body)),
            deadline: Deadline::of_fields(
                request.deadline,
                request.allowance.map(|Object(formula)| formula),
            )?,
            actor: Actor::default(),
            items,
        };
        job.check()?;
        Ok(job)
    }
}

fn located(error: serde_path_to_error::Error<serde_json::Error>) -> JobRequestError {
    let path = error.path().to_string();
    JobRequestError::Json { path: if path == "." { "body".into() } else { path }, source: error.into_inner() }
}

/// The same for bodies that say the same, however they are spaced and in whatever order their keys stand.
fn fingerprint(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let digest = Sha256::digest(value.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
