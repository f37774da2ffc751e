//! What an answer means. Pure: one table says of each status whether to try again.

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use robot_callback_core::{Timestamp, Verdict};
use serde_json::Value;

use crate::failure::TryAgain;
use crate::retry_after::retry_after;

/// A report is delivered: its result survives a crash of every process involved, the instant after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// What the report did; `None` when the receiver did not say, or said a word that this version does not know.
    pub verdict: Option<Verdict>,
}

/// An answer that does not mean delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether the same report may be delivered another time.
    pub try_again: TryAgain,
    /// The receiver's reason in its own words, at most 300 characters.
    pub said: Option<String>,
    /// How long the receiver asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Reads an answer.
    pub(crate) fn read(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Delivered, Self> {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        if let (200..=299, Some(json)) = (status, &json)
            && json["received"] == true
        {
            return Ok(Delivered { verdict: json["verdict"].as_str().and_then(Verdict::from_name) });
        }
        let error = json.as_ref().and_then(|json| json["error"].as_str());
        Err(Self {
            status,
            try_again: try_again(status, error.is_some()),
            said: error.map(str::to_owned).or_else(|| redirection(status, headers)),
            retry_after: retry_after(headers, now),
        })
    }

    /// The same answer, its words passed through `clean`, cut, and rid of control characters.
    pub(crate) fn cleaned(self, clean: impl Fn(&str) -> String) -> Self {
        const MAX_CHARS: usize = 300;
        let cut = |said: String| clean(&said).chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect();
        Self { said: self.said.map(cut), ..self }
    }
}

/// The table. A refusal only counts as one of the report when it `explains` itself as a callback endpoint does:
/// else somebody else answered, a proxy or another site, who knows nothing of the report.
fn try_again(status: u16, explains: bool) -> TryAgain {
    match status {
        401 | 403 | 407 => TryAgain::Reconfigured,
        408 | 425 | 429 => TryAgain::Later,
        400..=499 if explains => TryAgain::Never,
        100..=199 | 300..=499 => TryAgain::Reconfigured,
        _ => TryAgain::Later,
    }
}

/// Where a redirect leads, without its query: for the log, never followed.
fn redirection(status: u16, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION).filter(|_| (300..=399).contains(&status))?.to_str().ok()?;
    location.split(['?', '#']).next().map(|place| format!("it is at {place}"))
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)?;
        f.write_str(match self.status {
            200..=299 => ", but not as a callback endpoint does",
            300..=399 => ", a redirect, which is not followed",
            401 | 403 => ", the secret is refused",
            _ => "",
        })?;
        self.said.iter().try_for_each(|said| write!(f, ": {said}"))
    }
}

impl std::error::Error for Answer {}

#[cfg(test)]
mod tests;
