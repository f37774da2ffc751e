//! Where an operator sits at the command line: the store, who they are, and how they are answered.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches};
use robot_callback_core::{
    Allowance, Command, Deadline, Effect, FieldError, Operation, OperatorStore, PageRequest, Rules,
    StoreError,
};
use serde_json::{Value, json};

use super::asked::Asked;
use super::{CliError, actor, say, store};
use crate::config::{self, Database, Layers, SettingError};

pub(super) struct Desk {
    pub(super) database: Database,
    rules: Rules,
    allowance: Option<Allowance>,
}

impl Desk {
    pub(super) fn of(layers: &Layers) -> Result<Self, SettingError> {
        let rules = Rules { field_changes: config::field_changes(layers)? };
        Ok(Self { database: config::database(layers)?, rules, allowance: config::allowance(layers)? })
    }

    /// The store, which must be there unless it may be made.
    pub(super) async fn store(&self, may_make: bool) -> Result<Arc<dyn OperatorStore>, CliError> {
        store::open_beside(&self.database, may_make, self.rules).await
    }

    /// What is said of a deadline; the settings' formula where nothing is.
    pub(super) fn deadline(&self, asked: &Asked<'_>) -> Result<Deadline, CliError> {
        Ok(asked.deadline()?.or(self.allowance))
    }

    pub(super) fn default_deadline(&self, said: Deadline) -> Deadline {
        said.or(self.allowance)
    }

    /// Has something done, and says what came of it.
    pub(super) async fn operate(
        &self,
        asked: &Asked<'_>,
        operation: Operation,
    ) -> Result<ExitCode, CliError> {
        let store = self.store(false).await?;
        let command = Command { operation, actor: actor::actor(), key: asked.key()? };
        let answer = store.operate(command).await.map_err(out_of_reach)?;
        let done = answer.map_err(|objection| CliError::Failed(objection.to_string()))?;
        if asked.json() {
            return show(&json!({"effect": done.effect, "repeated": done.repeated}));
        }
        let before = if done.repeated { " (done before, under this key)" } else { "" };
        say(format_args!("{}{before}", in_words(&done.effect)));
        Ok(ExitCode::SUCCESS)
    }
}

/// A page as JSON, or as a table with the way to the next one.
pub(super) fn page(
    asked: &Asked<'_>,
    json: &Value,
    table: &str,
    next: Option<robot_callback_core::Cursor>,
) -> Result<ExitCode, CliError> {
    if asked.json() {
        return show(json);
    }
    say(if table.is_empty() { "none" } else { table });
    if let Some(next) = next {
        say(format_args!("\nmore with --cursor {next}"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(json: &Value) -> Result<ExitCode, CliError> {
    say(serde_json::to_string_pretty(json).map_err(|error| CliError::failed("writing JSON", &error))?);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn out_of_reach(error: StoreError) -> CliError {
    CliError::failed("asking the store", &error)
}

fn in_words(effect: &Effect) -> String {
    match effect {
        Effect::Nothing => "nothing was to be done".into(),
        Effect::Reopened { run, items, deadline } => {
            let until = deadline.map_or("without a deadline".into(), |at| format!("until {at}"));
            format!("re-opened {} items in run {run}, {until}", items.len())
        }
        Effect::DeadlineSet { deadline: Some(at) } => format!("the deadline is {at}"),
        Effect::DeadlineSet { deadline: None } => "there is no deadline any more".into(),
        Effect::Resolved(applied) => format!("settled; {} events were recorded", applied.events),
        Effect::Redriven { entries } => format!("{} dead letters are due again", entries.len()),
        Effect::Dropped { event_id } => format!("dropped {event_id}; it is kept with the reason"),
        Effect::Acknowledged { run } => format!("the completion of run {run} is not sent again"),
    }
}

pub(super) fn json_flag() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON, not text for people")
}

pub(super) fn key_flag() -> Arg {
    let help = "Under the same key the same is done once; repeating it says what was done";
    Arg::new("key").long("key").value_name("KEY").help(help)
}

/// `--limit` and `--cursor`.
pub(super) fn page_flags() -> [Arg; 2] {
    [
        Arg::new("limit").long("limit").value_name("N").help("At most so many rows, up to 500 [default: 50]"),
        Arg::new("cursor").long("cursor").value_name("CURSOR").help("Go on where the page before ended"),
    ]
}

pub(super) fn page_of(asked: &Asked<'_>) -> Result<PageRequest, CliError> {
    let limit = asked.number("limit", "must be a whole number from 1 to 500", 1..=500)?;
    let after = asked.parsed("cursor", "must be the cursor of a page before")?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    Ok(PageRequest { limit: limit.unwrap_or(PageRequest::default().limit), after })
}

/// What was asked of a subcommand.
pub(super) fn asked(matches: &ArgMatches) -> Asked<'_> {
    Asked(matches)
}

impl From<FieldError> for CliError {
    fn from(error: FieldError) -> Self {
        Self::Failed(error.to_string())
    }
}
