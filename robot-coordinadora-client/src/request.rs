//! What the robot is asked to do: a batch of orders, as `POST /api/crear-pedidos-batch` brings it. Pure.

mod error;
mod read;

use std::collections::BTreeSet;
use std::fmt;

use robot_callback_core::{Amount, ItemId, JobId, OrderId, WorkspaceId};
use serde::{Deserialize, Serialize};

pub use error::RequestError;

use crate::destination::{Destination, DestinationError};

/// A batch: orders to create in the carrier's portal, and where to report what became of each.
///
/// Serialized, it is the request's JSON, secrets included; `Debug` shows none of them.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequest {
    /// The tenant. It has one batch in process at a time.
    pub workspace_id: WorkspaceId,
    /// Of the carrier's portal.
    pub credentials: Credentials,
    /// Where results go.
    pub callback_url: String,
    /// The secret of that place, sent along in `X-Callback-Secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_secret: Option<String>,
    /// The job. It is accepted once, whatever is sent under its id later.
    pub job_id: JobId,
    /// What to ship, in this order. Never empty.
    pub orders: Vec<BatchOrder>,
}

/// Of the carrier's portal. `Debug` shows neither part.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

/// One order of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchOrder {
    /// The item to report on. No two orders of a batch have the same.
    pub item_id: ItemId,
    /// The sale that is shipped.
    pub order_id: OrderId,
    /// Which attempt at the item this is, counted from 1; every report on the order says so. Without it a report is one on
    /// whichever attempt is open when it arrives: one that was delayed may then close an attempt that was begun since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What is typed into the portal's form.
    pub pedido_input: PedidoInput,
}

/// The portal's form. `Debug` shows the reference alone: the rest is a buyer's.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PedidoInput {
    /// The buyer's identity document.
    pub identificacion: String,
    /// First names.
    pub nombres: String,
    /// Last names.
    pub apellidos: String,
    /// Street address.
    pub direccion: String,
    /// `CITY (DEPT)`. Without it an order is reported and never tried.
    pub ciudad: String,
    /// Department.
    pub departamento: String,
    /// Mobile number.
    pub celular: String,
    /// E-mail.
    pub email: String,
    /// The shop's own name for the order; what a shipment is looked up by.
    pub referencia: String,
    /// Number of parcels.
    pub unidades: u32,
    /// What the buyer pays, in pesos.
    pub total_con_iva: Amount,
    /// What the parcel is insured for, in pesos.
    pub valor_declarado: Amount,
    /// Weight in kilograms.
    pub peso: f64,
    /// Height in centimetres.
    pub alto: f64,
    /// Length in centimetres.
    pub largo: f64,
    /// Width in centimetres.
    pub ancho: f64,
    /// Whether the carrier collects the money on delivery.
    pub es_recaudo_contraentrega: bool,
}

impl BatchRequest {
    /// Reads the request's JSON, and checks it.
    ///
    /// Liberal where nothing can be mistaken: fields that are not listed here are ignored, a text of the portal's form that is
    /// absent or `null` is empty, a number may stand for a text and a text for a number, and what floating point
    /// leaves below a thousandth of a peso is dropped. Never guessed: a missing number, and whether money is
    /// collected on delivery.
    ///
    /// # Errors
    /// A [`RequestError`] that names the field, in the words that go back to the caller.
    pub fn from_json(body: &[u8]) -> Result<Self, RequestError> {
        let request = read::batch(body)?;
        request.check()?;
        Ok(request)
    }

    /// Checks what no single field shows, and a request that was made by hand.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn check(&self) -> Result<(), RequestError> {
        let Credentials { username, password } = &self.credentials;
        for (field, text) in [("credentials.username", username), ("credentials.password", password)] {
            if text.trim().is_empty() {
                return Err(RequestError::required(field));
            }
        }
        self.check_destination()?;
        if self.orders.is_empty() {
            return Err(RequestError::required("orders"));
        }
        self.check_attempts()?;
        let mut items = BTreeSet::new();
        match self.orders.iter().position(|order| !items.insert(order.item_id)) {
            Some(place) => Err(RequestError::invalid(format!("orders[{place}].itemId"), "está repetido")),
            None => Ok(()),
        }
    }

    /// What a report can carry.
    fn check_attempts(&self) -> Result<(), RequestError> {
        let attempts = 1..=i32::MAX.unsigned_abs();
        let breaks = |order: &BatchOrder| order.attempt.is_some_and(|attempt| !attempts.contains(&attempt));
        match self.orders.iter().position(breaks) {
            Some(place) => Err(RequestError::invalid(
                format!("orders[{place}].attempt"),
                "debe ser un número entero de 1 a 2147483647",
            )),
            None => Ok(()),
        }
    }

    fn check_destination(&self) -> Result<(), RequestError> {
        // Without a secret of its own, the batch uses the robot's; the URL is checked all the same.
        let secret = self.callback_secret.as_deref().unwrap_or("-");
        match Destination::new(&self.callback_url, secret) {
            Ok(_) => Ok(()),
            Err(_) if self.callback_url.trim().is_empty() => Err(RequestError::required("callbackUrl")),
            Err(DestinationError::Url) => {
                Err(RequestError::invalid("callbackUrl", "debe ser una URL http o https"))
            }
            Err(DestinationError::Credentials) => {
                Err(RequestError::invalid("callbackUrl", "no debe llevar usuario ni contraseña"))
            }
            Err(
                DestinationError::NoSecret
                | DestinationError::Secret
                | DestinationError::Key
                | DestinationError::NoKey,
            ) => Err(RequestError::invalid("callbackSecret", "no cabe en una cabecera HTTP")),
        }
    }
}

impl BatchOrder {
    /// Whether the order names no city, so that it can't be tried.
    #[must_use]
    pub fn lacks_city(&self) -> bool {
        self.pedido_input.ciudad.trim().is_empty()
    }
}

/// No secret, and of the orders how many.
impl fmt::Debug for BatchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.callback_url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("BatchRequest")
            .field("workspace_id", &self.workspace_id)
            .field("job_id", &self.job_id)
            .field("callback_url", &url)
            .field("orders", &self.orders.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

impl fmt::Debug for PedidoInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PedidoInput").field("referencia", &self.referencia).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
