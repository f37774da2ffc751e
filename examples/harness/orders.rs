//! What a shop wants to ship: the job that is made of it, and the batch that the robot is sent.

use robot_callback_core::{ItemId, JobId, JobView, OrderId, WorkspaceId};
use robot_coordinadora_client::{BatchOrder, BatchRequest, Credentials, PedidoInput};
use serde::Deserialize;
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../data/batch.json");

/// Orders that there is no job of yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Orders {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Of the carrier's portal.
    pub credentials: Credentials,
    /// What to ship.
    pub orders: Vec<Order>,
}

/// One order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order.
    pub order_id: OrderId,
    /// What is typed into the portal's form.
    pub pedido_input: PedidoInput,
}

impl Orders {
    /// So many orders: the first ones of `data/batch.json`, or, where there are not as many, some of them again under
    /// an id and a reference of their own.
    ///
    /// # Errors
    /// When the file does not hold orders.
    pub fn sample(count: usize) -> Result<Self, serde_json::Error> {
        let Self { orders, .. } = serde_json::from_str(SAMPLE)?;
        let known = orders.len();
        let again = |(n, order): (usize, Order)| match n / known {
            0 => order,
            times => order.again(&format!("-{}", times + 1)),
        };
        let orders = orders.into_iter().cycle().take(count).enumerate().map(again).collect();
        Ok(Self { orders, ..serde_json::from_str(SAMPLE)? })
    }

    /// The same orders under ids of their own and under references that end in `suffix`, of a workspace of its own:
    /// nobody else has any of them.
    #[must_use]
    pub fn again(self, suffix: &str) -> Self {
        let orders = self.orders.into_iter().map(|order| order.again(suffix)).collect();
        Self { orders, workspace_id: WorkspaceId::random(), ..self }
    }

    /// The request that makes a job of these orders: `POST /api/jobs`.
    #[must_use]
    pub fn job_request(&self) -> Value {
        let orders: Vec<Value> = self.orders.iter().map(Order::job_request).collect();
        json!({"workspaceId": self.workspace_id, "orders": orders})
    }

    /// The batch of these orders that the robot is sent, with what the job made of them brings: its id, its items'
    /// ids, and where to report.
    #[must_use]
    pub fn batch(&self, job: &JobRows, callback_url: &str, callback_secret: &str) -> BatchRequest {
        let of_job = |order: &Order| {
            let item = job.items.iter().find(|item| item.order_id == Some(order.order_id))?;
            let Order { order_id, pedido_input } = order.clone();
            Some(BatchOrder { item_id: item.item_id, order_id, attempt: Some(item.attempt), pedido_input })
        };
        BatchRequest {
            workspace_id: self.workspace_id,
            credentials: self.credentials.clone(),
            callback_url: callback_url.to_owned(),
            callback_secret: Some(callback_secret.to_owned()),
            job_id: job.job_id,
            orders: self.orders.iter().filter_map(of_job).collect(),
        }
    }
}

impl Order {
    fn again(mut self, suffix: &str) -> Self {
        self.pedido_input.referencia.push_str(suffix);
        Self { order_id: OrderId::random(), ..self }
    }

    fn job_request(&self) -> Value {
        let input = &self.pedido_input;
        json!({
            "orderId": self.order_id,
            "name": input.referencia,
            "totalValue": input.total_con_iva,
            "shippingAddress": input.direccion,
            "shippingCity": city(input),
            "shippingDepartment": input.departamento,
            "contact": {
                "name": full_name(input),
                "phone": format!("+57{}", input.celular),
                "email": input.email,
            },
        })
    }
}

/// The city without its department.
pub(crate) fn city(input: &PedidoInput) -> &str {
    input.ciudad.split_once(" (").map_or(&*input.ciudad, |(city, _)| city)
}

/// First and last names.
#[must_use]
pub fn full_name(input: &PedidoInput) -> String {
    format!("{} {}", input.nombres, input.apellidos)
}

/// What is read of a job's JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRows {
    /// The job.
    pub job_id: JobId,
    /// Its items.
    pub items: Vec<ItemRow>,
}

/// What is read of an item's JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemRow {
    /// The item.
    pub item_id: ItemId,
    /// Its order.
    pub order_id: Option<OrderId>,
    /// The attempt that is open.
    pub attempt: u32,
}

impl From<&JobView> for JobRows {
    fn from(view: &JobView) -> Self {
        let row = |view: &robot_callback_core::ItemView| ItemRow {
            item_id: view.item.id,
            order_id: view.item.order_id,
            attempt: view.item.attempt,
        };
        Self { job_id: view.job.id, items: view.items.iter().map(row).collect() }
    }
}
