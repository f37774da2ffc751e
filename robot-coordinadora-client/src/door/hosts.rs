//! Where results may go: the hosts that the operator listed, and none on a private network by accident.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use reqwest::Url;
use robot_callback_core::Cause;

/// How long the addresses of a host may take to be found.
const RESOLVE_DEADLINE: Duration = Duration::from_secs(5);

/// The hosts that results may be sent to. A callback URL's scheme, host and port must be those of an entry.
///
/// An entry is `host` or `host:port` for `https`, or begins with `http://` or `https://` to say which; without a port it
/// is the scheme's own.
///
/// A listed name must not lead to a loopback, private or link-local address: whoever runs its DNS could send a
/// parcel's data and the secret there. An address that is itself listed may be any, `localhost` too, and
/// [`on_private_networks`](Self::on_private_networks) trusts the names. It is looked at when a batch is taken; a name that leads elsewhere later
/// is not seen.
///
/// ```
/// # use robot_coordinadora_client::CallbackHosts;
/// CallbackHosts::parse(["crm.example.com", "crm.example.com:8443", "http://127.0.0.1:3000"]).unwrap();
/// assert!(CallbackHosts::parse(["crm.example.com/api"]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackHosts {
    /// `scheme://host:port`, as a URL has it when it is read.
    entries: Vec<String>,
    private: bool,
}

/// Why results may not go there, or why a list can't be read.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The host is not in the list, or an entry of the list is none.
    #[error("the host is not listed, or the entry is no host")]
    NotListed,
    /// The host is listed by a name that leads to a private address.
    #[error("the host's name leads to an address that is not public")]
    Private,
    /// The host's addresses can't be found now.
    #[error("the host's addresses can't be found")]
    Unresolved(#[source] Cause),
}

impl CallbackHosts {
    /// A list of those entries.
    ///
    /// # Errors
    /// [`HostError::NotListed`] when an entry is no host.
    pub fn parse<E: AsRef<str>>(entries: impl IntoIterator<Item = E>) -> Result<Self, HostError> {
        let entries =
            entries.into_iter().map(|entry| parse_entry(entry.as_ref().trim())).collect::<Option<_>>();
        entries.map(|entries| Self { entries, private: false }).ok_or(HostError::NotListed)
    }

    /// The same list, whose names may lead to private addresses.
    #[must_use]
    pub fn on_private_networks(self) -> Self {
        Self { private: true, ..self }
    }

    /// Whether results may go there.
    pub(crate) async fn admit(&self, callback_url: &str) -> Result<(), HostError> {
        let resolve = async |host: String, port| {
            let looking = tokio::net::lookup_host((host, port));
            let found = tokio::time::timeout(RESOLVE_DEADLINE, looking).await??;
            Ok(found.map(|address| address.ip()).collect())
        };
        self.admit_with(callback_url, resolve).await
    }

    async fn admit_with(
        &self,
        callback_url: &str,
        resolve: impl AsyncFnOnce(String, u16) -> io::Result<Vec<IpAddr>>,
    ) -> Result<(), HostError> {
        let url = Url::parse(callback_url).map_err(|_| HostError::NotListed)?;
        let place = place(&url).filter(|place| self.entries.contains(place));
        if place.is_none() {
            return Err(HostError::NotListed);
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(HostError::NotListed);
        };
        if self.private || is_address(host) || host == "localhost" {
            return Ok(());
        }
        let addresses =
            resolve(host.to_owned(), port).await.map_err(|error| HostError::Unresolved(error.into()))?;
        match addresses.as_slice() {
            [] => Err(HostError::Unresolved("it has none".into())),
            found if found.iter().copied().all(is_public) => Ok(()),
            _ => Err(HostError::Private),
        }
    }
}

fn parse_entry(entry: &str) -> Option<String> {
    let url = if entry.contains("://") { entry.to_owned() } else { format!("https://{entry}") };
    let url = Url::parse(&url).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    place(&url).filter(|_| bare && nobody && !entry.ends_with('/'))
}

/// Scheme, host and port.
fn place(url: &Url) -> Option<String> {
    let web = matches!(url.scheme(), "http" | "https");
    web.then_some(format!("{}://{}:{}", url.scheme(), url.host_str()?, url.port_or_known_default()?))
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// Whether everybody on the internet could be meant by it.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !(reserved
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

/// Global unicast is 2000::/3. What holds an IPv4 address is as public as that is.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = address.to_ipv4_mapped() {
        return is_public_v4(within);
    }
    let within = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => within(high, low),
        // Teredo, benchmarks, documentation.
        [0x2001, 0 | 2 | 0xdb8, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests;
