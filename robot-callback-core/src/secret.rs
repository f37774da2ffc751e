//! Who may report: the secrets that are valid, and what a caller presented, compared in constant time.
//!
//! Both sides are hashed first and the digests compared, so neither the content nor the length of a valid
//! secret shows in the time it takes; every valid secret is compared every time, so neither does which one fits.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

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
#[derive(Clone, Default)]
pub struct Secrets {
    digests: Vec<Sha256Digest>,
}

impl Secrets {
    /// The given secrets, any of which lets a caller in. Empty ones are left out.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let digests = secrets
            .into_iter()
            .filter(|secret| !secret.as_ref().is_empty())
            .map(|secret| digest(secret.as_ref()))
            .collect();
        Self { digests }
    }

    /// What a caller presented, to be judged against these secrets; `None` when it presented nothing.
    #[must_use]
    pub fn presented<'a>(&'a self, presented: Option<&'a [u8]>) -> Presented<'a> {
        Presented { presented, valid: self }
    }

    /// Whether nobody can get in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} redacted)", self.digests.len())
    }
}

/// A presented secret together with the ones that are valid.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    presented: Option<&'a [u8]>,
    valid: &'a Secrets,
}

impl Presented<'_> {
    /// Whether the presented secret is one of the valid ones. Takes the same time whatever was presented,
    /// but for the hashing of its bytes, which the caller chose and knows.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let presented = digest(self.presented.unwrap_or_default());
        let fits =
            self.valid.digests.iter().fold(Choice::from(0), |fits, valid| fits | valid.ct_eq(&presented));
        fits.into()
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
        assert_eq!(shown, "Secrets(1 redacted) Presented(redacted)");
    }
}
