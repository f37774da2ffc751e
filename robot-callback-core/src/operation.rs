//! What an operator asks for, what that did, and why it may not be done. Values, and the rules that need no store.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::clock::Timestamp;
use crate::deadline::Deadline;
use crate::id::{ItemId, JobId};
use crate::job::{Job, JobStatus};
use crate::kept::Resolution;
use crate::outbox::EntryId;
use crate::store::Applied;

/// One change by an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Operation {
    /// Re-opens failed items of a job: each gets its next attempt, the job its next run, with a deadline of its own.
    Retry {
        /// The job.
        job_id: JobId,
        /// Those of its items; `None` for all that failed.
        items: Option<Vec<ItemId>>,
        /// Only while the job is in that run: asked again, it re-opens nothing.
        run: Option<u32>,
        /// The new run's deadline. The old one has usually passed.
        deadline: Deadline,
    },
    /// Gives a job that has open items another deadline, or none.
    SetDeadline {
        /// The job.
        job_id: JobId,
        /// Its deadline from now on.
        deadline: Deadline,
    },
    /// Settles a kept report: accepting it lets it win over what the item ended with, counters, order and event
    /// included; dismissing it leaves all as it is.
    Resolve {
        /// The kept report.
        kept_id: i64,
        /// What is decided.
        resolution: Resolution,
    },
    /// Puts dead letters back among the entries that are due. Those that are no dead letters are left alone.
    Redrive {
        /// Which; `None` for all.
        entries: Option<Vec<EntryId>>,
    },
    /// Gives a dead letter up for good. It stays, with the reason.
    Drop {
        /// Which.
        entry_id: EntryId,
        /// Why, for whoever asks later.
        reason: String,
    },
    /// Whoever waited for the completion of a job's run has it: it is not sent again.
    Acknowledge {
        /// The job.
        job_id: JobId,
        /// The run; the current one without it.
        run: Option<u32>,
    },
}

impl Operation {
    /// Its name in the record.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::SetDeadline { .. } => "set_deadline",
            Self::Resolve { resolution: Resolution::Accepted, .. } => "accept",
            Self::Resolve { resolution: Resolution::Dismissed, .. } => "dismiss",
            Self::Redrive { .. } => "redrive",
            Self::Drop { .. } => "drop",
            Self::Acknowledge { .. } => "acknowledge",
        }
    }

    /// The job it is about, if it names one.
    #[must_use]
    pub fn job_id(&self) -> Option<JobId> {
        match self {
            Self::Retry { job_id, .. }
            | Self::SetDeadline { job_id, .. }
            | Self::Acknowledge { job_id, .. } => Some(*job_id),
            Self::Resolve { .. } | Self::Redrive { .. } | Self::Drop { .. } => None,
        }
    }
}

/// Who does something: a name for the record, of at most 100 printable characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Actor(String);

impl Actor {
    /// Whoever calls themselves that.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.chars().filter(|c| !c.is_control()).take(100).collect())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Default for Actor {
    /// Nobody who said a name.
    fn default() -> Self {
        Self::new("unnamed")
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An operation, and who wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What.
    pub operation: Operation,
    /// Who.
    pub actor: Actor,
    /// The same operation under the same key is done once, whoever asks. `None`: no such protection.
    pub key: Option<String>,
}

impl Command {
    /// That operation, by that actor, under no key.
    #[must_use]
    pub fn new(operation: Operation, actor: Actor) -> Self {
        Self { operation, actor, key: None }
    }

    /// The same under a key.
    #[must_use]
    pub fn under(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// What is answered when that action was recorded under the same key before.
    ///
    /// # Errors
    /// [`Objection::KeyReused`], when it was another operation.
    pub fn done_before(&self, action: &Action) -> Answer {
        let same = serde_json::to_value(&self.operation).is_ok_and(|request| request == action.request);
        let effect = Effect::deserialize(&action.effect).ok().filter(|_| same);
        effect.map(|effect| Done { effect, repeated: true }).ok_or(Objection::KeyReused(action.id))
    }
}

/// What an operation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// All was as asked before, or there was nothing to do it to.
    Nothing,
    /// Items were re-opened.
    Reopened {
        /// The job's run from now on.
        run: u32,
        /// Which items, in the order of the job.
        items: Vec<ItemId>,
        /// The run's deadline.
        deadline: Option<Timestamp>,
    },
    /// A job's deadline was set.
    DeadlineSet {
        /// What it is from now on.
        deadline: Option<Timestamp>,
    },
    /// A kept report was settled.
    Resolved(Applied),
    /// Dead letters are due again.
    Redriven {
        /// Which, oldest first.
        entries: Vec<EntryId>,
    },
    /// A dead letter was dropped.
    Dropped {
        /// Its event's id.
        event_id: String,
    },
    /// A run's completion is not sent again.
    Acknowledged {
        /// The run.
        run: u32,
    },
}

/// What was done, and whether that was now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What.
    pub effect: Effect,
    /// Whether it was done before, under the same key. Nothing was done now.
    pub repeated: bool,
}

impl Done {
    /// Done now.
    #[must_use]
    pub fn now(effect: Effect) -> Self {
        Self { effect, repeated: false }
    }
}

/// Why an operation was not done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// There is no such thing.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The job is in another run than was expected.
    #[error("the job is in run {0}")]
    RunIs(u32),
    /// The kept report was settled the other way.
    #[error("the kept report was {} before", .0.name())]
    Settled(Resolution),
    /// The job has no open items that a deadline could close; a retry brings its own.
    #[error("the job has no open items")]
    NothingOpen,
    /// The job's run is not complete yet.
    #[error("the run is not complete")]
    NotComplete,
    /// The entry is none that was refused for good.
    #[error("the entry is no dead letter")]
    NotDead,
    /// The key belongs to another operation, recorded as the action of that number.
    #[error("the idempotency key belongs to action {0}")]
    KeyReused(i64),
}

impl Objection {
    /// A job that nobody has.
    pub const NO_JOB: Self = Self::Unknown("job");
    /// A kept report that nobody has.
    pub const NO_KEPT_REPORT: Self = Self::Unknown("kept report");
    /// An entry that nobody has.
    pub const NO_ENTRY: Self = Self::Unknown("entry");

    /// Objects to a job in another run than that.
    ///
    /// # Errors
    /// [`RunIs`](Self::RunIs).
    pub fn unless_in_run(job: &Job, run: Option<u32>) -> Result<(), Self> {
        if run.is_none_or(|run| run == job.run) { Ok(()) } else { Err(Self::RunIs(job.run)) }
    }

    /// The run that an acknowledgement is about: a complete one.
    ///
    /// # Errors
    /// [`RunIs`](Self::RunIs) for one that is still to come, [`NotComplete`](Self::NotComplete).
    pub fn unless_complete(job: &Job, run: Option<u32>) -> Result<u32, Self> {
        let run = run.unwrap_or(job.run);
        if !(1..=job.run).contains(&run) {
            return Err(Self::RunIs(job.run));
        }
        if run == job.run && job.status != JobStatus::Completed { Err(Self::NotComplete) } else { Ok(run) }
    }
}

/// What comes of a command.
pub type Answer = Result<Done, Objection>;
