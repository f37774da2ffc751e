//! Every job recounted from its items.

use tokio_postgres::Row;

use super::columns::Columns;
use super::error::PostgresError;
use super::rows::{self, job_columns};
use super::session::{Session, Statement};
use crate::view::{Discrepancy, Recount};

/// What the old system announced of a first run stands in its own column alone.
static RECOUNT: Statement = Statement {
    sql: concat!(
        "SELECT ",
        job_columns!(),
        ", coalesce(i.items, 0)::integer AS items, coalesce(i.successes, 0)::integer AS successes,
            coalesce(i.errors, 0)::integer AS errors,
            (b.job_id IS NOT NULL OR (coalesce(s.run, 1) = 1 AND j.batch_completed_emitted)) AS announced
        FROM public.robot_jobs j
        LEFT JOIN robot_callback.job_state s ON s.job_id = j.id
        LEFT JOIN robot_callback.batch_completions b ON b.job_id = j.id AND b.run = coalesce(s.run, 1)
        LEFT JOIN (SELECT job_id, count(*) AS items, count(*) FILTER (WHERE status = 'success') AS successes,
                count(*) FILTER (WHERE status = 'error') AS errors
            FROM public.robot_job_items GROUP BY job_id) i ON i.job_id = j.id"
    ),
    types: &[],
};

pub(super) async fn verify(db: &Session) -> Result<Vec<Discrepancy>, PostgresError> {
    let mut found = Vec::new();
    for row in db.query(&RECOUNT, &[]).await? {
        found.extend(recount(&row)?.discrepancies());
    }
    Ok(found)
}

fn recount(row: &Row) -> Result<Recount, PostgresError> {
    Ok(Recount {
        job: rows::job(&mut Columns::of(row))?,
        items: rows::count(row, "items")?,
        successes: rows::count(row, "successes")?,
        errors: rows::count(row, "errors")?,
        announced: row.try_get("announced")?,
    })
}
