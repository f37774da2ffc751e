//! Everything that somebody gets in by, read again while the server runs.

use robot_callback_core::CallbackEndpoint;

use crate::Operator;
use crate::config::Access;
use crate::serve::Tls;

pub(super) struct Doors {
    pub(super) access: Access,
    pub(super) endpoint: CallbackEndpoint,
    pub(super) operator: Operator,
    pub(super) tls: Option<Tls>,
}

impl Doors {
    /// From the next request on, what is in the files now counts. What can't be read changes nothing.
    pub(super) fn reload(&self, done: &str) {
        match self.access.read() {
            Ok(granted) => {
                self.endpoint.set_secrets(granted.secrets);
                self.operator.set_tokens(granted.tokens);
                tracing::info!("{done}");
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the secrets stay as they were")
            }
        }
        if let Some(Err(error)) = self.tls.as_ref().map(Tls::reload) {
            tracing::error!(error = &error as &dyn std::error::Error, "the certificate stays as it was");
        }
    }
}
