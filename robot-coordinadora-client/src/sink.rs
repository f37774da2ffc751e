//! Where a result is handed to, to be reported whatever happens. The batch runner hands its results to a sink; the
//! spool is one.

use std::fmt;

use async_trait::async_trait;
use robot_callback_core::{Cause, Report, SigningKey};

use crate::answer::Delivered;
use crate::destination::{Destination, DestinationError};

/// A callback URL, and the name under which a [`Keyring`](crate::Keyring) keeps its secret.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamedDestination {
    /// Where results go: `http://…` or `https://…`.
    pub callback_url: String,
    /// The name of its secret. A name that begins with `signing:` is that of signing keys instead: what goes there is
    /// signed, and no secret goes along (see [`Destination::signed`]).
    pub secret_name: String,
}

/// How the names of signing keys begin.
const SIGNING: &str = "signing:";

/// What became of a result that was handed over. Either way it is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It is on the disk, and will be sent until it is delivered or refused.
    Spooled,
    /// It is delivered. It went without the disk, which could not take it.
    Delivered(Delivered),
}

/// A result was neither put on the disk nor delivered. Its holder still has the only one.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// The report or the destination breaks a rule: no later try will do better.
    #[error("the result can't be reported")]
    Invalid(#[source] Cause),
    /// The disk could not take it, and the receiver could not be told directly. Another try may do better.
    #[error("the result is neither on the disk nor delivered")]
    Unsafe(#[source] Cause),
}

/// Takes results, and answers for them from then on.
#[async_trait]
pub trait ReportSink: fmt::Debug + Send + Sync {
    /// Hands over a result. Once this has returned `Ok`, it survives a crash of the machine. The same result handed
    /// over again does no harm.
    ///
    /// # Errors
    /// A [`HandError`]: the result is not safe.
    async fn report_result(&self, to: &NamedDestination, report: &Report) -> Result<Handed, HandError>;
}

impl NamedDestination {
    /// The destination, with what the keyring keeps under its name: a secret, or signing keys with spaces between.
    pub(crate) fn with(&self, kept: &str) -> Result<Destination, DestinationError> {
        if !self.secret_name.starts_with(SIGNING) {
            return Destination::new(&self.callback_url, kept);
        }
        let keys: Result<Vec<_>, _> = kept.split_whitespace().map(SigningKey::parse).collect();
        Destination::signed(&self.callback_url, keys.map_err(|_| DestinationError::Key)?)
    }
}

/// The URL without its query, which may hold a token.
impl fmt::Debug for NamedDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.callback_url.split(['?', '#']).next().unwrap_or_default();
        write!(f, "NamedDestination({url}, secret {})", self.secret_name)
    }
}
