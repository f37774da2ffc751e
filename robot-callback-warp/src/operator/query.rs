//! The query of a request: parameters taken one by one, so that an unknown one is told and not ignored.

use std::str::FromStr;

use robot_callback_core::{FieldError, PageRequest};

/// What is left of a query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// The most rows of a page.
const MOST: usize = 500;

impl Query {
    pub(super) fn parse(raw: &str) -> Self {
        Self(form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a parameter out; `rule` is what it must be.
    pub(super) fn take<T: FromStr>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Result<Option<T>, FieldError> {
        self.take_by(name, rule, |text| text.parse().ok())
    }

    /// Takes a parameter out that stands for something.
    pub(super) fn take_by<T>(
        &mut self,
        name: &'static str,
        rule: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let Some(place) = self.0.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (_, text) = self.0.remove(place);
        if self.0.iter().any(|(given, _)| given == name) {
            return Err(FieldError::new(name, "must be given once"));
        }
        read(&text).map(Some).ok_or(FieldError::new(name, rule))
    }

    pub(super) fn switch(&mut self, name: &'static str) -> Result<Option<bool>, FieldError> {
        self.take(name, "must be true or false")
    }

    /// `limit` and `cursor`.
    pub(super) fn page(&mut self) -> Result<PageRequest, FieldError> {
        let in_range = |text: &str| text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        let limit = self.take_by("limit", "must be a whole number from 1 to 500", in_range)?;
        let after = self.take("cursor", "must be the `next` of a page before")?;
        Ok(PageRequest { limit: limit.unwrap_or(PageRequest::default().limit), after })
    }

    /// Nothing is left.
    pub(super) fn end(self) -> Result<(), FieldError> {
        let Some((name, _)) = self.0.into_iter().next() else { return Ok(()) };
        Err(FieldError::new(name.chars().take(60).collect::<String>(), "is no parameter of this path"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_taken_once_and_none_is_ignored() {
        let mut query = Query::parse("limit=7&at=2026-01-01T00%3A00%3A00Z&x=1");
        assert_eq!(query.page().unwrap(), PageRequest::first(7));
        let at: Option<robot_callback_core::Timestamp> = query.take("at", "").unwrap();
        assert_eq!(at.unwrap().to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(query.end().unwrap_err().to_string(), "x is no parameter of this path");
        for (raw, told) in [
            ("limit=0", "limit must be a whole number from 1 to 500"),
            ("limit=501", "limit must be a whole number from 1 to 500"),
            ("limit=1&limit=2", "limit must be given once"),
            ("cursor=x", "cursor must be the `next` of a page before"),
        ] {
            assert_eq!(Query::parse(raw).page().unwrap_err().to_string(), told);
        }
    }
}
