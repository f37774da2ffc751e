//! The portal: refuses what the carrier would refuse, creates the rest in its ledger, and fails as it is dialled to.

use std::sync::Arc;

use async_trait::async_trait;
use robot_coordinadora_client::{Credentials, Lookup, PedidoInput, Portal, PortalError, PortalSession};

use super::dial::{Dial, Kind};
use super::ledger::Ledger;
use crate::orders::city;

/// Cities the simulated carrier does not go to.
const UNCOVERED: [&str; 3] = ["PUERTO CARREÑO", "MITU", "INIRIDA"];
/// The most it insures, in pesos.
const MOST_INSURED: i64 = 5_000_000;

/// The portal.
#[derive(Clone, Debug)]
pub struct SimulatedPortal {
    ledger: Arc<Ledger>,
    dial: Dial,
}

impl SimulatedPortal {
    /// A portal with that ledger and those faults.
    #[must_use]
    pub fn new(ledger: Ledger, dial: Dial) -> Self {
        Self { ledger: Arc::new(ledger), dial }
    }

    fn create(&self, reference: &str) -> Result<String, PortalError> {
        self.ledger.create(reference).map_err(|error| PortalError::Failed(error.into()))
    }
}

#[async_trait]
impl Portal for SimulatedPortal {
    async fn log_in(&self, _credentials: &Credentials) -> Result<Box<dyn PortalSession>, PortalError> {
        if self.dial.login_fails {
            return Err(PortalError::Refused("Usuario o clave incorrectos".into()));
        }
        Ok(Box::new(Session(self.clone())))
    }
}

struct Session(SimulatedPortal);

#[async_trait]
impl PortalSession for Session {
    async fn create_shipment(&mut self, order: &PedidoInput) -> Result<String, PortalError> {
        let (Self(portal), reference) = (self, &order.referencia);
        refusal(order).map_or(Ok(()), Err)?;
        let Some(mishap) = portal.dial.mishap(reference) else { return portal.create(reference) };
        if mishap.created {
            portal.create(reference)?;
        }
        match mishap.kind {
            Kind::Refuses => Err(PortalError::Refused("El portal no acepta el pedido".into())),
            Kind::Fails => Err(PortalError::failed("Target page, context or browser has been closed")),
            Kind::Hangs => std::future::pending().await,
            Kind::Panics => panic!("the portal was told to panic at {reference}"),
        }
    }

    async fn look_up(&mut self, reference: &str) -> Result<Lookup, PortalError> {
        let Self(SimulatedPortal { ledger, dial }) = self;
        if dial.cannot_tell {
            return Ok(Lookup::CannotTell);
        }
        let shipments = ledger.shipments().map_err(|error| PortalError::Failed(error.into()))?;
        let mut found = shipments.into_iter().filter(|shipment| shipment.reference == reference);
        Ok(match (found.next(), found.next()) {
            (None, _) => Lookup::NotThere,
            (Some(shipment), None) => Lookup::Created(shipment.number),
            (Some(_), Some(_)) => Lookup::CannotTell,
        })
    }

    async fn close(self: Box<Self>) {}
}

/// Why the carrier would not take the order, if it would not.
fn refusal(order: &PedidoInput) -> Option<PortalError> {
    let refused = |reason: String| Some(PortalError::Refused(reason));
    if UNCOVERED.contains(&city(order)) {
        return refused(format!("Ciudad no cubierta: {}", order.ciudad));
    }
    if order.celular.len() != 10 {
        return refused("El celular debe tener 10 dígitos".into());
    }
    if order.valor_declarado.hundredths() > MOST_INSURED * 100 {
        return refused("El valor declarado supera el máximo permitido".into());
    }
    let nameless = order.peso <= 0.0;
    nameless.then(|| PortalError::failed("TimeoutError: page.waitForSelector: #confirmacion"))
}
