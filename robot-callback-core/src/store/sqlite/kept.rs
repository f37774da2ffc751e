//! The table of kept reports.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::Columns;
use super::{apply, rows};
use crate::change::{self, Change, Rules};
use crate::clock::Timestamp;
use crate::id::JobId;
use crate::kept::{KeptReport, Resolution};
use crate::operation::{Effect, Objection};
use crate::page::{Cursor, Page};
use crate::query::KeptQuery;
use crate::report::Report;
use crate::verdict::Verdict;

/// In the order in which [`kept`] reads them.
const COLUMNS: &str = "id, job_id, verdict, current_attempt, report, received_at, times, resolution";

/// Keeps a report. The same one, heard again in the same situation, is counted.
pub(super) fn keep(
    db: &Connection,
    job_id: JobId,
    current_attempt: u32,
    report: &Report,
    verdict: Verdict,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO kept_reports
        (job_id, item_id, current_attempt, verdict, report, received_at, last_received_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
        ON CONFLICT (item_id, current_attempt, verdict, report)
        DO UPDATE SET times = times + 1, last_received_at = excluded.last_received_at";
    let text = serde_json::to_string(report)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let now = now.as_millis();
    db.prepare_cached(sql)?
        .execute(params![job_id.0, report.item_id.0, current_attempt, verdict.name(), text, now])
        .map(drop)
}

pub(super) fn list(db: &Connection, query: &KeptQuery) -> rusqlite::Result<Page<KeptReport>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM kept_reports WHERE (?1 IS NULL OR job_id = ?1)
         AND (NOT ?2 OR resolution IS NULL) AND id > ?3 ORDER BY id LIMIT ?4"
    );
    let after = query.page.after.map_or(i64::MIN, |after| after.place);
    let mut list = db.prepare_cached(&sql)?;
    let job = query.job.map(|JobId(id)| id);
    let found = list.query_map(params![job, query.open, after, query.page.probe()], kept)?;
    let found = found.collect::<rusqlite::Result<Vec<KeptReport>>>()?;
    Ok(Page::cut(found.into_iter().map(|kept| (Cursor::at(kept.id), kept)), query.page.limit))
}

/// Settles a kept report that nobody has settled before.
pub(super) fn resolve(
    db: &Connection,
    id: i64,
    resolution: Resolution,
    rules: Rules,
    now: Timestamp,
) -> rusqlite::Result<Result<Effect, Objection>> {
    let find = format!("SELECT {COLUMNS} FROM kept_reports WHERE id = ?1");
    let Some(kept) = db.prepare_cached(&find)?.query_row([id], kept).optional()? else {
        return Ok(Err(Objection::NO_KEPT_REPORT));
    };
    match kept.resolution {
        Some(before) if before == resolution => return Ok(Ok(Effect::Nothing)),
        Some(before) => return Ok(Err(Objection::Settled(before))),
        None => {}
    }
    let settle = "UPDATE kept_reports SET resolution = ?2, resolved_at = ?3 WHERE id = ?1";
    db.prepare_cached(settle)?.execute(params![id, resolution.name(), now.as_millis()])?;
    let Some(scene) = rows::scene(db, kept.report.item_id)? else { return Ok(Ok(Effect::Nothing)) };
    let attempt = scene.item.attempt;
    let change = match resolution {
        Resolution::Accepted => change::accept(scene, &kept.report, rules, now),
        Resolution::Dismissed => Change::none(kept.verdict),
    };
    apply::write(db, kept.job_id, attempt, change, now).map(|applied| Ok(Effect::Resolved(applied)))
}

fn kept(row: &Row<'_>) -> rusqlite::Result<KeptReport> {
    let columns = &mut Columns::of(row);
    Ok(KeptReport {
        id: columns.take()?,
        job_id: JobId(columns.take()?),
        verdict: columns.word(Verdict::from_name)?,
        current_attempt: columns.take()?,
        report: columns.read(|text: String| Report::parse(text.as_bytes()))?,
        received_at: columns.moment()?,
        times: columns.take()?,
        resolution: columns.take::<Option<String>>()?.as_deref().and_then(Resolution::from_name),
    })
}
