//! Where settings come from: flags, the environment, a file; the first that has one wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::problems::{Problems, SettingErrors};
use super::setting::{ALL, CONFIG, Setting};
use super::{SettingError, unknown};

const DEFAULT_FILE: &str = "robot-callback.toml";
const THE_FILE: &str = "the settings file";

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
        SettingError { setting: self.setting.into(), rule: rule.into(), origin: self.origin.clone() }
    }
}

/// All that was given, by setting.
#[derive(Default)]
pub(crate) struct Layers {
    given: Values,
    /// What was given and is no setting, or can't be read.
    problems: Vec<SettingError>,
}

/// The variables of a process's environment.
pub(crate) type Environment = BTreeMap<String, OsString>;

/// This process's environment.
pub(crate) fn environment() -> Environment {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

impl Layers {
    /// Reads every layer, as far as it can be read. `flag` gives a setting's value by the name of its flag. An empty
    /// variable counts as absent.
    pub(crate) fn read(flag: impl Fn(&str) -> Option<String>, env: &Environment) -> Self {
        let mut layers = Self::default();
        let nearest = |setting: &Setting| match setting.flag.and_then(&flag) {
            Some(value) => Ok(Some((value, Origin::Flag))),
            None => Ok(variable(setting, env)?.map(|value| (value, Origin::Environment))),
        };
        match nearest(&CONFIG) {
            Ok(Some((path, origin))) => layers.read_file(Path::new(&path), &origin),
            Ok(None) if Path::new(DEFAULT_FILE).exists() => {
                layers.read_file(Path::new(DEFAULT_FILE), &Origin::File(DEFAULT_FILE.into()));
            }
            Ok(None) => {}
            Err(problem) => layers.problems.push(problem),
        }
        for setting in ALL {
            match nearest(setting) {
                Ok(value) => layers.given.extend(value.map(|value| (setting.key, value))),
                Err(problem) => layers.problems.push(problem),
            }
        }
        layers.problems.extend(misspelt(env));
        layers
    }

    /// Nothing, if every layer could be read and names nothing unknown.
    ///
    /// # Errors
    /// All that is wrong so far.
    pub(crate) fn sound(&self) -> Result<(), SettingErrors> {
        self.problems().none()
    }

    pub(super) fn problems(&self) -> Problems {
        Problems::new(self.problems.clone())
    }

    pub(crate) fn get(&self, setting: &Setting) -> Option<Given> {
        let (value, origin) = self.given.get(setting.key)?.clone();
        Some(Given { setting: setting.env, value, origin })
    }
}

fn variable(setting: &Setting, env: &Environment) -> Result<Option<String>, SettingError> {
    let Some(value) = env.get(setting.env).filter(|value| !value.is_empty()) else { return Ok(None) };
    let error = |_| SettingError {
        setting: setting.env.into(),
        rule: "must be UTF-8".into(),
        origin: Origin::Environment,
    };
    value.clone().into_string().map(Some).map_err(error)
}

fn misspelt(env: &Environment) -> impl Iterator<Item = SettingError> {
    let names = env.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name);
    names.filter_map(|name| {
        let rule = unknown::variable(name)?;
        Some(SettingError { setting: name.clone(), rule, origin: Origin::Environment })
    })
}

type Values = BTreeMap<&'static str, (String, Origin)>;

impl Layers {
    /// `named_by` is where the file's own name came from, for the error when it can't be read.
    fn read_file(&mut self, path: &Path, named_by: &Origin) {
        match parse_file(path, named_by) {
            Ok(table) => {
                let origin = Origin::File(path.into());
                for (key, value) in table {
                    match entry(&key, value, &origin) {
                        Ok(entry) => self.given.extend([entry]),
                        Err(problem) => self.problems.push(problem),
                    }
                }
            }
            Err(problem) => self.problems.push(problem),
        }
    }
}

fn parse_file(path: &Path, named_by: &Origin) -> Result<toml::Table, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|error| SettingError {
        setting: CONFIG.env.into(),
        rule: format!("names {}, which can't be read: {error}", path.display()),
        origin: named_by.clone(),
    })?;
    // Where in the file, and never what stands there, which may be a secret.
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        let rule = format!("is no TOML in line {line}: {}", error.message());
        SettingError { setting: THE_FILE.into(), rule, origin: Origin::File(path.into()) }
    })
}

fn entry(
    key: &str,
    value: toml::Value,
    origin: &Origin,
) -> Result<(&'static str, (String, Origin)), SettingError> {
    let Some(setting) = ALL.iter().find(|setting| setting.key == key) else {
        let rule = unknown::key(key);
        return Err(SettingError { setting: THE_FILE.into(), rule, origin: origin.clone() });
    };
    let value = match value {
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(switch) => switch.to_string(),
        _ => {
            let rule = "must be a string, a whole number, true or false".into();
            return Err(SettingError { setting: setting.key.into(), rule, origin: origin.clone() });
        }
    };
    Ok((setting.key, (value, origin.clone())))
}
