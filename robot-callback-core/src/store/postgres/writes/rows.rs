//! What a set writes, as the arrays of columns that the statement takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use uuid::Uuid;

use super::super::hand_over::Held;
use super::super::rows::{integer, system_time};
use super::super::scenes::Scenes;
use super::super::session::Param;
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
        let mut rows = Self {
            now: system_time(now),
            items: Items::default(),
            expired: writes.expired.iter().map(|(item, expired)| (item.0, *expired)).unzip(),
            orders: Orders::default(),
            jobs: Jobs::default(),
            completions: writes.completions.iter().map(|(job, run)| (job.0, integer(*run))).unzip(),
            events: Events::default(),
            kept: Kept::default(),
            due: system_time(held.map_or(now, |held| held.until)),
            lease: held.map(|held| held.token),
        };
        found(&writes.items, &scenes.items).for_each(|item| rows.items.push(item));
        found(&writes.orders, &scenes.orders).for_each(|order| rows.orders.push(order));
        found(&writes.jobs, &scenes.jobs).for_each(|job| rows.jobs.push(job));
        writes.events.iter().for_each(|event| rows.events.push(event));
        writes.kept.iter().for_each(|(key, times)| rows.kept.push(key, *times));
        rows
    }

    /// In the order of the [statement](super::statement::WRITE)'s parameters.
    pub(super) fn params(&self) -> [Param<'_>; 33] {
        let Self { now, items, expired, orders, jobs, completions, events, kept, due, lease } = self;
        [
            now,
            &items.ids,
            &items.statuses,
            &items.tracking_numbers,
            &items.error_types,
            &items.error_messages,
            &items.retry_counts,
            &items.completed,
            &expired.0,
            &expired.1,
            &orders.ids,
            &orders.carriers,
            &orders.tracking_numbers,
            &orders.guide_numbers,
            &jobs.ids,
            &jobs.statuses,
            &jobs.successes,
            &jobs.errors,
            &jobs.completed,
            &completions.0,
            &completions.1,
            &events.ids,
            &events.names,
            &events.data,
            &events.traces,
            &kept.jobs,
            &kept.items,
            &kept.attempts,
            &kept.verdicts,
            &kept.reports,
            &kept.times,
            due,
            lease,
        ]
    }
}

fn found<'a, K: Ord, V>(ids: &'a BTreeSet<K>, rows: &'a BTreeMap<K, V>) -> impl Iterator<Item = &'a V> {
    ids.iter().filter_map(|id| rows.get(id))
}

#[derive(Default)]
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
    fn push(&mut self, item: &'a Item) {
        self.ids.push(item.id.0);
        self.statuses.push(item.status.name());
        self.tracking_numbers.push(item.tracking_number.as_deref());
        self.error_types.push(item.error_type.map(ErrorType::name));
        self.error_messages.push(item.error_message.as_deref());
        self.retry_counts.push(integer(item.attempt - 1));
        self.completed.push(item.completed_at.map(system_time));
    }
}

#[derive(Default)]
struct Orders<'a> {
    ids: Vec<Uuid>,
    carriers: Vec<Option<&'a str>>,
    tracking_numbers: Vec<Option<&'a str>>,
    guide_numbers: Vec<Option<&'a str>>,
}

impl<'a> Orders<'a> {
    fn push(&mut self, order: &'a Order) {
        self.ids.push(order.id.0);
        self.carriers.push(order.carrier.as_deref());
        self.tracking_numbers.push(order.tracking_number.as_deref());
        self.guide_numbers.push(order.carrier_guide_number.as_deref());
    }
}

#[derive(Default)]
struct Jobs<'a> {
    ids: Vec<Uuid>,
    statuses: Vec<&'a str>,
    successes: Vec<i32>,
    errors: Vec<i32>,
    completed: Vec<Option<SystemTime>>,
}

impl<'a> Jobs<'a> {
    fn push(&mut self, job: &'a Job) {
        self.ids.push(job.id.0);
        self.statuses.push(job.status.name());
        self.successes.push(integer(job.success_count));
        self.errors.push(integer(job.error_count));
        self.completed.push(job.completed_at.map(system_time));
    }
}

#[derive(Default)]
struct Events<'a> {
    ids: Vec<&'a str>,
    names: Vec<&'a str>,
    data: Vec<&'a str>,
    traces: Vec<Option<&'a str>>,
}

impl<'a> Events<'a> {
    fn push(&mut self, event: &'a Event) {
        self.ids.push(&event.id);
        self.names.push(&event.name);
        self.data.push(event.data.get());
        self.traces.push(event.traceparent.as_deref());
    }
}

#[derive(Default)]
struct Kept<'a> {
    jobs: Vec<Uuid>,
    items: Vec<Uuid>,
    attempts: Vec<i32>,
    verdicts: Vec<&'a str>,
    reports: Vec<&'a str>,
    times: Vec<i32>,
}

impl<'a> Kept<'a> {
    fn push(&mut self, key: &'a KeptKey, times: u32) {
        self.jobs.push(key.job.0);
        self.items.push(key.item.0);
        self.attempts.push(integer(key.attempt));
        self.verdicts.push(key.verdict);
        self.reports.push(&key.report);
        self.times.push(integer(times));
    }
}
