//! The columns of a row, taken one after another. Looking each up by its name took as long as all the rest of reading it.

use rusqlite::Row;
use rusqlite::types::{FromSql, Type};

use crate::clock::Timestamp;

/// What is left of a row. A struct's fields are read in the order they are written in, so a reader stands beside the
/// list of its columns and has their order.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let place = self.pass();
        self.row.get(place)
    }

    pub(super) fn moment(&mut self) -> rusqlite::Result<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    pub(super) fn moment_if_any(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    /// A word that stands for something.
    pub(super) fn word<T>(&mut self, meaning: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
        let place = self.pass();
        let word = self.row.get_ref(place)?.as_str()?;
        meaning(word).ok_or_else(|| self.unreadable(place, format!("{word:?} is not known")))
    }

    /// What a value says that may say nothing.
    pub(super) fn read<V: FromSql, T, E: ToString>(
        &mut self,
        meaning: impl FnOnce(V) -> Result<T, E>,
    ) -> rusqlite::Result<T> {
        let place = self.pass();
        meaning(self.row.get(place)?).map_err(|error| self.unreadable(place, error.to_string()))
    }

    fn pass(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn unreadable(&self, place: usize, why: String) -> rusqlite::Error {
        let column = self.row.as_ref().column_name(place).unwrap_or_default();
        rusqlite::Error::FromSqlConversionFailure(place, Type::Text, format!("{column}: {why}").into())
    }
}
