//! What a set of changes writes: each table once, as a set.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::Applied;
use super::error::PostgresError;
use super::rows::{integer, system_time};
use super::scenes::Scenes;
use super::session::{Param, Session, Statement};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::id::{ItemId, JobId, OrderId};
use crate::job::{Item, Job, Order};
use crate::report::{ErrorType, Report};
use crate::verdict::Verdict;

static ITEMS: Statement = Statement {
    sql: "UPDATE public.robot_job_items i SET status = u.status, tracking_number = u.tracking_number,
            error_type = u.error_type, error_message = u.error_message, retry_count = u.retry_count,
            last_retry_at = CASE WHEN u.retry_count > i.retry_count THEN $8 ELSE i.last_retry_at END,
            completed_at = u.completed_at, updated_at = $8
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS u (id, status, tracking_number, error_type, error_message, retry_count, completed_at)
        WHERE i.id = u.id",
    types: &[
        Type::UUID_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
        Type::TIMESTAMPTZ,
    ],
};

static EXPIRED: Statement = Statement {
    sql: "INSERT INTO robot_callback.item_state (item_id, expired) SELECT * FROM unnest($1, $2)
        ON CONFLICT (item_id) DO UPDATE SET expired = excluded.expired",
    types: &[Type::UUID_ARRAY, Type::BOOL_ARRAY],
};

static ORDERS: Statement = Statement {
    sql: "UPDATE public.orders o SET carrier = u.carrier, tracking_number = u.tracking_number,
            carrier_guide_number = u.carrier_guide_number
        FROM unnest($1, $2, $3, $4) AS u (id, carrier, tracking_number, carrier_guide_number)
        WHERE o.id = u.id",
    types: &[Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};

/// `batch_completed_emitted` follows what older code expects: set with the completion, taken back by a re-opening.
static JOBS: Statement = Statement {
    sql: "UPDATE public.robot_jobs j SET status = u.status, success_count = u.success_count,
            error_count = u.error_count, completed_at = u.completed_at, updated_at = $6,
            batch_completed_emitted = CASE u.status WHEN 'completed' THEN true WHEN 'pending' THEN false
                ELSE j.batch_completed_emitted END
        FROM unnest($1, $2, $3, $4, $5) AS u (id, status, success_count, error_count, completed_at)
        WHERE j.id = u.id",
    types: &[
        Type::UUID_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
        Type::TIMESTAMPTZ,
    ],
};

/// The primary key refuses a second completion of the same run, whatever went before.
static COMPLETIONS: Statement = Statement {
    sql: "INSERT INTO robot_callback.batch_completions (job_id, run, recorded_at)
        SELECT u.job_id, u.run, $3 FROM unnest($1, $2) AS u (job_id, run)",
    types: &[Type::UUID_ARRAY, Type::INT4_ARRAY, Type::TIMESTAMPTZ],
};

static EVENTS: Statement = Statement {
    sql: "INSERT INTO robot_callback.outbox (event_id, name, data, traceparent, due_at, recorded_at)
        SELECT u.event_id, u.name, u.data, u.traceparent, $5, $5
        FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS u (event_id, name, data, traceparent, place)
        ORDER BY u.place ON CONFLICT (event_id) DO NOTHING RETURNING event_id",
    types: &[Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TIMESTAMPTZ],
};

static KEPT: Statement = Statement {
    sql: "INSERT INTO robot_callback.kept_reports
            (job_id, item_id, current_attempt, verdict, report, times, received_at, last_received_at)
        SELECT u.job_id, u.item_id, u.current_attempt, u.verdict, u.report, u.times, $7, $7
        FROM unnest($1, $2, $3, $4, $5, $6) AS u (job_id, item_id, current_attempt, verdict, report, times)
        ON CONFLICT (item_id, current_attempt, verdict, report)
        DO UPDATE SET times = kept_reports.times + excluded.times, last_received_at = excluded.last_received_at",
    types: &[
        Type::UUID_ARRAY,
        Type::UUID_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::TIMESTAMPTZ,
    ],
};

/// What tells one kept report from another.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct KeptKey {
    item: ItemId,
    attempt: u32,
    verdict: &'static str,
    report: String,
    job: JobId,
}

