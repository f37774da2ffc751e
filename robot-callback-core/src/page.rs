//! Long lists, page by page: what was shown last is said instead of counted, so that rows that come or go meanwhile
//! make nobody see one twice. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// Where a page ended: what the last row shown is sorted by. Text for whoever asks, to be brought back as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// A number, such as an entry's or a place in a job.
    pub place: i64,
    /// A moment, in milliseconds since 1970.
    pub moment: i64,
    /// An id, where the others may be the same.
    pub id: Uuid,
}

impl Cursor {
    /// Of rows that have a number of their own.
    #[must_use]
    pub fn at(place: i64) -> Self {
        Self { place, moment: 0, id: Uuid::nil() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (self.moment, self.id) == (0, Uuid::nil()) {
            return write!(f, "{}", self.place);
        }
        write!(f, "{}.{}.{}", self.place, self.moment, self.id.simple())
    }
}

/// Text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of a page before")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().map_err(|_| CursorError);
        let Some((place, rest)) = text.split_once('.') else { return Ok(Self::at(number(text)?)) };
        let (moment, id) = rest.split_once('.').ok_or(CursorError)?;
        let id = id.parse().map_err(|_| CursorError)?;
        Ok(Self { place: number(place)?, moment: number(moment)?, id })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many rows. Default: 50.
    pub limit: usize,
    /// Those behind that one; from the beginning without it.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// The first so many.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { limit, after: None }
    }

    /// One row more than fits tells whether there is another page. For a store's own limit.
    #[must_use]
    pub fn probe(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(50)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Asks for the next page; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The first `limit` of rows that were [probed](PageRequest::probe), each with the cursor it stands at.
    #[must_use]
    pub fn cut(rows: impl IntoIterator<Item = (Cursor, T)>, limit: usize) -> Self {
        let mut rows = rows.into_iter();
        let mut last = None;
        let mut shown = Vec::new();
        for (cursor, row) in rows.by_ref().take(limit) {
            last = Some(cursor);
            shown.push(row);
        }
        Self { rows: shown, next: last.filter(|_| rows.next().is_some()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_own_text_and_nothing_else_is_one() {
        let whole = Cursor { place: -3, moment: 1_767_225_600_000, id: Uuid::from_u128(7) };
        for cursor in [whole, Cursor::at(0), Cursor::at(i64::MAX)] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "x", "1.", "1.2", "1.2.3", "1.2.3.4", "99999999999999999999"] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn only_a_page_with_more_behind_it_has_a_next() {
        let rows = || (1..=3).map(|n| (Cursor::at(n), n));
        assert_eq!(Page::cut(rows(), 2), Page { rows: vec![1, 2], next: Some(Cursor::at(2)) });
        assert_eq!(Page::cut(rows(), 3), Page { rows: vec![1, 2, 3], next: None });
        assert_eq!(Page::cut(rows(), 0), Page { rows: vec![], next: None });
    }
}
