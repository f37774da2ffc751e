//! How to reach Inngest: the settings, their defaults, and every rule they must keep.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use crate::error::Cause;
use crate::field::FieldError;

/// How to reach Inngest. Begin with [`cloud`](Self::cloud) or [`dev_server`](Self::dev_server):
///
/// ```
/// # use std::time::Duration;
/// # use robot_callback_core::inngest::InngestOptions;
/// let options = InngestOptions { request_timeout: Duration::from_secs(5), ..InngestOptions::cloud("the event key") };
/// assert!(!format!("{options:?}").contains("the event key"), "a key is never shown");
/// ```
#[derive(Clone)]
pub struct InngestOptions {
    /// Where Inngest is: `http` or `https`, a host, and a path if it stands behind one; without `/e/…`, which the
    /// emitter adds. A proxy that the environment names is used, but not for this machine itself.
    pub base_url: String,
    /// Who sends. Kept out of logs, errors and `Debug`, though it travels in the URL's path. A development server
    /// takes any.
    pub event_key: String,
    /// When opening a connection is given up. Default: 5 seconds.
    pub connect_timeout: Duration,
    /// When one request, connecting and its whole answer included, is given up. Default: 10 seconds.
    pub request_timeout: Duration,
    /// When one call of [`emit`](crate::Emitter::emit), all its requests included, is given up. Default: 30
    /// seconds. Keep it below [`RelayOptions::send_timeout`](crate::RelayOptions) (40 seconds by default): after that
    /// a relay gives up on an emitter and learns nothing from it, and what was taken is sent again.
    pub call_timeout: Duration,
    /// The most bytes of a request's body. An event that is larger by itself is sent alone. Default: 256 KiB, which
    /// every plan of Inngest takes.
    pub max_request_bytes: usize,
    /// The most events of a request. Default: 400. A server takes 5000 and drops the rest.
    pub max_request_events: usize,
}

/// Why an emitter could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InngestError {
    /// A setting breaks a rule. Names the field of [`InngestOptions`] and the rule, never the value.
    #[error(transparent)]
    Setting(#[from] FieldError),
    /// The HTTP client can't be made; usually the machine has no CA certificates.
    #[error("the HTTP client could not be made")]
    Client(#[source] Cause),
}

impl InngestOptions {
    /// Where Inngest's cloud takes events.
    pub const CLOUD: &'static str = "https://inn.gs";
    /// Where a development server takes events when nobody tells it otherwise.
    pub const DEV_SERVER: &'static str = "http://localhost:8288";

    /// Inngest's cloud.
    #[must_use]
    pub fn cloud(event_key: impl Into<String>) -> Self {
        Self {
            base_url: Self::CLOUD.to_owned(),
            event_key: event_key.into(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
            max_request_bytes: 256 * 1024,
            max_request_events: 400,
        }
    }

    /// A development server on this machine; the key is `dev`.
    #[must_use]
    pub fn dev_server() -> Self {
        Self { base_url: Self::DEV_SERVER.to_owned(), ..Self::cloud("dev") }
    }

    /// Checks every rule, and gives the URL that events are posted to. It holds the key.
    pub(super) fn endpoint(&self) -> Result<Url, FieldError> {
        self.check_limits()?;
        check_key(&self.event_key)?;
        let mut url = base(&self.base_url)?;
        let rule = FieldError::new("base_url", "must hold a host");
        // One segment each: whatever the key holds is percent-encoded. A path of another shape is answered 200,
        // and the events are gone.
        url.path_segments_mut().map_err(|()| rule)?.pop_if_empty().extend(["e", &self.event_key]);
        Ok(url)
    }

    fn check_limits(&self) -> Result<(), FieldError> {
        let timeouts = [
            ("connect_timeout", self.connect_timeout),
            ("request_timeout", self.request_timeout),
            ("call_timeout", self.call_timeout),
        ];
        if let Some((name, _)) = timeouts.iter().find(|(_, timeout)| timeout.is_zero()) {
            return Err(FieldError::new(*name, "must be longer than zero"));
        }
        let sizes =
            [("max_request_bytes", self.max_request_bytes), ("max_request_events", self.max_request_events)];
        match sizes.iter().find(|(_, size)| *size == 0) {
            Some((name, _)) => Err(FieldError::new(*name, "must be at least 1")),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for InngestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InngestOptions")
            .field("base_url", &self.base_url)
            .field("event_key", &"redacted")
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("max_request_bytes", &self.max_request_bytes)
            .field("max_request_events", &self.max_request_events)
            .finish()
    }
}

fn check_key(key: &str) -> Result<(), FieldError> {
    let broken = if key.is_empty() {
        "must not be empty"
    } else if key.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "must not hold spaces, line ends or control characters"
    } else if key == "." || key == ".." {
        "must not be a step in a path"
    } else {
        return Ok(());
    };
    Err(FieldError::new("event_key", broken))
}

fn base(text: &str) -> Result<Url, FieldError> {
    let broken = |rule| FieldError::new("base_url", rule);
    let url = Url::parse(text).map_err(|_| broken("must be a URL such as https://inn.gs"))?;
    let segments = || url.path_segments().into_iter().flatten();
    if !matches!(url.scheme(), "http" | "https") {
        Err(broken("must begin with http:// or https://"))
    } else if url.query().is_some() || url.fragment().is_some() {
        Err(broken("must not hold a query or a fragment"))
    } else if !url.username().is_empty() || url.password().is_some() {
        Err(broken("must not hold a user name or a password"))
    } else if segments().any(|segment| segment == "e") {
        Err(broken("must end before /e/: the event key is a setting of its own"))
    } else {
        Ok(url)
    }
}

/// Whether a URL leads to this machine, where no proxy has any business.
pub(super) fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_without_a_proxy_and_no_other_is() {
        let local = |text| is_local(&Url::parse(text).unwrap());
        for text in ["http://localhost:8288", "http://127.0.0.1:1", "http://127.1.2.3", "http://[::1]:8288/x"]
        {
            assert!(local(text), "{text}");
        }
        for text in
            ["https://inn.gs", "http://10.0.0.1", "http://[2001:db8::1]", "http://localhost.example.com"]
        {
            assert!(!local(text), "{text}");
        }
    }
}
