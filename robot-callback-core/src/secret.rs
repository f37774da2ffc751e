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
use crate::id::WorkspaceId;
use crate::scope::Scope;
use crate::signature::{Signature, SigningKey};

/// The 32 bytes of a SHA-256 digest in eights: comparing four numbers costs next to nothing, comparing 32 bytes in
/// constant time costs as much as hashing them.
type Sha256Digest = [u64; 4];

/// What Standard Webhooks' own libraries use.
const TOLERANCE: Duration = Duration::from_secs(300);

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
/// Beside the secrets, or instead of them, there can be keys that callbacks are [signed](Self::signed_with) with, and
/// [secrets of one workspace](Self::with_workspace), which reach no further than its items.
#[derive(Clone)]
pub struct Secrets {
    digests: Vec<(Sha256Digest, Scope)>,
    keys: Vec<(SigningKey, Scope)>,
    tolerance: Duration,
}

impl Secrets {
    /// The given secrets, any of which lets a caller in. Empty ones are left out.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut new = Self { digests: Vec::new(), keys: Vec::new(), tolerance: TOLERANCE };
        new.add(Scope::All, secrets, []);
        new
    }

    /// Lets in whoever has one of these secrets, or signs with one of these keys, to report on that workspace's
    /// items and no others. What lets in further by other words of these `Secrets` goes on doing so.
    #[must_use]
    pub fn with_workspace<S: AsRef<[u8]>>(
        mut self,
        workspace: WorkspaceId,
        secrets: impl IntoIterator<Item = S>,
        keys: impl IntoIterator<Item = SigningKey>,
    ) -> Self {
        self.add(Scope::Workspace(workspace), secrets, keys);
        self
    }

    fn add<S: AsRef<[u8]>>(
        &mut self,
        scope: Scope,
        secrets: impl IntoIterator<Item = S>,
        keys: impl IntoIterator<Item = SigningKey>,
    ) {
        let secrets = secrets.into_iter().filter(|secret| !secret.as_ref().is_empty());
        self.digests.extend(secrets.map(|secret| (digest(secret.as_ref()), scope)));
        self.keys.extend(keys.into_iter().map(|key| (key, scope)));
    }

    /// Lets in whoever signs with one of these keys, too. The clocks of both sides may differ by `tolerance`;
    /// Standard Webhooks' own libraries use five minutes, and so does what is not told otherwise.
    #[must_use]
    pub fn signed_with(mut self, keys: impl IntoIterator<Item = SigningKey>, tolerance: Duration) -> Self {
        self.add(Scope::All, [""; 0], keys);
        Self { tolerance, ..self }
    }

    /// What a caller presented, judged against these secrets; `None` when it presented no secret. Takes the same
    /// time whatever was presented, but for the hashing of its bytes, which the caller chose and knows.
    #[must_use]
    pub fn presented(&self, secret: Option<&[u8]>) -> Presented<'_> {
        self.judged(self.judge(secret))
    }

    /// How far that secret reaches; `None` when it is not valid.
    pub(crate) fn judge(&self, secret: Option<&[u8]>) -> Option<Scope> {
        let presented = digest(secret.unwrap_or_default());
        first(self.digests.iter().map(|(valid, scope)| (fits(valid, &presented), *scope)))
    }

    /// What was presented, when its secret was judged before.
    pub(crate) fn judged(&self, secret: Option<Scope>) -> Presented<'_> {
        Presented { secret, signature: None, valid: self }
    }

    /// Whether nobody can get in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty() && self.keys.is_empty()
    }
}

/// None: nobody gets in.
impl Default for Secrets {
    fn default() -> Self {
        Self::new([""; 0])
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
    /// How far the presented secret reaches; none when it is not valid.
    secret: Option<Scope>,
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

    /// Whether the presented secret is one of the valid ones.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.secret.is_some()
    }

    /// Whether the payload is worth reading: the secret is valid, or there is a timely signature, which only the
    /// payload can prove.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.is_valid() || self.signature.is_some()
    }

    /// How far that payload's word reaches, by the secret, or else by the payload's signature. `None` when it may
    /// not come in. Of a secret that was given more than once the first counts.
    #[must_use]
    pub fn scope(&self, payload: &[u8]) -> Option<Scope> {
        let signed = |signature: Signature<'_>| {
            first(self.valid.keys.iter().map(|(key, scope)| (signature.is_by(key, payload), *scope)))
        };
        self.secret.or_else(|| self.signature.and_then(signed))
    }
}

/// The scope of the first that fits. Looks at all of them; takes another way only once something fits, so that who
/// has nothing valid learns nothing.
fn first(all: impl Iterator<Item = (Choice, Scope)>) -> Option<Scope> {
    all.fold(None, |found, (fits, scope)| if fits.into() { found.or(Some(scope)) } else { found })
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(redacted)")
    }
}

fn digest(bytes: &[u8]) -> Sha256Digest {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let (eights, _) = digest.as_chunks();
    std::array::from_fn(|n| u64::from_ne_bytes(eights[n]))
}

fn fits(valid: &Sha256Digest, presented: &Sha256Digest) -> Choice {
    let differences =
        valid.iter().zip(presented).fold(0, |all, (valid, presented)| all | (valid ^ presented));
    differences.ct_eq(&0)
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
    fn a_workspaces_secret_and_key_reach_no_further_than_its_items() {
        let (one, other) = (WorkspaceId::random(), WorkspaceId::random());
        let key = || SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secrets = Secrets::new(["everybody's"])
            .with_workspace(one, ["ones", ""], [key()])
            .with_workspace(other, ["others"], []);
        let scope = |secret: &str| secrets.presented(Some(secret.as_bytes())).scope(b"{}");
        assert_eq!(scope("everybody's"), Some(Scope::All));
        assert_eq!(scope("ones"), Some(Scope::Workspace(one)));
        assert_eq!(scope("others"), Some(Scope::Workspace(other)));
        assert_eq!((scope(""), scope("one")), (None, None), "an empty one counts as none");

        let now = Timestamp::from_millis(1_700_000_000_000);
        let (signatures, timestamp) = (key().sign("id", now, b"{}"), crate::signature::seconds(now));
        let (id, timestamp, signatures) = (b"id".as_slice(), timestamp.as_bytes(), signatures.as_bytes());
        let signed = secrets.presented(None).signed(Signature { id, timestamp, signatures }, now);
        assert_eq!(signed.scope(b"{}"), Some(Scope::Workspace(one)), "so does who signs with its key");
        assert_eq!(signed.scope(b"{} "), None, "and only what was signed");
    }

    #[test]
    fn secrets_never_show_in_debug_output() {
        let secrets = Secrets::new(["hunter2"]);
        let shown = format!("{secrets:?} {:?}", secrets.presented(Some(b"hunter2")));
        assert_eq!(shown, "Secrets(1 redacted, 0 signing keys) Presented(redacted)");
    }
}
