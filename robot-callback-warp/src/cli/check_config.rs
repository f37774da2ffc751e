//! `check-config`: what is in force and where it comes from, and all that is wrong with it. Changes nothing.

use std::error::Error;
use std::process::ExitCode;

use super::{CliError, say};
use crate::config::{ALL, Config, Layers, Setting, TlsFiles};

/// Exits with 0 when a server could start with these settings.
pub(super) fn run(layers: &Layers) -> Result<ExitCode, CliError> {
    say(in_force(layers));
    let problems = problems(layers);
    if problems.is_empty() {
        say("these settings can be used");
        return Ok(ExitCode::SUCCESS);
    }
    Err(CliError::Failed(problems.join("\n")))
}

fn in_force(layers: &Layers) -> String {
    let rows: Vec<[String; 3]> = ALL.iter().map(|setting| row(setting, layers)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (names, values) = (width(0), width(1));
    let lines =
        rows.iter().map(|[name, value, origin]| format!("{name:names$}  {value:values$}  {origin}\n"));
    lines.collect()
}

fn row(setting: &Setting, layers: &Layers) -> [String; 3] {
    let given = layers.get(setting);
    let value = given.as_ref().map(|given| setting.shown(&given.value));
    let default = || setting.default().unwrap_or("none").to_owned();
    let origin = given.map_or("default".into(), |given| given.origin.to_string());
    [setting.env.to_owned(), value.unwrap_or_else(default), origin]
}

fn problems(layers: &Layers) -> Vec<String> {
    let config = match Config::of(layers) {
        Ok(config) => config,
        Err(errors) => return errors.0.iter().map(ToString::to_string).collect(),
    };
    let mut problems = Vec::new();
    let mut take = |error: &dyn Error| problems.push(CliError::failed("", error).to_string());
    if let Err(error) = config.access.check() {
        take(&error);
    }
    if let Some(Err(error)) = config.tls.as_ref().map(TlsFiles::read) {
        take(&error);
    }
    problems
}
