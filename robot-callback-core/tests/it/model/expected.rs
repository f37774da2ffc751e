//! What should be so: the contract told once more, in the simplest way, without counters, locks or stored states
//! that could be derived. Shares no code with what it judges.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use robot_callback_core::{
    Applied, Effect, EntryId, ErrorType, ItemId, ItemStatus, Job, JobId, JobStatus, JobType, KeptReport,
    LeaseToken, NewJob, Operation, Order, OrderId, Outcome, Report, Settlement, Timestamp, Verdict,
};
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) field_changes: bool,
    pub(crate) now: Option<Timestamp>,
    pub(crate) jobs: BTreeMap<JobId, ExpectedJob>,
    pub(crate) items: Vec<ExpectedItem>,
    pub(crate) orders: HashMap<OrderId, Order>,
    pub(crate) order_ids: Vec<OrderId>,
    pub(crate) kept: Vec<KeptReport>,
    pub(crate) entries: Vec<ExpectedEntry>,
    /// Every id ever recorded.
    pub(crate) recorded: HashSet<String>,
    pub(crate) keys: HashMap<(usize, u8), JobId>,
    /// What operators did, in a word each, oldest first.
    pub(crate) actions: Vec<&'static str>,
    /// What was done under which key.
    pub(crate) done: HashMap<u8, (Operation, Effect)>,
    /// The places of kept reports in `kept`, by the numbers the store gave them.
    pub(crate) kept_places: HashMap<i64, usize>,
}