/// The writes of a set, gathered change by change.
#[derive(Default)]
pub(super) struct Writes {
    items: BTreeSet<ItemId>,
    jobs: BTreeSet<JobId>,
    orders: BTreeSet<OrderId>,
    expired: BTreeMap<ItemId, bool>,
    completions: Vec<(JobId, u32)>,
    events: Vec<Event>,
    kept: BTreeMap<KeptKey, u32>,
}

impl Writes {
    /// Adds a change, and says what its caller will hear if all its events are new.
    pub(super) fn add(&mut self, scenes: &mut Scenes, item: ItemId, change: Change) -> Option<Applied> {
        let before = scenes.items.get(&item)?;
        let (job_id, attempt, was_expired) = (before.job_id, before.attempt, before.expired);
        scenes.take_in(&change);
        if let Some(after) = &change.item {
            self.items.insert(after.id);
            if after.expired != was_expired {
                self.expired.insert(after.id, after.expired);
            }
        }
        self.orders.extend(change.order.iter().map(|order| order.id));
        if let Some(job) = &change.job {
            self.jobs.insert(job.id);
            self.completions.extend(change.completes.then_some((job.id, job.run)));
        }
        let (verdict, completed, order_missing) = (change.verdict, change.completes, change.order_missing);
        let events = change.events.len();
        self.events.extend(change.events);
        Some(Applied { verdict, job_id, attempt, completed, events, order_missing })
    }

    pub(super) fn keep(
        &mut self,
        job: JobId,
        attempt: u32,
        report: &Report,
        verdict: Verdict,
    ) -> Result<(), PostgresError> {
        let text = serde_json::to_string(report)
            .map_err(|error| super::rows::unreadable("report", error.to_string()))?;
        let key = KeptKey { item: report.item_id, attempt, verdict: verdict.name(), report: text, job };
        *self.kept.entry(key).or_default() += 1;
        Ok(())
    }

    /// Rows that were changed by hand, not through a change: a re-opening.
    pub(super) fn replace(&mut self, scenes: &mut Scenes, job: Job, items: Vec<Item>) {
        self.jobs.insert(job.id);
        scenes.jobs.insert(job.id, job);
        for item in items {
            self.items.insert(item.id);
            self.expired.insert(item.id, item.expired);
            scenes.items.insert(item.id, item);
        }
    }

    /// Writes it all, one statement behind the other without waiting in between; says which events were new.
    pub(super) async fn write(
        &self,
        db: &Session,
        scenes: &Scenes,
        now: Timestamp,
    ) -> Result<HashSet<String>, PostgresError> {
        let all = [&ITEMS, &EXPIRED, &ORDERS, &JOBS, &COMPLETIONS, &EVENTS, &KEPT];
        db.prepare(&all).await?;
        let (items, expired, orders, jobs, completions, events, kept) = tokio::join!(
            biased;
            self.write_items(db, scenes, now),
            self.write_expired(db),
            self.write_orders(db, scenes),
            self.write_jobs(db, scenes, now),
            self.write_completions(db, now),
            self.write_events(db, now),
            self.write_kept(db, now),
        );
        // In the order they were sent: what follows a failure only says that there was one.
        items.and(expired).and(orders).and(jobs).and(completions)?;
        let new = events?;
        kept.map(|()| new)
    }

