//! What a set writes, as the arrays of columns that the statement takes.

use std::time::SystemTime;

use uuid::Uuid;

use super::super::hand_over::Held;
use super::super::rows::{integer, system_time};
use super::super::scenes::Scenes;
use super::super::session::{Param, Statement};
use super::statement::{WRITE, WRITE_COMMON};
use super::{KeptKey, Writes};
use crate::clock::Timestamp;
use crate::event::Event;
use crate::job::{Item, Job, Order};
use crate::outbox::LeaseToken;
use crate::report::ErrorType;

/// The rows of a set, table by table.
pub(super) struct Rows<'a> {
    now: SystemTime,
    items: Items<'a>,
    expired: (Vec<Uuid>, Vec<bool>),
    orders: Orders<'a>,
    jobs: Jobs<'a>,
    completions: (Vec<Uuid>, Vec<i32>),
    events: Events<'a>,
    kept: Kept<'a>,
    due: SystemTime,
    lease: Option<LeaseToken>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(writes: &'a Writes, scenes: &'a Scenes, now: Timestamp, held: Option<Held>) -> Self {
        Self {
            now: system_time(now),
            items: Items::of(&scenes.items.changed().collect::<Vec<_>>()),
            expired: writes.expired.iter().map(|(item, expired)| (item.0, *expired)).unzip(),
            orders: Orders::of(&scenes.orders.changed().collect::<Vec<_>>()),
            jobs: Jobs::of(&scenes.jobs.changed().collect::<Vec<_>>()),
            completions: writes.completions.iter().map(|(job, run)| (job.0, integer(*run))).unzip(),
            events: Events::of(&writes.events),
            kept: Kept::of(&writes.kept.iter().collect::<Vec<_>>()),
            due: system_time(held.map_or(now, |held| held.until)),
            lease: held.map(|held| held.token),
        }
    }

    /// The statement that writes them, and its parameters.
    pub(super) fn statement(&self) -> (&'static Statement, Vec<Param<'_>>) {
        let Self { now, items, expired, orders, jobs, completions, events, kept, due, lease } = self;
        let mut params: Vec<Param<'_>> = vec![
            now,
            &items.ids,
            &items.statuses,
            &items.tracking_numbers,
            &items.error_types,
            &items.error_messages,
            &items.retry_counts,
            &items.completed,
            &orders.ids,
            &orders.carriers,
            &orders.tracking_numbers,
            &orders.guide_numbers,
            &jobs.ids,
            &jobs.statuses,
            &jobs.successes,
            &jobs.errors,
            &jobs.completed,
            &events.ids,
            &events.names,
            &events.data,
            &events.traces,
            due,
            lease,
        ];
        if expired.0.is_empty() && completions.0.is_empty() && kept.items.is_empty() {
            return (&WRITE_COMMON, params);
        }
        let more: [Param<'_>; 10] = [
            &expired.0,
            &expired.1,
            &completions.0,
            &completions.1,
            &kept.jobs,
            &kept.items,
            &kept.attempts,
            &kept.verdicts,
            &kept.reports,
            &kept.times,
        ];
        params.extend(more);
        (&WRITE, params)
    }
}

/// One value of each row.
fn column<R, V>(rows: &[R], value: impl Fn(&R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

struct Items<'a> {
    ids: Vec<Uuid>,
    statuses: Vec<&'a str>,
    tracking_numbers: Vec<Option<&'a str>>,
    error_types: Vec<Option<&'a str>>,
    error_messages: Vec<Option<&'a str>>,
    retry_counts: Vec<i32>,
    completed: Vec<Option<SystemTime>>,
}

impl<'a> Items<'a> {
    fn of(rows: &[&'a Item]) -> Self {
        Self {
            ids: column(rows, |item| item.id.0),
            statuses: column(rows, |item| item.status.name()),
            tracking_numbers: column(rows, |item| item.tracking_number.as_deref()),
            error_types: column(rows, |item| item.error_type.map(ErrorType::name)),
            error_messages: column(rows, |item| item.error_message.as_deref()),
            retry_counts: column(rows, |item| integer(item.attempt - 1)),
            completed: column(rows, |item| item.completed_at.map(system_time)),
        }
    }
}

struct Orders<'a> {
    ids: Vec<Uuid>,
    carriers: Vec<Option<&'a str>>,
    tracking_numbers: Vec<Option<&'a str>>,
    guide_numbers: Vec<Option<&'a str>>,
}

impl<'a> Orders<'a> {
    fn of(rows: &[&'a Order]) -> Self {
        Self {
            ids: column(rows, |order| order.id.0),
            carriers: column(rows, |order| order.carrier.as_deref()),
            tracking_numbers: column(rows, |order| order.tracking_number.as_deref()),
            guide_numbers: column(rows, |order| order.carrier_guide_number.as_deref()),
        }
    }
}

struct Jobs<'a> {
    ids: Vec<Uuid>,
    statuses: Vec<&'a str>,
    successes: Vec<i32>,
    errors: Vec<i32>,
    completed: Vec<Option<SystemTime>>,
}

impl<'a> Jobs<'a> {
    fn of(rows: &[&'a Job]) -> Self {
        Self {
            ids: column(rows, |job| job.id.0),
            statuses: column(rows, |job| job.status.name()),
            successes: column(rows, |job| integer(job.success_count)),
            errors: column(rows, |job| integer(job.error_count)),
            completed: column(rows, |job| job.completed_at.map(system_time)),
        }
    }
}

struct Events<'a> {
    ids: Vec<&'a str>,
    names: Vec<&'a str>,
    data: Vec<&'a str>,
    traces: Vec<Option<&'a str>>,
}

impl<'a> Events<'a> {
    fn of(rows: &'a [Event]) -> Self {
        Self {
            ids: rows.iter().map(|event| event.id.as_str()).collect(),
            names: rows.iter().map(|event| event.name.as_str()).collect(),
            data: rows.iter().map(|event| event.data.get()).collect(),
            traces: rows.iter().map(|event| event.traceparent.as_deref()).collect(),
        }
    }
}

struct Kept<'a> {
    jobs: Vec<Uuid>,
    items: Vec<Uuid>,
    attempts: Vec<i32>,
    verdicts: Vec<&'a str>,
    reports: Vec<&'a str>,
    times: Vec<i32>,
}

impl<'a> Kept<'a> {
    fn of(rows: &[(&'a KeptKey, &u32)]) -> Self {
        Self {
            jobs: column(rows, |(key, _)| key.job.0),
            items: column(rows, |(key, _)| key.item.0),
            attempts: column(rows, |(key, _)| integer(key.attempt)),
            verdicts: column(rows, |(key, _)| key.verdict),
            reports: column(rows, |(key, _)| key.report.as_str()),
            times: column(rows, |(_, times)| integer(**times)),
        }
    }
}
