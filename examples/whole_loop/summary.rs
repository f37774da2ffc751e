//! The summary an operator knows: a line for each order, then the counts.

use std::collections::BTreeMap;
use std::fmt;

use robot_callback_core::{ErrorType, Item, ItemStatus, ItemView, Verdict};
use robot_callback_harness::{Facts, pesos};
use robot_coordinadora_client::MAY_EXIST;

use crate::faults::{DEATHS, Incidents};

/// What came of it all; [`Display`](fmt::Display) writes it.
pub(crate) struct Summary<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) incidents: &'a Incidents,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        let items = || self.facts.jobs.iter().flat_map(|job| &job.items);
        let rows: Vec<[String; 4]> = items().map(columns).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (first, name, address) = (width(0), width(1), width(2));
        for (view, [number, who, street, rest]) in items().zip(&rows) {
            let mark = if view.item.status == ItemStatus::Success { "✅" } else { "❌" };
            writeln!(f, "{mark} {number:first$}  {who:name$}  {street:address$}  {rest}")?;
        }
        writeln!(f)?;
        self.counts(f)?;
        self.events(f)
    }
}

impl Summary<'_> {
    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { facts, incidents } = self;
        for view in &facts.jobs {
            let job = &view.job;
            let (all, good, bad) = (job.total_items, job.success_count, job.error_count);
            let doubt = view.items.iter().filter(|view| is_in_doubt(&view.item)).count();
            writeln!(
                f,
                "orders   {all}: {good} shipped, {bad} not ({doubt} of them in doubt); the job is {}",
                job.status.name()
            )?;
        }
        let verdicts = [Verdict::Applied, Verdict::Duplicate, Verdict::Conflict].map(|verdict| {
            let count = facts.answered.iter().filter(|answer| answer.verdict == Some(verdict)).count();
            format!("{count} {}", verdict.name())
        });
        let (answers, kept) = (facts.answered.len(), facts.kept.len());
        writeln!(f, "reports  {answers} answered 200: {}; {kept} kept for an operator", verdicts.join(", "))?;
        let Incidents { kills, in_flight, faults, outages } = incidents;
        writeln!(
            f,
            "server   killed {kills} times with {in_flight} reports on their way, then once more at the end"
        )?;
        writeln!(f, "robot    killed {DEATHS} times, at a write, a submission or a request")?;
        writeln!(f, "endpoint failed {faults} requests on purpose, down {}", times(*outages))
    }

    fn events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for event in &self.facts.events {
            *kinds.entry(&event.name).or_default().entry(&event.id).or_default() += 1;
        }
        for (name, ids) in kinds {
            let again = match ids.values().filter(|times| **times > 1).count() {
                0 => String::new(),
                again => format!(" ({again} delivered more than once, under the same id)"),
            };
            writeln!(f, "events   {} {name}{again}", ids.len())?;
        }
        Ok(())
    }
}

/// Whether nobody knows if there is a shipment: a robot died, or a portal failed, while it was created.
fn is_in_doubt(item: &Item) -> bool {
    item.error_message.as_ref().is_some_and(|message| message.starts_with(MAY_EXIST))
}

fn times(count: usize) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

/// The number, or the order's name where there is none; buyer; address; and place and amount, or the reason.
fn columns(view: &ItemView) -> [String; 4] {
    let order = view.order.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let who = order.and_then(|order| order.contact.as_ref()).map(|contact| contact.name.clone());
    let address = text(order.and_then(|order| order.shipping_address.as_ref()));
    let (first, rest) = match &view.item.tracking_number {
        Some(number) => (number.clone(), place_and_amount(view)),
        None => (order.and_then(|order| order.shown_name()).unwrap_or_default().to_owned(), reason(view)),
    };
    [first, who.unwrap_or_default(), address, rest]
}

fn place_and_amount(view: &ItemView) -> String {
    let Some(order) = &view.order else { return String::new() };
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let place = format!("{} ({})", part(&order.shipping_city), part(&order.shipping_department));
    format!("{place:32}  {:>11}", pesos(order.total_value))
}

fn reason(view: &ItemView) -> String {
    let kind = view.item.error_type.map_or("error", ErrorType::name);
    format!("{kind}: {}", view.item.error_message.as_deref().unwrap_or("no reason given"))
}