pub(crate) struct ExpectedJob {
    pub(crate) made: NewJob,
    pub(crate) created_at: Timestamp,
    pub(crate) run: u32,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExpectedItem {
    pub(crate) id: ItemId,
    pub(crate) job: JobId,
    pub(crate) order: OrderId,
    pub(crate) attempt: u32,
    /// What it ended with, and when; `None` while it is open.
    pub(crate) end: Option<(Report, Timestamp)>,
    pub(crate) expired: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ExpectedEntry {
    /// Its place in the store's outbox, once it was seen.
    pub(crate) id: Option<EntryId>,
    pub(crate) event_id: String,
    /// What its event's data must say, among other things.
    pub(crate) says: Value,
    pub(crate) recorded_at: Timestamp,
    pub(crate) failures: u32,
    pub(crate) deliveries: u32,
    pub(crate) acknowledged: bool,
    pub(crate) state: EntryState,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EntryState {
    Due(Timestamp, Option<LeaseToken>),
    /// Since then; once more, perhaps.
    Delivered(Timestamp, Option<(Timestamp, Option<LeaseToken>)>),
    Dead,
    Dropped,
    Pruned,
}

impl Expected {
    pub(super) fn now(&self) -> Timestamp {
        self.now.expect("the clock was read")
    }

    pub(crate) fn create(&mut self, made: NewJob, orders: Vec<Order>) {
        let created_at = self.now();
        let deadline = made.deadline.moment(created_at, u32::try_from(made.items.len()).expect("few"));
        self.actions.push("create");
        for item in &made.items {
            let (id, order, job) = (item.id, item.order.id(), made.id);
            self.items.push(ExpectedItem { id, job, order, attempt: 1, end: None, expired: false });
        }
        for order in orders {
            self.order_ids.push(order.id);
            self.orders.insert(order.id, order);
        }
        let job = ExpectedJob { run: 1, deadline, completed_at: None, created_at, made };
        self.jobs.insert(job.made.id, job);
    }

    pub(super) fn index(&self, item: ItemId) -> usize {
        self.items.iter().position(|known| known.id == item).expect("a known item")
    }

    pub(crate) fn items_of(&self, job: JobId) -> impl Iterator<Item = &ExpectedItem> {
        self.items.iter().filter(move |item| item.job == job)
    }

    pub(crate) fn count(&self, job: JobId, outcome: Outcome) -> u32 {
        let ended = self.items_of(job).filter_map(|item| item.end.as_ref());
        u32::try_from(ended.filter(|(report, _)| report.outcome == outcome).count()).expect("few")
    }

    /// The row that the job should have.
    pub(crate) fn job_row(&self, id: JobId) -> Job {
        let job = &self.jobs[&id];
        let complete = self.items_of(id).all(|item| item.end.is_some());
        Job {
            id,
            workspace_id: job.made.workspace_id,
            job_type: job.made.job_type,
            status: if complete { JobStatus::Completed } else { JobStatus::Pending },
            total_items: u32::try_from(job.made.items.len()).expect("few"),
            success_count: self.count(id, Outcome::Success),
            error_count: self.count(id, Outcome::Error),
            run: job.run,
            deadline: job.deadline,
            created_at: job.created_at,
            completed_at: job.completed_at,
        }
    }

    pub(crate) fn report(&mut self, report: &Report) -> Applied {
        let item = self.items[self.index(report.item_id)].clone();
        let named = report.attempt.unwrap_or(item.attempt);
        let verdict = match &item.end {
            _ if named < item.attempt => Verdict::Stale,
            _ if named > item.attempt => Verdict::Conflict,
            None => Verdict::Applied,
            Some(_) if item.expired => Verdict::Late,
            Some((first, _)) if said(first) == said(report) => Verdict::Duplicate,
            Some(_) => Verdict::Conflict,
        };
        match verdict {
            Verdict::Applied => return self.close(report, verdict),
            Verdict::Late if report.outcome == Outcome::Success => return self.close(report, verdict),
            Verdict::Duplicate => {}
            _ => self.keep(&item, report, verdict),
        }
        nothing(&item, verdict)
    }

    fn keep(&mut self, item: &ExpectedItem, report: &Report, verdict: Verdict) {
        let same = |kept: &&mut KeptReport| {
            (&kept.report, kept.verdict, kept.current_attempt) == (report, verdict, item.attempt)
        };
        if let Some(kept) = self.kept.iter_mut().find(same) {
            kept.times += 1;
            return;
        }
        self.kept.push(KeptReport {
            id: 0,
            job_id: item.job,
            verdict,
            current_attempt: item.attempt,
            report: report.clone(),
            received_at: self.now(),
            times: 1,
            resolution: None,
        });
    }

    /// The report becomes what the item ended with.
    pub(super) fn close(&mut self, report: &Report, verdict: Verdict) -> Applied {
        let (place, now) = (self.index(report.item_id), self.now());
        let was_complete = self.jobs[&self.items[place].job].completed_at.is_some();
        self.items[place].end = Some((report.clone(), now));
        self.items[place].expired = false;
        let item = self.items[place].clone();
        let mut events = self.ship(&item, report);
        let complete = self.items_of(item.job).all(|item| item.end.is_some());
        let completed = complete && !was_complete;
        if completed {
            events += self.complete(item.job);
        }
        Applied { verdict, completed, events, ..nothing(&item, verdict) }
    }

    fn ship(&mut self, item: &ExpectedItem, report: &Report) -> usize {
        let (Outcome::Success, Some(number)) = (report.outcome, &report.tracking_number) else { return 0 };
        let kind = match self.jobs[&item.job].made.job_type {
            JobType::CreateShipment => "coord",
            JobType::GuideLookup => "guide_lookup",
            JobType::OcrGuideRead => return 0,
        };
        let place = format!("{}:{}", item.id, item.attempt);
        let says = json!({"orderId": item.order, "trackingNumber": number, "carrier": "COORDINADORA"});
        let mut recorded = self.record(format!("robot.{kind}.completed:{place}"), says);
        let order = self.orders.get_mut(&item.order).expect("a known order");
        let mut columns = vec![
            ("carrier", &mut order.carrier, "COORDINADORA"),
            ("tracking_number", &mut order.tracking_number, number.as_str()),
        ];
        if kind == "guide_lookup" {
            columns.push(("carrier_guide_number", &mut order.carrier_guide_number, number));
        }
        let mut changed = Vec::new();
        for (column, value, new) in columns {
            let old = value.replace(new.to_owned());
            if old.as_deref() != Some(new) {
                let says = json!({"fieldName": column, "previousValue": old, "newValue": new});
                changed.push((format!("field.changed:{place}:{column}"), says));
            }
        }
        if self.field_changes {
            recorded += changed.into_iter().map(|(id, says)| self.record(id, says)).sum::<usize>();
        }
        recorded
    }

    fn complete(&mut self, id: JobId) -> usize {
        let (successes, errors) = (self.count(id, Outcome::Success), self.count(id, Outcome::Error));
        let now = self.now();
        let job = self.jobs.get_mut(&id).expect("a known job");
        job.completed_at = Some(now);
        let event = format!("robot/job.batch_completed:{id}:{}", job.run);
        assert!(!self.recorded.contains(&event), "a run completes once");
        self.record(event, json!({"jobId": id, "successCount": successes, "errorCount": errors}))
    }

    fn record(&mut self, event_id: String, says: Value) -> usize {
        if !self.recorded.insert(event_id.clone()) {
            return 0;
        }
        let (recorded_at, state) = (self.now(), EntryState::Due(self.now(), None));
        let (id, failures, deliveries, acknowledged) = (None, 0, 0, false);
        self.entries.push(ExpectedEntry {
            id,
            event_id,
            says,
            recorded_at,
            failures,
            deliveries,
            acknowledged,
            state,
        });
        1
    }

    pub(super) fn retry(&mut self, id: JobId, only: Option<&[ItemId]>) -> Vec<ItemId> {
        let mut reopened = Vec::new();
        for item in self.items.iter_mut().filter(|item| item.job == id) {
            let failed = item.end.as_ref().is_some_and(|(report, _)| report.outcome == Outcome::Error);
            if failed && only.is_none_or(|only| only.contains(&item.id)) {
                (item.end, item.expired) = (None, false);
                item.attempt += 1;
                reopened.push(item.id);
            }
        }
        if !reopened.is_empty() {
            let job = self.jobs.get_mut(&id).expect("a known job");
            job.run += 1;
            job.completed_at = None;
        }
        reopened
    }

    /// The jobs that have open items past their deadline.
    pub(crate) fn overdue(&self) -> HashSet<JobId> {
        let past = |item: &&ExpectedItem| self.jobs[&item.job].deadline.is_some_and(|at| at <= self.now());
        self.items.iter().filter(|item| item.end.is_none()).filter(past).map(|item| item.job).collect()
    }

    pub(crate) fn expire(&mut self, job: JobId) {
        let open: Vec<ItemId> =
            self.items_of(job).filter(|item| item.end.is_none()).map(|item| item.id).collect();
        for item in open {
            let words = "No result arrived before the job's deadline";
            self.close(&Report::error(item, ErrorType::Timeout, words), Verdict::Applied);
            let place = self.index(item);
            self.items[place].expired = true;
        }
    }

    /// Whether an event of that item was forgotten and could come again: one of a shipment does not while the item
    /// says that it was shipped.
    pub(crate) fn may_announce_again(&self, item: ItemId) -> bool {
        let end = self.items[self.index(item)].end.as_ref();
        let shipped = end.is_some_and(|(report, _)| {
            report.outcome == Outcome::Success && report.tracking_number.is_some()
        });
        let item = item.to_string();
        let mut forgotten = self.entries.iter().filter(|entry| entry.state == EntryState::Pruned);
        forgotten
            .any(|entry| entry.event_id.contains(&item) && !(shipped && entry.event_id.starts_with("robot.")))
    }

    pub(crate) fn due(&self) -> usize {
        let due = |entry: &&ExpectedEntry| entry.turn().is_some_and(|(at, _)| at <= self.now());
        self.entries.iter().filter(due).count()
    }

    pub(crate) fn entry(&mut self, event_id: &str) -> &mut ExpectedEntry {
        let known = self.entries.iter_mut().find(|entry| entry.event_id == event_id);
        known.expect("no event leaves that was not recorded")
    }

    pub(crate) fn settle(&mut self, held: LeaseToken, event_id: &str, settlement: &Settlement) {
        let now = self.now();
        let entry = self.entry(event_id);
        if entry.turn().is_none_or(|(_, lease)| lease != Some(held)) {
            return;
        }
        let first = match entry.state {
            EntryState::Delivered(at, _) => Some(at),
            _ => None,
        };
        let taken = matches!(settlement, Settlement::Delivered | Settlement::Repeat { .. });
        entry.deliveries += u32::from(taken);
        entry.failures += u32::from(!taken);
        let in_time = |after: &Duration| (now.after(*after), None);
        entry.state = match (settlement, first) {
            (Settlement::Repeat { after }, _) if !entry.acknowledged => {
                EntryState::Delivered(first.unwrap_or(now), Some(in_time(after)))
            }
            (Settlement::Again { after, .. }, Some(at)) => EntryState::Delivered(at, Some(in_time(after))),
            (Settlement::Again { after, .. }, None) => EntryState::Due(now.after(*after), None),
            (Settlement::Dead { .. }, None) => EntryState::Dead,
            _ => EntryState::Delivered(first.unwrap_or(now), None),
        };
    }

    /// How many entries delivered longer ago than that could be forgotten.
    pub(crate) fn prunable(&self, older_than: Duration) -> Vec<usize> {
        let old = |entry: &ExpectedEntry| match entry.state {
            EntryState::Delivered(at, None) => self.now().since(at) > older_than,
            _ => false,
        };
        self.entries.iter().enumerate().filter(|(_, entry)| old(entry)).map(|(place, _)| place).collect()
    }
}

fn said(report: &Report) -> (Outcome, Option<&String>) {
    (report.outcome, report.tracking_number.as_ref())
}

pub(super) fn nothing(item: &ExpectedItem, verdict: Verdict) -> Applied {
    let (job_id, attempt) = (item.job, item.attempt);
    Applied { verdict, job_id, attempt, completed: false, events: 0, order_missing: false }
}

impl ExpectedEntry {
    /// When it may leave, and who holds it.
    pub(crate) fn turn(&self) -> Option<(Timestamp, Option<LeaseToken>)> {
        match self.state {
            EntryState::Due(at, lease) => Some((at, lease)),
            EntryState::Delivered(_, again) => again,
            _ => None,
        }
    }

    pub(crate) fn hold(&mut self, until: Timestamp, by: LeaseToken) {
        self.state = match self.state {
            EntryState::Delivered(at, _) => EntryState::Delivered(at, Some((until, Some(by)))),
            _ => EntryState::Due(until, Some(by)),
        };
    }
}

impl ExpectedItem {
    pub(crate) fn status(&self) -> ItemStatus {
        match &self.end {
            None => ItemStatus::Pending,
            Some((report, _)) if report.outcome == Outcome::Success => ItemStatus::Success,
            Some(_) => ItemStatus::Error,
        }
    }
}
