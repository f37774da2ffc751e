//! What is told while the loop runs: a progress bar in a terminal, plain lines elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use robot_callback_core::{Outcome, Report};
use robot_callback_harness::BatchOrder;
use tokio::sync::watch;

/// The teller.
pub(crate) struct Story {
    bar: Option<ProgressBar>,
    orders: u16,
    /// How many orders were tried so far: what the faults wait for.
    created: watch::Sender<usize>,
}

impl Story {
    /// Begins to tell of that many orders.
    pub(crate) fn begin(plain: bool, orders: u16) -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let bar = (terminal && !plain).then(|| ProgressBar::new(orders.into()).with_style(style()));
        Self { bar, orders, created: watch::Sender::new(0) }
    }

    /// Tells of something that happened.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// How many orders were tried so far.
    pub(crate) fn created(&self) -> watch::Receiver<usize> {
        self.created.subscribe()
    }

    /// Nothing moves any more.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl robot_callback_harness::Events for Story {
    fn created(&self, order: &BatchOrder, report: &Report) {
        self.created.send_modify(|created| *created += 1);
        let name = format!("{} {}", order.pedido_input.referencia, order.pedido_input.full_name());
        let mark = if report.outcome == Outcome::Success { "✅" } else { "❌" };
        match &self.bar {
            Some(bar) => bar.set_message(name),
            None => println!("{:>3}/{} {mark} {name}", *self.created.borrow(), self.orders),
        }
    }

    fn reported(&self, _order: &BatchOrder) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

fn style() -> ProgressStyle {
    const TEMPLATE: &str = "{bar:30} {pos:>3}/{len} {elapsed:>4} {wide_msg}";
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸─")
}
