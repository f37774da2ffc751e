//! The robot: takes a batch, creates its shipments one at a time, and reports each; too often, and sometimes wrongly.

use std::collections::BTreeMap;
use std::time::Duration;

use robot_callback_core::{ErrorType, ItemId, Outcome, Report};

use crate::batch::{BatchOrder, BatchRequest};
use crate::portal::Portal;
use crate::reporter::Reporter;

/// How a robot works.
#[derive(Clone, Copy, Debug)]
pub struct RobotOptions {
    /// How long it pauses between two orders.
    pub pause: Duration,
    /// The most copies of a report it sends at once, at least 1.
    pub copies: usize,
    /// Of how many orders one is contradicted after it was answered.
    pub contradict_one_in: u32,
    /// The seed of everything it draws.
    pub seed: u64,
}

/// Whoever wants to know how far the robot is.
pub trait Events: Send + Sync {
    /// An order was tried, and its report is about to be sent.
    fn created(&self, _order: &BatchOrder, _report: &Report) {}
    /// An order's report was answered.
    fn reported(&self, _order: &BatchOrder) {}
}

impl Events for () {}

/// A robot at work on one batch.
#[derive(Debug)]
pub struct Robot {
    reporter: Reporter,
    options: RobotOptions,
    rng: fastrand::Rng,
    portal: Portal,
    truth: BTreeMap<ItemId, Report>,
}

impl Robot {
    /// A robot that reports through that reporter.
    #[must_use]
    pub fn new(reporter: Reporter, options: RobotOptions) -> Self {
        let rng = fastrand::Rng::with_seed(options.seed);
        Self { reporter, options, rng, portal: Portal::new(options.seed), truth: BTreeMap::new() }
    }

    /// Works through the batch: orders without a city are reported before it starts, the others one at a time.
    /// Returns what really became of each item.
    pub async fn run(mut self, batch: &BatchRequest, events: &dyn Events) -> BTreeMap<ItemId, Report> {
        let empty = |order: &&BatchOrder| order.pedido_input.ciudad.trim().is_empty();
        let (rejected, tried): (Vec<_>, Vec<_>) = batch.orders.iter().partition(empty);
        for order in rejected.into_iter().chain(tried) {
            self.order(order, events).await;
            self.repeat_an_earlier_one().await;
            tokio::time::sleep(self.options.pause).await;
        }
        self.truth
    }

    async fn order(&mut self, order: &BatchOrder, events: &dyn Events) {
        let Some(item) = order.item_id else { return };
        let report = self.portal.create(item, &order.pedido_input);
        events.created(order, &report);
        let copies = self.rng.usize(1..=self.options.copies);
        self.reporter.report_at_once(&report, copies).await;
        if self.rng.u32(0..self.options.contradict_one_in) == 0 {
            let contradiction = contradiction(&report);
            self.reporter.report_at_once(&contradiction, self.rng.usize(1..=self.options.copies)).await;
        }
        self.truth.insert(item, report);
        events.reported(order);
    }

    /// A robot that was restarted does not know what it has reported.
    async fn repeat_an_earlier_one(&mut self) {
        let place = self.rng.usize(0..self.truth.len().max(1));
        let earlier = self.truth.values().nth(place).cloned();
        if let Some(report) = earlier.filter(|_| self.rng.u8(0..4) == 0) {
            self.reporter.report(report).await;
        }
    }
}

/// The same item's result the other way round: a failure with a number, or a success that never was.
fn contradiction(report: &Report) -> Report {
    match (report.outcome, &report.tracking_number) {
        (Outcome::Success, Some(number)) if number.ends_with(['0', '2', '4', '6', '8']) => {
            Report::success(report.item_id, format!("{number}9"))
        }
        (Outcome::Success, _) => Report::error(report.item_id, ErrorType::Unknown, "La sesión se cerró"),
        (Outcome::Error, _) => Report::success(report.item_id, "73159999999"),
    }
}
