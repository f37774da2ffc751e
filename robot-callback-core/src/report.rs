//! A report: what one callback says of one item. Owns every rule of the payload; touches nothing else.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::field::{self, FieldError};
use crate::id::ItemId;
use crate::scope::Scope;
use crate::trace::Traceparent;
use crate::whole::Whole;

/// The outcome of one attempt at one item; `status` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The shipment was created.
    Success,
    /// It was not.
    Error,
}

/// Why an item failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorType {
    /// The order's own data was not acceptable.
    Validation,
    /// The carrier's portal refused.
    Portal,
    /// Nothing was heard in time.
    Timeout,
    /// Anything else.
    Unknown,
}

impl ErrorType {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Validation, Self::Portal, Self::Timeout, Self::Unknown];

    /// Its name on the wire and in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Portal => "portal",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Success, Self::Error];

    /// Its name on the wire and in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
        }
    }
}

/// What one callback says, every rule of the contract already applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The item reported on.
    pub item_id: ItemId,
    /// How its attempt ended.
    pub outcome: Outcome,
    /// The carrier's number for the shipment: 3 to 50 characters.
    pub tracking_number: Option<String>,
    /// Why it failed; always present for an error, never for a success.
    pub error_type: Option<ErrorType>,
    /// The failure in words, at most 500 characters.
    pub error_message: Option<String>,
    /// The attempt reported on, counted from 1; `None` means the one now open.
    pub attempt: Option<u32>,
    /// How far the word of whoever reports reaches. No payload says it: it is the presented secret's.
    pub scope: Scope,
    /// The trace that events of this report belong to. Not from the body, and not kept with a report that is.
    pub traceparent: Option<Traceparent>,
}

/// Why a body is not a report. Shown to the caller as it is.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The body is not one JSON object.
    #[error("the body must be one JSON object")]
    Json(#[source] serde_json::Error),
    /// A field breaks its rule.
    #[error(transparent)]
    Field(#[from] FieldError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    item_id: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    tracking_number: Option<&'a RawValue>,
    #[serde(borrow)]
    error_type: Option<&'a RawValue>,
    #[serde(borrow)]
    error_message: Option<&'a RawValue>,
    #[serde(borrow)]
    attempt: Option<&'a RawValue>,
}

impl<'a> Wire<'a> {
    /// Reads an object and nothing else: serde would take the fields from a JSON array in their order, too.
    fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(serde::de::Error::custom("expected an object"));
        }
        serde_json::from_slice(body)
    }
}

impl Report {
    /// A shipment that was created, with the carrier's number for it.
    #[must_use]
    pub fn success(item_id: ItemId, tracking_number: impl Into<String>) -> Self {
        let tracking_number = Some(tracking_number.into());
        Self { tracking_number, ..Self::bare(item_id, Outcome::Success) }
    }

    /// A shipment that was not created, and why.
    #[must_use]
    pub fn error(item_id: ItemId, error_type: ErrorType, message: impl Into<String>) -> Self {
        let (error_type, error_message) = (Some(error_type), Some(message.into()));
        Self { error_type, error_message, ..Self::bare(item_id, Outcome::Error) }
    }

    fn bare(item_id: ItemId, outcome: Outcome) -> Self {
        let (tracking_number, error_type, error_message, attempt) = (None, None, None, None);
        Self {
            item_id,
            outcome,
            tracking_number,
            error_type,
            error_message,
            attempt,
            scope: Scope::default(),
            traceparent: None,
        }
    }

    /// The same report, for the attempt of that number (counted from 1).
    #[must_use]
    pub fn for_attempt(self, attempt: u32) -> Self {
        Self { attempt: Some(attempt), ..self }
    }

    /// The same report, by somebody whose word reaches that far.
    #[must_use]
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The same report, as part of that trace.
    #[must_use]
    pub fn traced(self, traceparent: Option<Traceparent>) -> Self {
        Self { traceparent, ..self }
    }