    async fn write_items(&self, db: &Session, scenes: &Scenes, now: Timestamp) -> Result<(), PostgresError> {
        let rows = found(&self.items, &scenes.items);
        let of = |get: fn(&Item) -> Option<&str>| -> Vec<Option<&str>> {
            rows.iter().map(|row| get(row)).collect()
        };
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let statuses: Vec<&str> = rows.iter().map(|row| row.status.name()).collect();
        let numbers = of(|row| row.tracking_number.as_deref());
        let types = of(|row| row.error_type.map(ErrorType::name));
        let messages = of(|row| row.error_message.as_deref());
        let retries: Vec<i32> = rows.iter().map(|row| integer(row.attempt - 1)).collect();
        let completed: Vec<_> = rows.iter().map(|row| row.completed_at.map(system_time)).collect();
        let now = system_time(now);
        let params: [Param<'_>; 8] =
            [&ids, &statuses, &numbers, &types, &messages, &retries, &completed, &now];
        set(db, "items", &ITEMS, &params, ids.len()).await
    }

    async fn write_expired(&self, db: &Session) -> Result<(), PostgresError> {
        let ids: Vec<Uuid> = self.expired.keys().map(|item| item.0).collect();
        let expired: Vec<bool> = self.expired.values().copied().collect();
        set(db, "expired", &EXPIRED, &[&ids, &expired], ids.len()).await
    }

    async fn write_orders(&self, db: &Session, scenes: &Scenes) -> Result<(), PostgresError> {
        let rows = found(&self.orders, &scenes.orders);
        let of = |get: fn(&Order) -> &Option<String>| -> Vec<Option<&str>> {
            rows.iter().map(|row| get(row).as_deref()).collect()
        };
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let carriers = of(|row| &row.carrier);
        let numbers = of(|row| &row.tracking_number);
        let guides = of(|row| &row.carrier_guide_number);
        set(db, "orders", &ORDERS, &[&ids, &carriers, &numbers, &guides], ids.len()).await
    }

    async fn write_jobs(&self, db: &Session, scenes: &Scenes, now: Timestamp) -> Result<(), PostgresError> {
        let rows = found(&self.jobs, &scenes.jobs);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let statuses: Vec<&str> = rows.iter().map(|row| row.status.name()).collect();
        let successes: Vec<i32> = rows.iter().map(|row| integer(row.success_count)).collect();
        let errors: Vec<i32> = rows.iter().map(|row| integer(row.error_count)).collect();
        let completed: Vec<_> = rows.iter().map(|row| row.completed_at.map(system_time)).collect();
        let now = system_time(now);
        set(db, "jobs", &JOBS, &[&ids, &statuses, &successes, &errors, &completed, &now], ids.len()).await
    }

    async fn write_completions(&self, db: &Session, now: Timestamp) -> Result<(), PostgresError> {
        let jobs: Vec<Uuid> = self.completions.iter().map(|(job, _)| job.0).collect();
        let runs: Vec<i32> = self.completions.iter().map(|(_, run)| integer(*run)).collect();
        set(db, "completions", &COMPLETIONS, &[&jobs, &runs, &system_time(now)], jobs.len()).await
    }

    async fn write_events(&self, db: &Session, now: Timestamp) -> Result<HashSet<String>, PostgresError> {
        if self.events.is_empty() {
            return Ok(HashSet::new());
        }
        let ids: Vec<&str> = self.events.iter().map(|event| event.id.as_str()).collect();
        let names: Vec<&str> = self.events.iter().map(|event| event.name.as_str()).collect();
        let data: Vec<&str> = self.events.iter().map(|event| event.data.get()).collect();
        let traces: Vec<Option<&str>> =
            self.events.iter().map(|event| event.traceparent.as_deref()).collect();
        let rows = db.query(&EVENTS, &[&ids, &names, &data, &traces, &system_time(now)]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn write_kept(&self, db: &Session, now: Timestamp) -> Result<(), PostgresError> {
        let jobs: Vec<Uuid> = self.kept.keys().map(|key| key.job.0).collect();
        let items: Vec<Uuid> = self.kept.keys().map(|key| key.item.0).collect();
        let attempts: Vec<i32> = self.kept.keys().map(|key| integer(key.attempt)).collect();
        let verdicts: Vec<&str> = self.kept.keys().map(|key| key.verdict).collect();
        let reports: Vec<&str> = self.kept.keys().map(|key| key.report.as_str()).collect();
        let times: Vec<i32> = self.kept.values().map(|times| integer(*times)).collect();
        let now = system_time(now);
        let params: [Param<'_>; 7] = [&jobs, &items, &attempts, &verdicts, &reports, &times, &now];
        set(db, "kept", &KEPT, &params, jobs.len()).await
    }
}

fn found<'a, K: Ord + Eq + std::hash::Hash, V>(ids: &BTreeSet<K>, rows: &'a HashMap<K, V>) -> Vec<&'a V> {
    ids.iter().filter_map(|id| rows.get(id)).collect()
}

/// Runs a statement that must change `expected` rows; nothing when that is none.
async fn set(
    db: &Session,
    name: &'static str,
    statement: &Statement,
    params: &[Param<'_>],
    expected: usize,
) -> Result<(), PostgresError> {
    if expected == 0 {
        return Ok(());
    }
    let found = db.execute(statement, params).await?;
    if usize::try_from(found) == Ok(expected) {
        Ok(())
    } else {
        Err(PostgresError::Rows { statement: name, expected, found })
    }
}
