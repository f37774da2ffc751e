//! The database URL as people paste it, in the terms of the driver.
//!
//! Providers hand out URLs with parameters that other drivers know; each is translated, or refused by name.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::error::PostgresError;

/// How much of the server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    /// Nothing: encrypted, but not known with whom (`sslmode=prefer` and `require`, as libpq has it).
    Nothing,
    /// The chain up to a known authority (`verify-ca`).
    Chain,
    /// The chain, and that it is for this host (`verify-full`).
    Full,
}

/// What a URL says.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) verify: Verify,
    /// The file of authorities to trust; `None` means the system's.
    pub(super) root_cert: Option<PathBuf>,
    /// Whether the URL itself says that a transaction pooler stands in between.
    pub(super) pooled: bool,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, PostgresError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut kept = Vec::new();
        let (mut encryption, mut pooled) = (Encryption::default(), false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "sslmode" if encryption.mode(value) => {}
                "sslrootcert" if value == "system" => encryption.system = true,
                "sslrootcert" => encryption.root_cert = Some(PathBuf::from(decoded(value)?)),
                "pgbouncer" => pooled = value == "true",
                "sslcert" | "sslkey" | "sslcrl" | "service" | "passfile" | "schema" | "search_path" => {
                    return Err(PostgresError::Url(format!("the parameter {key} is not supported")));
                }
                // Settings of other drivers' own pools, without a meaning here.
                "connection_limit" | "pool_timeout" | "pool_max_conns" | "statement_cache_size" | "supa" => {}
                _ => kept.push(pair),
            }
        }
        let joined = kept.join("&");
        let cleaned = if joined.is_empty() { base.to_owned() } else { format!("{base}?{joined}") };
        let mut config: Config = cleaned.parse().map_err(|error| PostgresError::Url(plain(&error)))?;
        let (mode, verify) = encryption.settled()?;
        config.ssl_mode(mode);
        Ok(Self { config, verify, root_cert: encryption.root_cert, pooled })
    }
}

/// What the parameters say about encryption.
#[derive(Default)]
struct Encryption {
    mode: Option<(SslMode, Verify)>,
    root_cert: Option<PathBuf>,
    system: bool,
}

impl Encryption {
    /// Takes a mode of libpq's; says whether it is one.
    fn mode(&mut self, name: &str) -> bool {
        let mode = match name {
            "disable" => (SslMode::Disable, Verify::Nothing),
            "allow" | "prefer" => (SslMode::Prefer, Verify::Nothing),
            "require" => (SslMode::Require, Verify::Nothing),
            "verify-ca" => (SslMode::Require, Verify::Chain),
            "verify-full" => (SslMode::Require, Verify::Full),
            _ => return false,
        };
        self.mode = Some(mode);
        true
    }

    /// As libpq has it: who names an authority wants it checked; and any of the system's many vouches for anybody's
    /// host, so they are of use only together with its name.
    fn settled(&self) -> Result<(SslMode, Verify), PostgresError> {
        match self.mode {
            None if self.system => Ok((SslMode::Require, Verify::Full)),
            Some((_, verify)) if self.system && verify != Verify::Full => {
                Err(PostgresError::Url("sslrootcert=system needs sslmode=verify-full".into()))
            }
            Some((mode, Verify::Nothing)) if self.root_cert.is_some() => Ok((mode, Verify::Chain)),
            None if self.root_cert.is_some() => Ok((SslMode::Prefer, Verify::Chain)),
            mode => Ok(mode.unwrap_or((SslMode::Prefer, Verify::Nothing))),
        }
    }
}

/// The driver's message about a URL; it names the parameter and never its value.
fn plain(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn decoded(value: &str) -> Result<String, PostgresError> {
    let bad = || PostgresError::Url("sslrootcert is not properly percent-encoded".into());
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or_else(bad)?, rest.next().ok_or_else(bad)?];
        let digits = std::str::from_utf8(&digits).map_err(|_| bad())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_providers_hand_out_is_understood() {
        let target = Target::parse("postgresql://u:p@db.example.co:6543/postgres?pgbouncer=true&sslmode=verify-full&sslrootcert=%2Fetc%2Fca%20file.pem&connection_limit=1&application_name=shop").unwrap();
        assert!(target.pooled);
        assert_eq!((target.verify, target.config.get_ssl_mode()), (Verify::Full, SslMode::Require));
        assert_eq!(target.root_cert, Some("/etc/ca file.pem".into()));
        assert_eq!(target.config.get_application_name(), Some("shop"));
        assert_eq!(target.config.get_ports(), [6543]);
    }

    #[test]
    fn the_modes_of_libpq_mean_what_they_mean_there() {
        let modes = [
            ("disable", SslMode::Disable, Verify::Nothing),
            ("allow", SslMode::Prefer, Verify::Nothing),
            ("prefer", SslMode::Prefer, Verify::Nothing),
            ("require", SslMode::Require, Verify::Nothing),
            ("verify-ca", SslMode::Require, Verify::Chain),
            ("verify-full", SslMode::Require, Verify::Full),
        ];
        for (name, mode, verify) in modes {
            let target = Target::parse(&format!("postgres://h/d?sslmode={name}")).unwrap();
            assert_eq!((target.config.get_ssl_mode(), target.verify), (mode, verify), "{name}");
        }
        let with_ca = Target::parse("postgres://h/d?sslmode=require&sslrootcert=/ca.pem").unwrap();
        assert_eq!(with_ca.verify, Verify::Chain, "who names an authority wants it checked");
        let system = Target::parse("postgres://h/d?sslrootcert=system").unwrap();
        assert_eq!((system.config.get_ssl_mode(), system.verify), (SslMode::Require, Verify::Full));
        assert_eq!(system.root_cert, None);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (parameter, name) in [
            ("sslcert=/c.pem", "sslcert"),
            ("colour=red", "colour"),
            ("sslmode=maybe", "sslmode"),
            ("sslmode=require&sslrootcert=system", "sslrootcert"),
        ] {
            let error =
                Target::parse(&format!("postgres://u:hunter2@h/d?{parameter}")).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("hunter2"), "a password shows nowhere: {error}");
        }
    }
}
