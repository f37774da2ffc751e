//! The table of kept reports, for an operator.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::super::Applied;
use super::error::PostgresError;
use super::rows::{count, moment, name, system_time, unreadable};
use super::scenes::Scenes;
use super::session::{Session, Statement};
use super::writes::Writes;
use crate::change::{self, Change, Rules};
use crate::clock::Timestamp;
use crate::id::JobId;
use crate::kept::{KeptReport, Resolution};
use crate::report::Report;
use crate::verdict::Verdict;

static OF_JOB: Statement = Statement {
    sql: "SELECT id, job_id, current_attempt, verdict, report, times, received_at, resolution
        FROM robot_callback.kept_reports WHERE job_id = $1 ORDER BY id",
    types: &[Type::UUID],
};

static RESOLVE: Statement = Statement {
    sql: "UPDATE robot_callback.kept_reports SET resolution = $2, resolved_at = $3
        WHERE id = $1 AND resolution IS NULL
        RETURNING id, job_id, current_attempt, verdict, report, times, received_at, resolution",
    types: &[Type::INT8, Type::TEXT, Type::TIMESTAMPTZ],
};

pub(super) async fn of_job(db: &Session, job: JobId) -> Result<Vec<KeptReport>, PostgresError> {
    db.query(&OF_JOB, &[&job.0]).await?.iter().map(kept).collect()
}

/// Settles a kept report that nobody has settled before.
pub(super) async fn resolve(
    db: &Session,
    id: i64,
    resolution: Resolution,
    rules: Rules,
    now: Timestamp,
) -> Result<Option<Applied>, PostgresError> {
    let settled = db.query(&RESOLVE, &[&id, &resolution.name(), &system_time(now)]).await?;
    let Some(kept) = settled.first().map(kept).transpose()? else { return Ok(None) };
    let item = kept.report.item_id;
    let mut scenes = Scenes::lock(db, &[item.0], &[item.0]).await?;
    let Some(scene) = scenes.of(item) else { return Ok(None) };
    let change = match resolution {
        Resolution::Accepted => change::accept(scene, &kept.report, rules, now),
        Resolution::Dismissed => Change::none(kept.verdict),
    };
    let mut writes = Writes::default();
    let applied = writes.add(&mut scenes, item, change);
    let events = writes.write(db, &scenes, now).await?.len();
    Ok(applied.map(|applied| Applied { events, ..applied }))
}

fn kept(row: &Row) -> Result<KeptReport, PostgresError> {
    let text: &str = row.try_get("report")?;
    let report = Report::parse(text.as_bytes()).map_err(|error| unreadable("report", error.to_string()))?;
    let resolution: Option<&str> = row.try_get("resolution")?;
    let received_at =
        moment(row, "received_at")?.ok_or_else(|| unreadable("received_at", "nothing".into()))?;
    Ok(KeptReport {
        id: row.try_get("id")?,
        job_id: JobId(row.try_get("job_id")?),
        verdict: name(row, "verdict", Verdict::from_name)?,
        current_attempt: count(row, "current_attempt")?,
        report,
        received_at,
        times: count(row, "times")?,
        resolution: resolution.and_then(Resolution::from_name),
    })
}
