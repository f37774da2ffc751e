//! What the server says when it starts: where everything is, and what to type next.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use robot_callback_core::{CALLBACK_PATH, SECRET_HEADER};

use crate::config::{Credential, Database, Events};

/// The lines; [`Display`](fmt::Display) writes them.
pub(crate) struct Banner<'a> {
    pub(crate) address: SocketAddr,
    /// Where the metrics are, if anywhere.
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) tls: bool,
    pub(crate) database: &'a Database,
    /// None where there is none for all.
    pub(crate) secret: Option<&'a Credential>,
    pub(crate) token: &'a Credential,
    pub(crate) events: &'a Events,
}

impl Banner<'_> {
    /// A server on every address is within reach on this machine's own.
    fn url(&self) -> String {
        let mut near = self.address;
        if near.ip().is_unspecified() {
            near.set_ip(match near {
                SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        format!("{}://{near}", self.scheme())
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    fn data(&self) -> String {
        match self.database {
            Database::Sqlite(file) => format!("SQLite file {}", absolute(file)),
            Database::Postgres(postgres) => format!("PostgreSQL at {}", postgres.place()),
            Database::Memory => "in memory: gone when this server stops".into(),
        }
    }

    fn destination(&self) -> String {
        match self.events {
            Events::Log => {
                "to the log and nowhere else (INNGEST_EVENT_KEY, or INNGEST_DEV=1, sends them to Inngest)"
                    .into()
            }
            Events::Inngest { base_url, .. } => format!("to Inngest at {base_url}"),
        }
    }
}

fn absolute(path: &std::path::Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.into()).display().to_string()
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, secret, token, .. } = self;
        writeln!(f, "robot-callback {} listens on {}://{address}", env!("CARGO_PKG_VERSION"), self.scheme())?;
        writeln!(f)?;
        writeln!(f, "  data    {}", self.data())?;
        let secret = secret
            .map_or("none for all: callbacks are signed, or by a secret of their workspace", |secret| {
                &secret.source
            });
        writeln!(f, "  secret  {secret}")?;
        writeln!(f, "  token   {}", token.source)?;
        writeln!(f, "  events  {}", self.destination())?;
        if let Some(admin) = self.admin {
            writeln!(f, "  admin   http://{admin}/metrics, /readyz, /healthz")?;
        }
        writeln!(f)?;
        self.steps(f)
    }
}

impl Banner<'_> {
    /// Lines that work when pasted into a shell in the same folder.
    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const JSON: &str = "-H 'content-type: application/json'";
        const ORDER: &str = r##"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[{"name":"#1001","totalValue":89900,"shippingAddress":"Cra 43A # 1-50","shippingCity":"MEDELLIN","shippingDepartment":"ANTIOQUIA","contact":{"name":"Ana Restrepo","phone":"+573001234567"}}]}"##;
        let url = self.url();
        let auth = format!("-H \"authorization: Bearer {}\"", self.token.shell);
        let id_of = |name: &str| format!(r#"$(echo "$JOB" | sed 's/.*"{name}":"\([^"]*\)".*/\1/')"#);
        writeln!(f, "To try it, paste these lines into another terminal, in this folder.")?;
        let needed = self.secret.and_then(|secret| secret.needs);
        for variable in [needed, self.token.needs].into_iter().flatten() {
            writeln!(f, "(Set {variable} there first.)")?;
        }
        writeln!(f, "Make a job with one order:")?;
        writeln!(f)?;
        writeln!(f, "  JOB=$(curl -sS {url}/api/jobs {auth} {JSON} -d '{ORDER}')")?;
        writeln!(f)?;
        if let Some(Credential { shell, .. }) = self.secret {
            writeln!(f, "Report its item, as the robot does:")?;
            writeln!(f)?;
            writeln!(f, "  ITEM={}", id_of("itemId"))?;
            writeln!(
                f,
                "  curl -sS {url}{CALLBACK_PATH} -H \"{SECRET_HEADER}: {shell}\" {JSON} -d \
                 '{{\"itemId\":\"'$ITEM'\",\"status\":\"success\",\"trackingNumber\":\"73150001234\"}}'; echo"
            )?;
            writeln!(f)?;
        }
        writeln!(f, "Look at it:")?;
        writeln!(f)?;
        writeln!(f, "  curl -sS {url}/api/jobs/{} {auth}; echo", id_of("jobId"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str) -> Credential {
        let path = format!(".robot-callback/{name}");
        let (source, shell) = (format!("{path}, made just now"), format!("$(cat {path})"));
        Credential { values: vec!["hunter2".into()], source, shell, needs: None }
    }

    fn banner(address: &str, secret: Option<&Credential>, events: &Events) -> String {
        let (address, token) = (address.parse().unwrap(), kept("operator-token"));
        let database = Database::Sqlite("/srv/robot-callback.db".into());
        Banner { address, admin: None, tls: false, database: &database, secret, token: &token, events }
            .to_string()
    }

    #[test]
    fn the_first_lines_say_where_everything_is_and_the_rest_what_to_type() {
        let text = banner("127.0.0.1:8080", Some(&kept("secret")), &Events::Log);
        assert_eq!(text, include_str!("banner.txt").replace("VERSION", env!("CARGO_PKG_VERSION")));
        assert!(!text.contains("hunter2"), "a secret is never shown");
    }

    #[test]
    fn what_to_type_fits_what_was_set() {
        let given = Credential { shell: "$SOME_SECRET".into(), needs: Some("SOME_SECRET"), ..kept("secret") };
        let (base_url, event_key) = ("https://inn.gs".into(), "hunter2".into());
        let text = banner("0.0.0.0:9", Some(&given), &Events::Inngest { base_url, event_key });
        assert!(text.contains("listens on http://0.0.0.0:9\n"), "{text}");
        assert!(
            text.contains("curl -sS http://127.0.0.1:9/api/jobs "),
            "every address is none to call: {text}"
        );
        assert!(text.contains("(Set SOME_SECRET there first.)\n"), "{text}");
        assert!(text.contains("events  to Inngest at https://inn.gs\n"), "{text}");
        assert!(!text.contains("hunter2"), "a key is never shown");
    }

    #[test]
    fn where_callbacks_must_be_signed_no_secret_is_told_of() {
        let text = banner("127.0.0.1:8080", None, &Events::Log);
        assert!(
            text.contains("secret  none for all: callbacks are signed, or by a secret of their workspace\n"),
            "{text}"
        );
        assert!(!text.contains(SECRET_HEADER), "what would be refused is not to be typed: {text}");
    }
}
