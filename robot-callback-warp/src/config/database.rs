//! `DATABASE_URL`: where the data is.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use robot_callback_core::{EndpointOptions, PostgresStore, StatementMode};

use super::SettingError;
use super::layers::Given;
use crate::causes::chain;

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// In one SQLite file.
    Sqlite(PathBuf),
    /// In PostgreSQL.
    Postgres(Postgres),
    /// In memory: gone when the process ends.
    Memory,
}

/// How to reach a PostgreSQL database.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Postgres {
    pub(crate) url: String,
    /// Without a pooler in between, for migrations.
    pub(crate) direct_url: Option<String>,
    pub(crate) mode: StatementMode,
    /// How long whoever reports waits.
    pub(crate) deadline: Duration,
}

impl Postgres {
    fn new(url: &str) -> Self {
        let deadline = EndpointOptions::default().store_deadline;
        Self { url: url.to_owned(), direct_url: None, mode: StatementMode::default(), deadline }
    }

    /// Whether one could connect by that URL, as far as can be told without doing so.
    pub(super) fn check(given: &Given) -> Result<(), SettingError> {
        let url = &given.value;
        // Anything else would be read as words of another form, and told of as a whole.
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(given.error("must begin with postgres:// or postgresql://"));
        }
        let Err(error) = PostgresStore::check_url(url) else { return Ok(()) };
        // What follows an ampersand in a password looks like a parameter, and parameters are named.
        if url.contains("password=") {
            return Err(given.error("can't be used: look at its parameters, and percent-encode the password"));
        }
        let why = error.source().map(chain).unwrap_or_default();
        Err(given.error(format!("can't be used: {why}")))
    }

    /// The server and the database, without user, password and parameters.
    pub(crate) fn place(&self) -> &str {
        let (_, rest) = self.url.split_once("://").unwrap_or_default();
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        rest.rsplit_once('@').map_or(rest, |(_, place)| place)
    }
}

/// A URL holds a password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({}, {:?})", self.place(), self.mode)
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::Sqlite("robot-callback.db".into())
    }
}

impl Database {
    /// Reads `postgres://…`, `sqlite:path`, `sqlite://path`, a path alone, or `memory:`.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = match url.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            _ => (String::new(), url),
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match scheme.as_str() {
            "memory" if path.is_empty() => Ok(Self::Memory),
            "sqlite" if path == ":memory:" => Ok(Self::Memory),
            "sqlite" if path.contains('?') => Err("must not have options after a question mark"),
            "sqlite" if path.is_empty() => Err("must name a file, such as sqlite:robot-callback.db"),
            "sqlite" => Ok(Self::Sqlite(path.into())),
            "" if !url.is_empty() => Ok(Self::Sqlite(url.into())),
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(Postgres::new(url))),
            _ => Err("must be postgres://…, sqlite:FILE or memory:"),
        }
    }
}

/// Two letters or more: one is a drive of Windows.
fn is_scheme(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}
