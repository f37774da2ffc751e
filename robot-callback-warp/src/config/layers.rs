//! Where settings come from: flags, the environment, a file; the first that has one wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::SettingError;
use super::setting::{ALL, CONFIG, Setting};

const DEFAULT_FILE: &str = "robot-callback.toml";

/// Where a value came from. A lower one goes before a higher one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The settings file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A value and where it came from.
pub(crate) struct Given {
    setting: &'static str,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

impl Given {
    /// The value breaks that rule.
    pub(crate) fn error(&self, rule: impl Into<String>) -> SettingError {
        SettingError { setting: self.setting, rule: rule.into(), origin: self.origin.clone() }
    }
}

/// All that was given, by setting.
#[derive(Default)]
pub(crate) struct Layers {
    given: BTreeMap<&'static str, (String, Origin)>,
}

impl Layers {
    /// Reads every layer. `flag` and `env` give a setting's value by the name of its flag and of its variable. An
    /// empty variable counts as absent.
    pub(crate) fn read(
        flag: impl Fn(&str) -> Option<String>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingError> {
        let nearest = |setting: &Setting| match setting.flag.and_then(&flag) {
            Some(value) => Ok(Some((value, Origin::Flag))),
            None => Ok(variable(setting, &env)?.map(|value| (value, Origin::Environment))),
        };
        let mut given = match nearest(&CONFIG)? {
            Some((path, origin)) => read_file(Path::new(&path), &origin)?,
            None if Path::new(DEFAULT_FILE).exists() => {
                let path = Path::new(DEFAULT_FILE);
                read_file(path, &Origin::File(path.into()))?
            }
            None => BTreeMap::new(),
        };
        for setting in ALL {
            given.extend(nearest(setting)?.map(|value| (setting.key, value)));
        }
        Ok(Self { given })
    }

    pub(crate) fn get(&self, setting: &Setting) -> Option<Given> {
        let (value, origin) = self.given.get(setting.key)?.clone();
        Some(Given { setting: setting.env, value, origin })
    }
}

fn variable(
    setting: &Setting,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, SettingError> {
    let Some(value) = env(setting.env).filter(|value| !value.is_empty()) else { return Ok(None) };
    let error =
        |_| SettingError { setting: setting.env, rule: "must be UTF-8".into(), origin: Origin::Environment };
    value.into_string().map(Some).map_err(error)
}

type Values = BTreeMap<&'static str, (String, Origin)>;

/// `named_by` is where the file's own name came from, for the error when it can't be read.
fn read_file(path: &Path, named_by: &Origin) -> Result<Values, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|error| SettingError {
        setting: CONFIG.env,
        rule: format!("names {}, which can't be read: {error}", path.display()),
        origin: named_by.clone(),
    })?;
    let origin = Origin::File(path.into());
    // Where in the file, and never what stands there, which may be a secret.
    let table: toml::Table = toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        let rule = format!("is no TOML in line {line}: {}", error.message());
        SettingError { setting: "the settings file", rule, origin: origin.clone() }
    })?;
    table.into_iter().map(|(key, value)| entry(&key, value, &origin)).collect()
}

fn entry(
    key: &str,
    value: toml::Value,
    origin: &Origin,
) -> Result<(&'static str, (String, Origin)), SettingError> {
    let Some(setting) = ALL.iter().find(|setting| setting.key == key) else {
        let rule = format!("knows no setting {key}");
        return Err(SettingError { setting: "the settings file", rule, origin: origin.clone() });
    };
    let value = match value {
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(switch) => switch.to_string(),
        _ => {
            let rule = "must be a string, a whole number, true or false".into();
            return Err(SettingError { setting: setting.key, rule, origin: origin.clone() });
        }
    };
    Ok((setting.key, (value, origin.clone())))
}
