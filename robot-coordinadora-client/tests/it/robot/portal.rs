//! A portal whose faults are dialled by an order's reference.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use robot_coordinadora_client::{Credentials, Lookup, PedidoInput, Portal, PortalError, PortalSession};
use tokio::sync::watch;
use tokio::time::Instant;

/// What goes wrong with an order. Unless it says so, before anything was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Refuses,
    Fails,
    FailsAfterCreating,
    Hangs,
    HangsAfterCreating,
    /// It is created once the portal is [released](TestPortal::release).
    Waits,
    Panics,
    PanicsAfterCreating,
    /// It is created, under a number that no report can carry.
    OddNumber,
}

/// What goes wrong with a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginFault {
    Refuses,
    /// The same, once the portal is [released](TestPortal::release).
    RefusesLate,
    Fails,
    Panics,
    Hangs,
}

/// How the portal answers a look-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Search {
    #[default]
    Honest,
    Unclear,
    Fails,
    Panics,
}

/// What the portal knows, and what was done to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The references submitted, in order, whatever became of them.
    pub(crate) submitted: Vec<String>,
    pub(crate) submitted_at: Vec<Instant>,
    pub(crate) shipments: BTreeMap<String, String>,
    pub(crate) faults: BTreeMap<String, Fault>,
    /// Of the next logins; the last first.
    pub(crate) login_faults: Vec<Option<LoginFault>>,
    pub(crate) search: Search,
    pub(crate) logins: usize,
    pub(crate) opened: usize,
    pub(crate) closed: usize,
    pub(crate) looked_up: Vec<String>,
    pub(crate) close_panics: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct TestPortal(Arc<Mutex<Facts>>, watch::Sender<bool>);

impl TestPortal {
    /// Lets go of the orders that wait.
    pub(crate) fn release(&self) {
        self.1.send_replace(true);
    }

    async fn released(&self) {
        drop(self.1.subscribe().wait_for(|released| *released).await);
    }

    /// Waits until the order of that reference is submitted.
    pub(crate) async fn until_submitted(&self, reference: &str) {
        while !self.facts().submitted.iter().any(|submitted| submitted == reference) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap()
    }

    pub(crate) fn fault(&self, reference: &str, fault: Fault) {
        self.facts().faults.insert(reference.into(), fault);
    }
}

#[async_trait]
impl Portal for TestPortal {
    async fn log_in(&self, credentials: &Credentials) -> Result<Box<dyn PortalSession>, PortalError> {
        let fault = {
            let mut facts = self.facts();
            facts.logins += 1;
            facts.login_faults.pop().flatten()
        };
        match fault {
            None => {}
            Some(LoginFault::Refuses) => return Err(PortalError::Refused("Usuario bloqueado".into())),
            Some(LoginFault::RefusesLate) => {
                self.released().await;
                return Err(PortalError::Refused("Usuario bloqueado".into()));
            }
            Some(LoginFault::Fails) => {
                return Err(PortalError::failed(format!("page.goto: {} timed out", credentials.password)));
            }
            Some(LoginFault::Panics) => panic!("no browser"),
            Some(LoginFault::Hangs) => std::future::pending().await,
        }
        self.facts().opened += 1;
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl PortalSession for TestPortal {
    async fn create_shipment(&mut self, order: &PedidoInput) -> Result<String, PortalError> {
        let reference = order.referencia.clone();
        let (fault, number) = {
            let mut facts = self.facts();
            facts.submitted.push(reference.clone());
            facts.submitted_at.push(Instant::now());
            let number = format!("7315000{:04}", facts.submitted.len());
            let fault = facts.faults.get(&reference).copied();
            if matches!(
                fault,
                None | Some(
                    Fault::Waits
                        | Fault::FailsAfterCreating
                        | Fault::HangsAfterCreating
                        | Fault::PanicsAfterCreating
                )
            ) {
                facts.shipments.insert(reference, number.clone());
            }
            (fault, number)
        };
        match fault {
            None => Ok(number),
            Some(Fault::Waits) => {
                self.released().await;
                Ok(number)
            }
            Some(Fault::Refuses) => Err(PortalError::Refused("Ciudad no cubierta".into())),
            Some(Fault::Fails | Fault::FailsAfterCreating) => {
                Err(PortalError::failed("TimeoutError: #confirmacion"))
            }
            Some(Fault::Hangs | Fault::HangsAfterCreating) => std::future::pending().await,
            Some(Fault::Panics | Fault::PanicsAfterCreating) => panic!("the page is gone"),
            Some(Fault::OddNumber) => Ok("7".into()),
        }
    }

    async fn look_up(&mut self, reference: &str) -> Result<Lookup, PortalError> {
        let (search, found) = {
            let mut facts = self.facts();
            facts.looked_up.push(reference.into());
            (facts.search, facts.shipments.get(reference).cloned())
        };
        match search {
            Search::Honest => Ok(found.map_or(Lookup::NotThere, Lookup::Created)),
            Search::Unclear => Ok(Lookup::CannotTell),
            Search::Fails => Err(PortalError::failed("the search is down")),
            Search::Panics => panic!("the search is gone"),
        }
    }

    async fn close(self: Box<Self>) {
        let panics = {
            let mut facts = self.facts();
            facts.closed += 1;
            facts.close_panics
        };
        assert!(!panics, "the browser was gone already");
    }
}