    /// Reads a callback's body.
    ///
    /// # Errors
    /// [`ReportError::Json`] when the body is not one JSON object, [`ReportError::Field`] naming the first field
    /// that breaks its rule.
    pub fn parse(body: &[u8]) -> Result<Self, ReportError> {
        let wire = Wire::read(body).map_err(ReportError::Json)?;
        let item_id =
            field::uuid("itemId", wire.item_id)?.map(ItemId).ok_or_else(|| field::required("itemId"))?;
        let outcome = outcome(wire.status)?;
        Ok(Self {
            item_id,
            outcome,
            tracking_number: tracking_number(wire.tracking_number)?,
            error_type: error_type(wire.error_type, outcome)?,
            error_message: error_message(wire.error_message)?,
            attempt: attempt(wire.attempt)?,
            scope: Scope::default(),
            traceparent: None,
        })
    }

    /// Checks a report made by hand against the rules of the payload, and brings it into the form that
    /// [`parse`](Self::parse) would have given it.
    ///
    /// # Errors
    /// [`ReportError::Field`] naming the first field that breaks its rule.
    pub fn checked(self) -> Result<Self, ReportError> {
        Self::parse(&serde_json::to_vec(&self).map_err(ReportError::Json)?)
    }
}

/// The contract's JSON; a field without a value is left out.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("itemId", &self.item_id)?;
        map.serialize_entry("status", &self.outcome)?;
        if let Some(number) = &self.tracking_number {
            map.serialize_entry("trackingNumber", number)?;
        }
        if let Some(kind) = self.error_type {
            map.serialize_entry("errorType", &kind)?;
        }
        if let Some(message) = &self.error_message {
            map.serialize_entry("errorMessage", message)?;
        }
        if let Some(attempt) = self.attempt {
            map.serialize_entry("attempt", &attempt)?;
        }
        map.end()
    }
}

fn outcome(raw: Option<&RawValue>) -> Result<Outcome, FieldError> {
    match field::text("status", raw)?.as_deref() {
        None => Err(field::required("status")),
        Some("success") => Ok(Outcome::Success),
        Some("error") => Ok(Outcome::Error),
        Some(_) => Err(FieldError::new("status", "must be \"success\" or \"error\"")),
    }
}

fn tracking_number(raw: Option<&RawValue>) -> Result<Option<String>, FieldError> {
    const NAME: &str = "trackingNumber";
    let Some(text) = field::text(NAME, raw)? else { return Ok(None) };
    let number = text.trim();
    if number.chars().any(char::is_control) {
        return Err(FieldError::new(NAME, "must not contain control characters"));
    }
    match number.chars().count() {
        0 => Ok(None),
        3..=50 => Ok(Some(number.to_owned())),
        _ => Err(FieldError::new(NAME, "must be 3 to 50 characters long")),
    }
}

fn error_type(raw: Option<&RawValue>, outcome: Outcome) -> Result<Option<ErrorType>, FieldError> {
    let given = match field::text("errorType", raw)? {
        None => None,
        Some(name) => Some(ErrorType::from_name(&name).ok_or_else(|| {
            FieldError::new("errorType", "must be \"validation\", \"portal\", \"timeout\" or \"unknown\"")
        })?),
    };
    Ok(match outcome {
        Outcome::Success => None,
        Outcome::Error => Some(given.unwrap_or(ErrorType::Unknown)),
    })
}

/// Never refused for its length or for a broken character: the result beside it matters more.
fn error_message(raw: Option<&RawValue>) -> Result<Option<String>, FieldError> {
    const MAX_CHARS: usize = 500;
    let text = field::lossy_text("errorMessage", raw)?;
    let printable = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let message = text.map(|text| text.chars().filter(printable).take(MAX_CHARS).collect::<String>());
    Ok(message.filter(|message| !message.is_empty()))
}

fn attempt(raw: Option<&RawValue>) -> Result<Option<u32>, FieldError> {
    const RULE: &str = "must be a whole number from 1 to 2147483647";
    let Some(raw) = raw else { return Ok(None) };
    let Whole(number): Whole<u32> =
        serde_json::from_str(raw.get()).map_err(|_| FieldError::new("attempt", RULE))?;
    if (1..=i32::MAX.unsigned_abs()).contains(&number) {
        Ok(Some(number))
    } else {
        Err(FieldError::new("attempt", RULE))
    }
}

#[cfg(test)]
mod tests;
