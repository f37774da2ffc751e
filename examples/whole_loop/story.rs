//! What is told while the loop runs: a progress bar in a terminal, plain lines elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use robot_callback_core::{Outcome, Report};
use robot_callback_harness::full_name;
use robot_coordinadora_client::BatchOrder;
use tokio::sync::watch;

/// The teller.
pub(crate) struct Story {
    bar: Option<ProgressBar>,
    orders: u16,
    steps: watch::Sender<Steps>,
}

/// How far the robot is: what the faults wait for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps {
    /// How many orders were tried.
    pub(crate) created: usize,
    /// How many of them were reported, with all repetitions.
    pub(crate) reported: usize,
}

impl Story {
    /// Begins to tell of that many orders.
    pub(crate) fn begin(plain: bool, orders: u16) -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let bar = (terminal && !plain).then(|| ProgressBar::new(orders.into()).with_style(style()));
        Self { bar, orders, steps: watch::Sender::default() }
    }

    /// Tells of something that happened.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// How far the robot is.
    pub(crate) fn steps(&self) -> watch::Receiver<Steps> {
        self.steps.subscribe()
    }

    /// An order was tried, and its report is about to be sent.
    pub(crate) fn created(&self, order: &BatchOrder, report: &Report) {
        self.steps.send_modify(|steps| steps.created += 1);
        let name = format!("{} {}", order.pedido_input.referencia, full_name(&order.pedido_input));
        let mark = if report.outcome == Outcome::Success { "✅" } else { "❌" };
        match &self.bar {
            Some(bar) => bar.set_message(name),
            None => println!("{:>3}/{} {mark} {name}", self.steps.borrow().created, self.orders),
        }
    }

    /// An order's report was answered, all its repetitions too.
    pub(crate) fn reported(&self) {
        self.steps.send_modify(|steps| steps.reported += 1);
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Nothing moves any more.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    const TEMPLATE: &str = "{bar:30} {pos:>3}/{len} {elapsed:>4} {wide_msg}";
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸─")
}
