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
use crate::id::{ItemId, JobId};
use crate::kept::{KeptReport, Resolution};
use crate::operation::{Effect, Objection};
use crate::page::{Cursor, Page};
use crate::query::KeptQuery;
use crate::report::Report;
use crate::verdict::Verdict;

static LIST: Statement = Statement {
    sql: "SELECT id, job_id, current_attempt, verdict, report, times, received_at, resolution
        FROM robot_callback.kept_reports
        WHERE ($1::uuid IS NULL OR job_id = $1) AND (NOT $2 OR resolution IS NULL) AND id > $3
        ORDER BY id LIMIT $4",
    types: &[Type::UUID, Type::BOOL, Type::INT8, Type::INT8],
};

static ITEM: Statement =
    Statement { sql: "SELECT item_id FROM robot_callback.kept_reports WHERE id = $1", types: &[Type::INT8] };

static LOCK: Statement = Statement {
    sql: "SELECT id, job_id, current_attempt, verdict, report, times, received_at, resolution
        FROM robot_callback.kept_reports WHERE id = $1 FOR UPDATE",
    types: &[Type::INT8],
};

static RESOLVE: Statement = Statement {
    sql: "UPDATE robot_callback.kept_reports SET resolution = $2, resolved_at = $3 WHERE id = $1",
    types: &[Type::INT8, Type::TEXT, Type::TIMESTAMPTZ],
};

pub(super) async fn list(db: &Session, query: &KeptQuery) -> Result<Page<KeptReport>, PostgresError> {
    let after = query.page.after.map_or(i64::MIN, |after| after.place);
    let job = query.job.map(|JobId(id)| id);
    let rows = db.query(&LIST, &[&job, &query.open, &after, &query.page.probe()]).await?;
    let found = rows.iter().map(kept).collect::<Result<Vec<KeptReport>, _>>()?;
    Ok(Page::cut(found.into_iter().map(|kept| (Cursor::at(kept.id), kept)), query.page.limit))
}

/// Settles a kept report that nobody has settled before.
pub(super) async fn resolve(
    db: &Session,
    id: i64,
    resolution: Resolution,
    rules: Rules,
    now: Timestamp,
) -> Result<Result<Effect, Objection>, PostgresError> {
    let found = db.query(&ITEM, &[&id]).await?;
    let Some(item) = found.first() else { return Ok(Err(Objection::NO_KEPT_REPORT)) };
    let item = ItemId(item.try_get(0)?);
    // The job first, as reports do it.
    let mut scenes = Scenes::lock(db, &[item.0], &[item.0]).await?;
    let found = db.query(&LOCK, &[&id]).await?;
    let Some(kept) = found.first().map(kept).transpose()? else { return Ok(Err(Objection::NO_KEPT_REPORT)) };
    match kept.resolution {
        Some(before) if before == resolution => return Ok(Ok(Effect::Nothing)),
        Some(before) => return Ok(Err(Objection::Settled(before))),
        None => {}
    }
    db.execute(&RESOLVE, &[&id, &resolution.name(), &system_time(now)]).await?;
    let Some(scene) = scenes.of(item) else { return Ok(Ok(Effect::Nothing)) };
    let change = match resolution {
        Resolution::Accepted => change::accept(scene, &kept.report, rules, now),
        Resolution::Dismissed => Change::none(kept.verdict),
    };
    let mut writes = Writes::default();
    let applied = writes.add(&mut scenes, item, change);
    let events = writes.write(db, &scenes, now).await?;
    Ok(Ok(applied.map_or(Effect::Nothing, |applied| Effect::Resolved(Applied { events, ..applied }))))
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
