//! What a request's head says of who sent it, owned, so that the check can go where the work goes.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue};

use crate::callback::SECRET_HEADER;
use crate::clock::Timestamp;
use crate::scope::Scope;
use crate::secret::{Presented, Secrets};
use crate::signature::{ID_HEADER, SIGNATURE_HEADER, Signature, TIMESTAMP_HEADER};

const SECRET: HeaderName = HeaderName::from_static(SECRET_HEADER);
const ID: HeaderName = HeaderName::from_static(ID_HEADER);
const TIMESTAMP: HeaderName = HeaderName::from_static(TIMESTAMP_HEADER);
const SIGNATURE: HeaderName = HeaderName::from_static(SIGNATURE_HEADER);

/// What may let a request in: its secret, judged, and the headers of its signature as they came, whatever bytes they
/// are made of.
pub(super) struct Proof {
    secrets: Arc<Secrets>,
    secret: Option<Scope>,
    /// Its id, its timestamp, its signatures; none unless all three came.
    signature: Option<[HeaderValue; 3]>,
    at: Timestamp,
}

impl Proof {
    pub(super) fn of(headers: &HeaderMap, secrets: Arc<Secrets>, at: Timestamp) -> Self {
        let own = |name: HeaderName| only(headers, &name).cloned();
        let signature = || Some([own(ID)?, own(TIMESTAMP)?, own(SIGNATURE)?]);
        let secret = secrets.judge(only(headers, &SECRET).map(HeaderValue::as_bytes));
        Self { secret, signature: signature(), secrets, at }
    }

    pub(super) fn presented(&self) -> Presented<'_> {
        let presented = self.secrets.judged(self.secret);
        let Some([id, timestamp, signatures]) = &self.signature else { return presented };
        let (id, timestamp, signatures) = (id.as_bytes(), timestamp.as_bytes(), signatures.as_bytes());
        presented.signed(Signature { id, timestamp, signatures }, self.at)
    }
}

/// A header's value; `None` too when there are several to choose from.
pub(super) fn only<'head>(headers: &'head HeaderMap, name: &HeaderName) -> Option<&'head HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}
