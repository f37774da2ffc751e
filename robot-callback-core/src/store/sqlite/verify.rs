//! Every job recounted from its items.

use std::sync::LazyLock;

use rusqlite::{Connection, Row};

use super::columns::Columns;
use super::rows;
use crate::view::{Discrepancy, Recount};

static RECOUNT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {job}, count(i.id),
            count(i.id) FILTER (WHERE i.status = 'success'),
            count(i.id) FILTER (WHERE i.status = 'error'),
            EXISTS (SELECT 1 FROM batch_completions b WHERE b.job_id = j.id AND b.run = j.run)
         FROM robot_jobs j LEFT JOIN robot_job_items i ON i.job_id = j.id GROUP BY j.id",
        job = rows::JOB
    )
});

pub(super) fn verify(db: &Connection) -> rusqlite::Result<Vec<Discrepancy>> {
    let mut query = db.prepare_cached(&RECOUNT)?;
    let mut found = Vec::new();
    for recount in query.query_map([], recount)? {
        found.extend(recount?.discrepancies());
    }
    Ok(found)
}

fn recount(row: &Row<'_>) -> rusqlite::Result<Recount> {
    let columns = &mut Columns::of(row);
    Ok(Recount {
        job: rows::job(columns)?,
        items: columns.take()?,
        successes: columns.take()?,
        errors: columns.take()?,
        announced: columns.take()?,
    })
}
