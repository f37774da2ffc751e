//! Fields of a JSON object, read one by one, so that an error can name the field and the rule it breaks.

use std::borrow::Cow;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// A field that breaks a rule: `trackingNumber must be 3 to 50 characters long`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct FieldError {
    /// The field's name on the wire, with its place where it stands in a list (`orders[2].name`).
    pub field: String,
    /// What it must be.
    pub rule: &'static str,
}

impl FieldError {
    /// The field of that name breaks that rule.
    pub fn new(field: impl Into<String>, rule: &'static str) -> Self {
        Self { field: field.into(), rule }
    }
}

pub(crate) fn required(name: &str) -> FieldError {
    FieldError::new(name, "is required")
}

/// A string, copied only where something in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A string; absent when the field is missing or `null`.
pub(crate) fn text<'a>(name: &str, raw: Option<&'a RawValue>) -> Result<Option<Cow<'a, str>>, FieldError> {
    let Some(raw) = raw else { return Ok(None) };
    let text = serde_json::from_str(raw.get()).map(|Text(text)| Some(text));
    text.map_err(|_| FieldError::new(name, "must be a string"))
}

/// A UUID in the usual form, in any letter case; absent when the field is missing or `null`.
pub(crate) fn uuid(name: &str, raw: Option<&RawValue>) -> Result<Option<Uuid>, FieldError> {
    const HYPHENATED: usize = 36;
    let Some(text) = text(name, raw)? else { return Ok(None) };
    let uuid = Uuid::try_parse(&text).ok().filter(|_| text.len() == HYPHENATED);
    uuid.map(Some).ok_or_else(|| FieldError::new(name, "must be a UUID"))
}

/// A string in which half a character (a lone surrogate, as JavaScript's `slice` leaves it) becomes U+FFFD
/// instead of making the whole body unreadable.
pub(crate) fn lossy_text(name: &str, raw: Option<&RawValue>) -> Result<Option<String>, FieldError> {
    let Some(raw) = raw else { return Ok(None) };
    let mut json = serde_json::Deserializer::from_str(raw.get());
    json.deserialize_bytes(LossyText).map(Some).map_err(|_| FieldError::new(name, "must be a string"))
}

struct LossyText;

impl Visitor<'_> for LossyText {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}
