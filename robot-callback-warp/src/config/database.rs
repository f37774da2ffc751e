//! `DATABASE_URL`: where the data is.

use std::path::PathBuf;

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// In one SQLite file.
    Sqlite(PathBuf),
    /// In memory: gone when the process ends.
    Memory,
}

impl Default for Database {
    fn default() -> Self {
        Self::Sqlite("robot-callback.db".into())
    }
}

impl Database {
    /// Reads `sqlite:path`, `sqlite://path`, a path alone, or `memory:`.
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
            "postgres" | "postgresql" => {
                Err("must be sqlite:FILE or memory:; this program is built without Postgres")
            }
            _ => Err("must be sqlite:FILE or memory:"),
        }
    }
}

/// Two letters or more: one is a drive of Windows.
fn is_scheme(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}
