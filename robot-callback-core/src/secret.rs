//! Who may report: the secrets and signing keys that are valid, and what a caller presented, compared in constant
//! time.
//!
//! Both sides are hashed first and the digests compared, so neither the content nor the length of a valid
//! secret shows in the time it takes; every valid secret is compared every time, so neither does which one fits.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::clock::Timestamp;
use crate::signature::{Signature, SigningKey};

type Sha256Digest = [u8; 32];

/// The secrets that are valid now: usually one, two while a secret is being rotated.
///
/// No secret at all means that nobody gets in. An empty secret counts as none.
///
/// ```
/// # use robot_callback_core::Secrets;
/// let secrets = Secrets::new(["the current one", "the previous one"]);
/// assert!(secrets.presented(Some(b"the previous one")).is_valid());
/// assert!(!secrets.presented(None).is_valid());
/// assert!(!Secrets::new([""]).presented(Some(b"")).is_valid());
/// ```
///
/// Beside the secrets, or instead of them, there can be keys that callbacks are [signed](Self::signed_with) with.
#[derive(Clone, Default)]
pub struct Secrets {
    digests: Vec<Sha256Digest>,
    keys: Vec<SigningKey>,
    tolerance: Duration,
}

impl Secrets {
    /// The given secrets, any of which lets a caller in. Empty ones are left out.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let digests = secrets
            .into_iter()
            .filter(|secret| !secret.as_ref().is_empty())
            .map(|secret| digest(secret.as_ref()))
            .collect();
        Self { digests, ..Self::default() }
    }

    /// Lets in whoever signs with one of these keys, too. The clocks of both sides may differ by `tolerance`;
    /// Standard Webhooks' own libraries use five minutes.
    #[must_use]
    pub fn signed_with(self, keys: impl IntoIterator<Item = SigningKey>, tolerance: Duration) -> Self {
        Self { keys: keys.into_iter().collect(), tolerance, ..self }
    }

    /// What a caller presented, to be judged against these secrets; `None` when it presented no secret.
    #[must_use]
    pub fn presented<'a>(&'a self, secret: Option<&'a [u8]>) -> Presented<'a> {
        Presented { secret, signature: None, valid: self }
    }

    /// Whether nobody can get in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty() && self.keys.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} redacted, {} signing keys)", self.digests.len(), self.keys.len())
    }
}

/// What a caller presented, together with what is valid.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    secret: Option<&'a [u8]>,
    /// Only one that is timely.
    signature: Option<Signature<'a>>,
    valid: &'a Secrets,
}

impl<'a> Presented<'a> {
    /// A signature comes along, and now is `now`. One that was not signed just now counts as none.
    #[must_use]
    pub fn signed(self, signature: Signature<'a>, now: Timestamp) -> Self {
        let Secrets { keys, tolerance, .. } = self.valid;
        let timely = !keys.is_empty() && signature.is_timely(now, *tolerance);
        Self { signature: timely.then_some(signature), ..self }
    }

    /// Whether the presented secret is one of the valid ones. Takes the same time whatever was presented,
    /// but for the hashing of its bytes, which the caller chose and knows.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let presented = digest(self.secret.unwrap_or_default());
        let fits =
            self.valid.digests.iter().fold(Choice::from(0), |fits, valid| fits | valid.ct_eq(&presented));
        fits.into()
    }

    /// Whether the payload is worth reading: the secret is valid, or there is a timely signature, which only the
    /// payload can prove.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.is_valid() || self.signature.is_some()
    }

    /// Whether that payload may come in: the secret is valid, or the payload's signature is by a valid key.
    #[must_use]
    pub fn admits(&self, payload: &[u8]) -> bool {
        let signed = |signature: Signature<'_>| signature.fits(&self.valid.keys, payload);
        self.is_valid() || self.signature.is_some_and(signed)
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(redacted)")
    }
}

fn digest(bytes: &[u8]) -> Sha256Digest {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_valid_secret_opens_the_door_and_nothing_else_does() {
        let secrets = Secrets::new(["current", "previous"]);
        for right in ["current", "previous"] {
            assert!(secrets.presented(Some(right.as_bytes())).is_valid(), "{right} is valid");
        }
        for wrong in ["", "curren", "current ", "CURRENT", "currentprevious"] {
            assert!(!secrets.presented(Some(wrong.as_bytes())).is_valid(), "{wrong:?} is not valid");
        }
        assert!(!secrets.presented(None).is_valid(), "nothing presented is not valid");
    }

    #[test]
    fn no_secret_configured_means_nobody_gets_in() {
        for none in [Secrets::default(), Secrets::new([""]), Secrets::new(Vec::<String>::new())] {
            assert!(none.is_empty());
            assert!(!none.presented(Some(b"")).is_valid());
            assert!(!none.presented(Some(b"anything")).is_valid());
            assert!(!none.presented(None).is_valid());
        }
    }

    #[test]
    fn secrets_never_show_in_debug_output() {
        let secrets = Secrets::new(["hunter2"]);
        let shown = format!("{secrets:?} {:?}", secrets.presented(Some(b"hunter2")));
        assert_eq!(shown, "Secrets(1 redacted, 0 signing keys) Presented(redacted)");
    }
}
