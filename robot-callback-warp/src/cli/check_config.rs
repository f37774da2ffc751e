//! `check-config`: what is in force and where it comes from, and all that is wrong with it. Changes nothing.

use std::process::ExitCode;

use super::{CliError, complain, say};
use crate::config::{ALL, Config, Layers, Setting};

/// Exits with 0 when a server could start with these settings, and else with what that server would exit with.
pub(super) fn run(layers: &Layers) -> Result<ExitCode, CliError> {
    say(in_force(layers));
    let problems = problems(layers);
    let Some(first) = problems.first() else {
        say("these settings can be used");
        return Ok(ExitCode::SUCCESS);
    };
    problems.iter().for_each(complain);
    Ok(ExitCode::from(first.code()))
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

/// All that is wrong, in the order in which a server would meet it.
fn problems(layers: &Layers) -> Vec<CliError> {
    let config = match Config::of(layers) {
        Ok(config) => config,
        Err(errors) => return vec![errors.into()],
    };
    let access = config.access.check().err().map(CliError::from);
    let tls = config.tls.as_ref().and_then(|files| files.read().err()).map(CliError::from);
    access.into_iter().chain(tls).collect()
}
