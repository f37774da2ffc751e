//! A batch in the robot's own wire format, and the job that is made of it.

use robot_callback_core::{Amount, ItemId, JobId, JobView, OrderId, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the robot is sent: `POST /api/crear-pedidos-batch`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequest {
    /// The tenant.
    pub workspace_id: WorkspaceId,
    /// Of the carrier's portal.
    pub credentials: Credentials,
    /// Where results go. In a file not yet known.
    #[serde(default)]
    pub callback_url: String,
    /// The secret of that place. In a file not yet known.
    #[serde(default)]
    pub callback_secret: Option<String>,
    /// The job. In a file not yet known.
    #[serde(default)]
    pub job_id: Option<JobId>,
    /// What to ship.
    pub orders: Vec<BatchOrder>,
}

/// Of the carrier's portal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

/// One order of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchOrder {
    /// The item to report on. In a file not yet known.
    #[serde(default)]
    pub item_id: Option<ItemId>,
    /// The order.
    pub order_id: OrderId,
    /// What is typed into the portal's form.
    pub pedido_input: OrderInput,
}

/// The portal's form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the portal's own names say what they are")]
pub struct OrderInput {
    pub identificacion: String,
    pub nombres: String,
    pub apellidos: String,
    pub direccion: String,
    pub ciudad: String,
    pub departamento: String,
    pub celular: String,
    pub email: String,
    pub referencia: String,
    pub unidades: u32,
    pub total_con_iva: Amount,
    pub valor_declarado: Amount,
    pub peso: f64,
    pub alto: f64,
    pub largo: f64,
    pub ancho: f64,
    pub es_recaudo_contraentrega: bool,
}

impl BatchRequest {
    /// The same batch with `count` orders: the first ones, or, where there are not as many, some of them again
    /// under an id and a reference of their own.
    #[must_use]
    pub fn with_orders(mut self, count: usize) -> Self {
        let known = self.orders.len();
        let orders = self.orders.iter().cycle().take(count).cloned().enumerate();
        self.orders = orders
            .map(|(n, mut order)| {
                if n >= known {
                    order.order_id = OrderId::random();
                    order.pedido_input.referencia =
                        format!("{}-{}", order.pedido_input.referencia, n / known + 1);
                }
                order
            })
            .collect();
        self
    }

    /// The request that makes a job of these orders: `POST /api/jobs`.
    #[must_use]
    pub fn job_request(&self) -> Value {
        let orders: Vec<Value> = self.orders.iter().map(BatchOrder::job_request).collect();
        json!({"workspaceId": self.workspace_id, "orders": orders})
    }

    /// Fills in what the job made of it brings: its id, its items' ids, and where to report.
    #[must_use]
    pub fn of_job(mut self, job: &JobRows, callback_url: String, callback_secret: String) -> Self {
        self.job_id = Some(job.job_id);
        (self.callback_url, self.callback_secret) = (callback_url, Some(callback_secret));
        for order in &mut self.orders {
            let item = job.items.iter().find(|item| item.order_id == Some(order.order_id));
            order.item_id = item.map(|item| item.item_id);
        }
        self
    }
}

impl BatchOrder {
    fn job_request(&self) -> Value {
        let input = &self.pedido_input;
        json!({
            "orderId": self.order_id,
            "name": input.referencia,
            "totalValue": input.total_con_iva,
            "shippingAddress": input.direccion,
            "shippingCity": input.city(),
            "shippingDepartment": input.departamento,
            "contact": {
                "name": input.full_name(),
                "phone": format!("+57{}", input.celular),
                "email": input.email,
            },
        })
    }
}

impl OrderInput {
    /// The city without its department.
    #[must_use]
    pub fn city(&self) -> &str {
        self.ciudad.split_once(" (").map_or(&*self.ciudad, |(city, _)| city)
    }

    /// First and last names.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.nombres, self.apellidos)
    }
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
}

impl From<&JobView> for JobRows {
    fn from(view: &JobView) -> Self {
        let row = |view: &robot_callback_core::ItemView| ItemRow {
            item_id: view.item.id,
            order_id: view.item.order_id,
        };
        Self { job_id: view.job.id, items: view.items.iter().map(row).collect() }
    }
}
