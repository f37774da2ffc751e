//! One record of the journal, and its JSON.

use robot_callback_core::{ItemId, JobId, Report, WorkspaceId};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::disk::frame;
use crate::request::BatchOrder;
use crate::sink::NamedDestination;

/// A request as it is remembered: without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Batch {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) job_id: JobId,
    pub(crate) callback_url: String,
    /// The name under which the keyring keeps the callback secret.
    pub(crate) secret_name: String,
    /// Whether it was refused as a whole.
    pub(crate) rejected: bool,
    pub(crate) orders: Vec<BatchOrder>,
}

impl Batch {
    pub(crate) fn destination(&self) -> NamedDestination {
        NamedDestination { callback_url: self.callback_url.clone(), secret_name: self.secret_name.clone() }
    }

    /// The report as one on the attempt that its order is, where the order says which.
    pub(crate) fn on_attempt(&self, report: Report) -> Report {
        let order = self.orders.iter().find(|order| order.item_id == report.item_id);
        match order.and_then(|order| order.attempt) {
            Some(attempt) => report.for_attempt(attempt),
            None => report,
        }
    }

    /// The name under which the keyring keeps the portal's credentials.
    pub(crate) fn credentials_name(&self) -> String {
        credentials_name(self.job_id)
    }
}

pub(crate) fn credentials_name(job: JobId) -> String {
    format!("portal:{job}")
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Record {
    /// The batch. Written twice, so that one damaged place does not lose it.
    Accepted(Batch),
    /// An order is about to be submitted.
    Intent(ItemId),
    /// What became of an order.
    #[serde(deserialize_with = "report")]
    Result(Report),
    /// A result is the sink's from now on.
    Handed(ItemId),
}

/// A report has one reader, the one of the callback.
fn report<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Report, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Report::parse(value.to_string().as_bytes()).map_err(de::Error::custom)
}

impl Record {
    /// Its frame. The JSON has no line break, so that whoever looks for the next frame never finds one within.
    pub(crate) fn framed(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self).map(|json| frame(&json))
    }

    /// What stands between the disk and a crash: for whoever wants to die there.
    pub(crate) fn places(&self) -> [&'static str; 2] {
        match self {
            Self::Accepted(_) => ["before a batch is written", "after a batch is written"],
            Self::Intent(_) => ["before an intent is written", "after an intent is written"],
            Self::Result(_) => ["before a result is written", "after a result is written"],
            Self::Handed(_) => ["before a hand-over is written", "after a hand-over is written"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_an_older_journal_names_no_attempt() {
        let order = r#"{"itemId":"6f9619ff-8b86-4d01-b42d-00c04fc964ff",
            "orderId":"a7ace732-f6fa-4fa7-a5c1-5b629362da5c","pedidoInput":{"identificacion":"","nombres":"",
            "apellidos":"","direccion":"","ciudad":"","departamento":"","celular":"","email":"","referencia":"",
            "unidades":1,"totalConIva":1,"valorDeclarado":1,"peso":1.0,"alto":1.0,"largo":1.0,"ancho":1.0,
            "esRecaudoContraentrega":false}}"#;
        assert_eq!(serde_json::from_str::<BatchOrder>(order).unwrap().attempt, None);
    }
}
