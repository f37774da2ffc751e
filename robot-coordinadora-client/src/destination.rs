//! Where results go, and what lets them in there: a callback URL with its secret or its signing keys, checked once.
//! Sends nothing.

use std::fmt;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use robot_callback_core::{
    ID_HEADER, SECRET_HEADER, SIGNATURE_HEADER, SigningKey, TIMESTAMP_HEADER, Timestamp, seconds,
};
use sha2::{Digest, Sha256};

/// A callback URL together with its secret, or with keys to sign with. Each batch brings its own; one client serves
/// them all.
///
/// Neither `Debug` nor `Display` shows the secret, a key or the URL's query.
#[derive(Clone)]
pub struct Destination {
    url: Url,
    secret: Option<HeaderValue>,
    keys: Vec<SigningKey>,
}

/// Why results can't be sent there. Says which setting is wrong, never what the secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// It is no URL, or not one of the web.
    #[error("the callback URL must be a whole URL that begins with http:// or https://")]
    Url,
    /// The URL carries a user name or a password, which would show in logs.
    #[error("the callback URL must not carry a user name or a password")]
    Credentials,
    /// No secret: the receiver lets nobody in without one.
    #[error("the callback secret must not be empty")]
    NoSecret,
    /// An HTTP header can't carry the secret as it is (a line break left from the file it was read from?).
    #[error("the callback secret must not begin or end with white space, or contain control characters")]
    Secret,
    /// It is no signing key.
    #[error("a signing key must be whsec_ and 24 to 64 bytes in base64")]
    Key,
    /// Nothing to sign with.
    #[error("there must be at least one signing key")]
    NoKey,
}

impl Destination {
    /// The destination with that URL and that secret.
    ///
    /// # Errors
    /// A [`DestinationError`] that names the setting and its rule.
    pub fn new(callback_url: &str, callback_secret: &str) -> Result<Self, DestinationError> {
        Ok(Self { url: url(callback_url)?, secret: Some(secret(callback_secret)?), keys: Vec::new() })
    }

    /// The destination with that URL, where results are signed after Standard Webhooks, with every one of the keys:
    /// one, or two while the receiver changes over. No secret goes there, and a key never travels.
    ///
    /// # Errors
    /// A [`DestinationError`] that names the setting and its rule.
    pub fn signed(
        callback_url: &str,
        keys: impl IntoIterator<Item = SigningKey>,
    ) -> Result<Self, DestinationError> {
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(DestinationError::NoKey);
        }
        Ok(Self { url: url(callback_url)?, secret: None, keys })
    }

    pub(crate) fn url(&self) -> Url {
        self.url.clone()
    }

    /// The headers that let a body in, sent at that moment. The secret's is marked so that no HTTP library shows it.
    pub(crate) fn proof(&self, body: &[u8], now: Timestamp) -> HeaderMap {
        let secret =
            self.secret.iter().map(|secret| (HeaderName::from_static(SECRET_HEADER), secret.clone()));
        secret.chain(self.signature(body, now)).collect()
    }

    /// The same report sent again has the same id.
    fn signature(&self, body: &[u8], now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let id: String = Sha256::digest(body).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let id = format!("msg_{id}");
        let signatures: Vec<_> = self.keys.iter().map(|key| key.sign(&id, now, body)).collect();
        let headers =
            [(ID_HEADER, id), (TIMESTAMP_HEADER, seconds(now)), (SIGNATURE_HEADER, signatures.join(" "))];
        let header = |(name, value): (&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(value).ok()?))
        };
        headers.into_iter().filter_map(header).collect()
    }

    /// What the receiver said, without the secret, should it have sent that back.
    pub(crate) fn redact(&self, said: &str) -> String {
        let Some(secret) = &self.secret else { return said.to_owned() };
        said.replace(&*String::from_utf8_lossy(secret.as_bytes()), "[redacted]")
    }
}

/// Whether results can be sent to that URL.
pub(crate) fn check_url(text: &str) -> Result<(), DestinationError> {
    url(text).map(drop)
}

fn url(text: &str) -> Result<Url, DestinationError> {
    let url = Url::parse(text).map_err(|_| DestinationError::Url)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(DestinationError::Url);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(DestinationError::Credentials);
    }
    Ok(url)
}

fn secret(text: &str) -> Result<HeaderValue, DestinationError> {
    if text.is_empty() {
        return Err(DestinationError::NoSecret);
    }
    // A receiver's HTTP library cuts white space off both ends: such a secret would never fit.
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(DestinationError::Secret);
    }
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| DestinationError::Secret)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The URL without its query, which may hold a token.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.url.origin().ascii_serialization(), self.url.path())
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = if self.secret.is_some() { "secret" } else { "keys" };
        write!(f, "Destination({self}, {proof} redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://crm.example.com/api/webhooks/robot-callback";

    #[test]
    fn an_http_or_https_url_with_a_secret_is_a_destination() {
        for url in [URL, "http://127.0.0.1:8080/", "HTTP://crm", "http://[::1]:3000/a?b=c"] {
            assert!(Destination::new(url, "hunter2").is_ok(), "{url}");
        }
        assert!(Destination::new(URL, "contraseña con espacios").is_ok(), "any printable text is a secret");
    }

    #[test]
    fn a_refused_setting_is_named() {
        let refused = |url, secret| Destination::new(url, secret).unwrap_err();
        for url in
            ["", "crm.example.com", "crm:8080/x", "/api/webhooks", "ftp://crm/", "file:///etc", "http://"]
        {
            assert_eq!(refused(url, "hunter2"), DestinationError::Url, "{url}");
        }
        for url in ["http://me@crm/", "http://me:pass@crm/", "http://:pass@crm/"] {
            assert_eq!(refused(url, "hunter2"), DestinationError::Credentials, "{url}");
        }
        assert_eq!(refused(URL, ""), DestinationError::NoSecret);
        assert_eq!(Destination::signed(URL, []).unwrap_err(), DestinationError::NoKey);
        for secret in
            ["hunter2\n", " hunter2", "hunter2\t", "hun\nter2", "hun\0ter2", "hun\u{7f}", "hun\u{85}"]
        {
            assert_eq!(refused(URL, secret), DestinationError::Secret, "{secret:?}");
        }
    }

    #[test]
    fn the_secret_and_the_query_never_show() {
        let destination = Destination::new("https://crm.example.com:8443/hook?token=abc", "hunter2").unwrap();
        assert_eq!(destination.to_string(), "https://crm.example.com:8443/hook");
        assert_eq!(
            format!("{destination:?}"),
            "Destination(https://crm.example.com:8443/hook, secret redacted)"
        );
        let proof = destination.proof(b"{}", Timestamp::from_millis(0));
        assert_eq!(proof[SECRET_HEADER], "hunter2");
        assert!(!format!("{proof:?}").contains("hunter2"), "the header's value is marked");
        assert_eq!(destination.redact("got hunter2, hunter2"), "got [redacted], [redacted]");
    }
}
