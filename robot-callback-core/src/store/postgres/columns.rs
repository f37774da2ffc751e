//! The columns of a row, taken one after another. Looking each up by its name compares it with a dozen others.

use std::time::SystemTime;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::error::PostgresError;
use super::rows::unreadable;
use crate::clock::Timestamp;

/// What is left of a row. A struct's fields are read in the order they are written in, so a reader stands beside the
/// list of its columns and has their order.
pub(super) struct Columns<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: FromSql<'a>>(&mut self) -> Result<T, PostgresError> {
        self.next += 1;
        Ok(self.row.try_get(self.next - 1)?)
    }

    /// PostgreSQL has signed numbers only; ours never are below zero.
    pub(super) fn count(&mut self) -> Result<u32, PostgresError> {
        self.read(|number: i32| u32::try_from(number).map_err(|_| format!("{number} is below zero")))
    }

    /// A word that stands for something.
    pub(super) fn word<T>(&mut self, meaning: fn(&str) -> Option<T>) -> Result<T, PostgresError> {
        self.read(|word: &str| meaning(word).ok_or_else(|| format!("{word:?} is not known")))
    }

    pub(super) fn moment(&mut self) -> Result<Timestamp, PostgresError> {
        self.take::<SystemTime>().map(Timestamp::from)
    }

    pub(super) fn moment_if_any(&mut self) -> Result<Option<Timestamp>, PostgresError> {
        Ok(self.take::<Option<SystemTime>>()?.map(Timestamp::from))
    }

    /// What a value says that may say nothing.
    pub(super) fn read<V: FromSql<'a>, T, E: ToString>(
        &mut self,
        meaning: impl FnOnce(V) -> Result<T, E>,
    ) -> Result<T, PostgresError> {
        let value = self.take()?;
        meaning(value).map_err(|error| {
            let column = self.row.columns().get(self.next - 1).map_or("", |column| column.name());
            unreadable(column, error.to_string())
        })
    }
}
