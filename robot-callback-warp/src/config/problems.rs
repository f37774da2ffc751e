//! All that is wrong with the settings, collected, so that it is told at once and not one after another.

use std::fmt;

use super::SettingError;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<SettingError>);

impl Problems {
    pub(super) fn new(found: Vec<SettingError>) -> Self {
        Self(found)
    }

    pub(super) fn push(&mut self, problem: SettingError) {
        self.0.push(problem);
    }

    /// The value; or the other one, and a problem more.
    pub(super) fn or<T>(&mut self, value: Result<T, SettingError>, other: T) -> T {
        value.unwrap_or_else(|problem| {
            self.push(problem);
            other
        })
    }

    /// Nothing, if nothing is wrong.
    ///
    /// # Errors
    /// All of it.
    pub(super) fn none(self) -> Result<(), SettingErrors> {
        if self.0.is_empty() { Ok(()) } else { Err(SettingErrors(self.0)) }
    }
}

/// Settings that can't be used; one or more.
#[derive(Debug, thiserror::Error)]
pub(crate) struct SettingErrors(pub(crate) Vec<SettingError>);

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl From<SettingError> for SettingErrors {
    fn from(error: SettingError) -> Self {
        Self(vec![error])
    }
}
