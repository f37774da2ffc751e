//! Signed callbacks, after Standard Webhooks 1.0 (symmetric, `v1`): who holds a key proves it by the signature of a
//! payload, and the key itself never travels.

use std::fmt;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::clock::Timestamp;

/// The header that carries a message's id.
pub const ID_HEADER: &str = "webhook-id";
/// The header that carries when a message was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header that carries the signatures, with spaces in between.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// What a written key begins with.
const PREFIX: &str = "whsec_";
/// What a signature by a shared key begins with. Others (`v1a`, by a pair of keys) are passed over.
const VERSION: &[u8] = b"v1,";
/// The most signatures of one message that are looked at: more keys than that are never rotated at a time.
const MOST: usize = 8;
/// The longest id and the longest timestamp that are looked at, in bytes.
const LONGEST: usize = 256;

type Tag = [u8; 32];

/// A key that a robot signs its callbacks with, and the server checks them with.
#[derive(Clone)]
pub struct SigningKey {
    keyed: Hmac<Sha256>,
}

/// Why a text is no signing key. Never shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key must be whsec_ and 24 to 64 bytes in base64")]
pub struct SigningKeyError;

/// What the three headers of a signed callback say, as they came.
#[derive(Clone, Copy)]
pub struct Signature<'a> {
    /// `webhook-id`.
    pub id: &'a [u8],
    /// `webhook-timestamp`.
    pub timestamp: &'a [u8],
    /// `webhook-signature`.
    pub signatures: &'a [u8],
}

impl SigningKey {
    /// Reads a key as Standard Webhooks writes it: `whsec_`, then 24 to 64 bytes in base64. The prefix may be left
    /// out.
    ///
    /// # Errors
    /// [`SigningKeyError`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, SigningKeyError> {
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        let key = Base64::decode_vec(text).map_err(|_| SigningKeyError)?;
        if !(24..=64).contains(&key.len()) {
            return Err(SigningKeyError);
        }
        Hmac::new_from_slice(&key).map(|keyed| Self { keyed }).map_err(|_| SigningKeyError)
    }

    /// The value of `webhook-signature` for a message with that id, signed at that moment. `webhook-timestamp` is
    /// [`seconds`] of it.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, payload: &[u8]) -> String {
        let tag = self.tag(id.as_bytes(), seconds(at).as_bytes(), payload);
        format!("v1,{}", Base64::encode_string(&tag))
    }

    fn tag(&self, id: &[u8], timestamp: &[u8], payload: &[u8]) -> Tag {
        let mut keyed = self.keyed.clone();
        for part in [id, b".", timestamp, b".", payload] {
            keyed.update(part);
        }
        keyed.finalize().into_bytes().into()
    }
}

/// A moment as `webhook-timestamp` writes it.
#[must_use]
pub fn seconds(at: Timestamp) -> String {
    (at.as_millis() / 1000).to_string()
}

impl Signature<'_> {
    /// Whether the headers are well-formed and the message was signed within `tolerance` of `now`, to either side.
    pub(crate) fn is_timely(&self, now: Timestamp, tolerance: Duration) -> bool {
        let Some(signed) = self.signed_at() else { return false };
        !self.id.is_empty()
            && self.id.len() <= LONGEST
            && self.tags().next().is_some()
            && now.since(signed).max(signed.since(now)) <= tolerance
    }

    /// Whether one of the signatures is by that key. Looks at every one, whatever fits.
    pub(crate) fn is_by(&self, key: &SigningKey, payload: &[u8]) -> Choice {
        let right = key.tag(self.id, self.timestamp, payload);
        self.tags().fold(Choice::from(0), |fits, tag| fits | tag.ct_eq(&right))
    }

    fn signed_at(&self) -> Option<Timestamp> {
        let digits = self.timestamp.len() <= LONGEST && self.timestamp.iter().all(u8::is_ascii_digit);
        let seconds: i64 = digits.then(|| std::str::from_utf8(self.timestamp).ok()?.parse().ok())??;
        Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
    }

    fn tags(&self) -> impl Iterator<Item = Tag> {
        let each = self.signatures.split(|byte| *byte == b' ').take(MOST);
        each.filter_map(|signature| {
            let mut tag = Tag::default();
            let read = Base64::decode(signature.strip_prefix(VERSION)?, &mut tag).ok()?.len();
            (read == tag.len()).then_some(tag)
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl fmt::Debug for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(redacted)")
    }
}

#[cfg(test)]
mod tests;
