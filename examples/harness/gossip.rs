//! Gossip: what a robot says too often and sometimes wrongly, after restarts, through proxies, from a second robot.

use std::collections::BTreeMap;

use robot_callback_core::{ErrorType, ItemId, Outcome, Report};

use crate::reporter::Reporter;

/// How bad it is.
#[derive(Clone, Copy, Debug)]
pub struct GossipOptions {
    /// The most copies of a report that are sent at once, at least 1.
    pub copies: usize,
    /// Of how many reports one is contradicted after it was answered.
    pub contradict_one_in: u32,
    /// The seed of everything that is drawn.
    pub seed: u64,
}

/// Repeats reports, at once and later, and contradicts some.
#[derive(Debug)]
pub struct Gossip {
    reporter: Reporter,
    options: GossipOptions,
    rng: fastrand::Rng,
    known: BTreeMap<ItemId, Report>,
}

impl Gossip {
    /// Gossip through that reporter.
    #[must_use]
    pub fn new(reporter: Reporter, options: GossipOptions) -> Self {
        Self { reporter, options, rng: fastrand::Rng::with_seed(options.seed), known: BTreeMap::new() }
    }

    /// Reports a result one time or more at once; then contradicts it, or not; then repeats an earlier one, or not.
    /// Returns when all of it was answered.
    pub async fn spread(&mut self, report: Report) {
        let copies = self.rng.usize(1..=self.options.copies);
        self.reporter.report_at_once(&report, copies).await;
        if self.rng.u32(0..self.options.contradict_one_in) == 0 {
            let contradiction = contradiction(&report);
            self.reporter.report_at_once(&contradiction, self.rng.usize(1..=self.options.copies)).await;
        }
        self.known.insert(report.item_id, report);
        self.repeat_an_earlier_one().await;
    }

    /// What was reported of each item, without what contradicts it.
    #[must_use]
    pub fn known(self) -> BTreeMap<ItemId, Report> {
        self.known
    }

    /// A robot that was restarted does not know what it has reported.
    async fn repeat_an_earlier_one(&mut self) {
        let place = self.rng.usize(0..self.known.len());
        let earlier = self.known.values().nth(place).cloned();
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
