//! The batch's session in the portal: opened when it is needed, given up when something went wrong in it, and closed
//! whatever happens.

use std::io;
use std::sync::Arc;

use super::calls::{Trouble, call};
use super::{Shared, blocking};
use crate::keyring::Keyring;
use crate::portal::{Lookup, PortalError, PortalSession};
use crate::request::{Credentials, PedidoInput};
use crate::step::passed;

const NO_CREDENTIALS: &str = "el robot se reinició y ya no tiene las credenciales";

pub(super) struct Session {
    shared: Arc<Shared>,
    /// The name under which the keyring keeps the credentials.
    name: String,
    credentials: Option<Credentials>,
    open: Option<Box<dyn PortalSession>>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, name: String) -> Self {
        Self { shared, name, credentials: None, open: None }
    }

    /// Logs in, unless a session is open.
    pub(super) async fn open(&mut self) -> Result<(), Trouble> {
        if self.open.is_none() {
            self.open = Some(self.log_in().await?);
        }
        Ok(())
    }

    async fn log_in(&mut self) -> Result<Box<dyn PortalSession>, Trouble> {
        if self.credentials.is_none() {
            self.credentials = find_credentials(self.shared.keyring.clone(), self.name.clone()).await;
        }
        let Some(credentials) = self.credentials.clone() else {
            return Err(Trouble::Refused(NO_CREDENTIALS.into()));
        };
        let (portal, limit) = (self.shared.portal.clone(), self.shared.options.login_limit);
        let opened = call(limit, async { portal.log_in(&credentials).await }).await;
        opened.map_err(|trouble| self.redacted(trouble))
    }

    /// Submits an order in the open session. After anything but a clear answer the session is closed: nobody knows in
    /// what state it is.
    pub(super) async fn submit(&mut self, order: &PedidoInput) -> Result<String, Trouble> {
        let Some(session) = &mut self.open else { return Err(Trouble::Failed("no hay sesión".into())) };
        passed("before an order is submitted");
        let limit = self.shared.options.order_limit;
        let answer = call(limit, async { session.create_shipment(order).await }).await;
        passed("after an order is submitted");
        if let Err(Trouble::Failed(_) | Trouble::Panicked(_)) = answer {
            self.close().await;
        }
        answer.map_err(|trouble| self.redacted(trouble))
    }

    /// Looks a reference up, in a new session if none is open. Whatever goes wrong, it can't be told.
    pub(super) async fn look_up(&mut self, reference: &str) -> Lookup {
        if let Err(trouble) = self.open().await {
            tracing::warn!(?trouble, "an order can't be looked up: no session");
            return Lookup::CannotTell;
        }
        let Some(session) = &mut self.open else { return Lookup::CannotTell };
        let limit = self.shared.options.look_up_limit;
        match call(limit, async { session.look_up(reference).await }).await {
            Ok(found) => found,
            Err(trouble) => {
                tracing::warn!(trouble = ?self.redacted(trouble), "an order can't be looked up");
                self.close().await;
                Lookup::CannotTell
            }
        }
    }

    /// Closes the session, if one is open.
    pub(super) async fn close(&mut self) {
        let Some(session) = self.open.take() else { return };
        let closing = async {
            session.close().await;
            Ok::<_, PortalError>(())
        };
        if let Err(trouble) = call(self.shared.options.look_up_limit, closing).await {
            tracing::warn!(trouble = ?self.redacted(trouble), "a portal session did not close");
        }
    }

    /// The same trouble without the password, should the portal's code have put it into words.
    fn redacted(&self, trouble: Trouble) -> Trouble {
        let clean = |words: String| match &self.credentials {
            Some(credentials) => words.replace(&credentials.password, "[oculto]"),
            None => words,
        };
        match trouble {
            Trouble::Refused(words) => Trouble::Refused(clean(words)),
            Trouble::Failed(words) => Trouble::Failed(clean(words)),
            Trouble::Panicked(words) => Trouble::Panicked(clean(words)),
        }
    }
}

async fn find_credentials(keyring: Arc<dyn Keyring>, name: String) -> Option<Credentials> {
    let kept = blocking(move || io::Result::Ok(keyring.secret(&name))).await.ok()??;
    serde_json::from_str(&kept).ok()
}
