//! The checks of exactly-once: pure functions over the facts, each a law by its name.

use std::collections::{BTreeMap, BTreeSet};

use robot_callback_core::{Event, Item, ItemStatus, ItemView, JobStatus, JobView, Report, Verdict};
use serde_json::{Value, json};

use crate::facts::Facts;

/// One law, and every way in which it was broken.
#[derive(Clone, Debug)]
pub struct Check {
    /// The law.
    pub law: &'static str,
    /// How it was broken, in words; nothing when it held.
    pub violations: Vec<String>,
}

type Law = (&'static str, fn(&Facts) -> Vec<String>);

const LAWS: [Law; 13] = [
    ("no order was submitted to the portal twice", submitted_once),
    ("every report was answered in the end", |facts| facts.given_up.clone()),
    ("every answered 200 is there", answers_are_there),
    ("each item ended as the portal had it, applied once", items_are_true),
    ("counts equal rows, every job is complete", counts_equal_rows),
    ("one completion event per run, by id", one_completion_per_run),
    ("no completion came before the last item", completions_are_last),
    ("one automation event per shipped order, none for others", one_event_per_shipment),
    ("event data is right, and repetitions are identical", event_data_is_right),
    ("conflicting reports are kept", conflicts_are_kept),
    ("verify finds nothing", |facts| facts.discrepancies.iter().map(ToString::to_string).collect()),
    ("the outbox is empty", outbox_is_empty),
    ("there are no dead letters", dead_letters),
];

const COMPLETION: &str = "robot/job.batch_completed";
const SHIPMENT: &str = "automation/robot.coord.completed";

/// Judges the facts: every law, in order, held or not.
#[must_use]
pub fn check(facts: &Facts) -> Vec<Check> {
    LAWS.iter().map(|(law, broken)| Check { law, violations: broken(facts) }).collect()
}

fn items(facts: &Facts) -> impl Iterator<Item = (&JobView, &ItemView)> {
    facts.jobs.iter().flat_map(|job| job.items.iter().map(move |item| (job, item)))
}

fn says(item: &Item, report: &Report) -> bool {
    item.status.outcome() == Some(report.outcome) && item.tracking_number == report.tracking_number
}

fn submitted_once(facts: &Facts) -> Vec<String> {
    let mut parcels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for shipment in &facts.shipments {
        parcels.entry(&shipment.reference).or_default().push(&shipment.number);
    }
    parcels.retain(|_, numbers| numbers.len() > 1);
    parcels.iter().map(|(order, numbers)| format!("order {order} was shipped as {numbers:?}")).collect()
}

fn answers_are_there(facts: &Facts) -> Vec<String> {
    let rows: BTreeMap<_, _> = items(facts).map(|(_, view)| (view.item.id, &view.item)).collect();
    let kept: BTreeSet<String> = facts.kept.iter().map(|kept| wire(&kept.report)).collect();
    let lost = facts.answered.iter().filter(|answer| {
        let recorded = rows.get(&answer.report.item_id).is_some_and(|item| says(item, &answer.report));
        let kept = kept.contains(&wire(&answer.report));
        match answer.verdict {
            Some(Verdict::Applied | Verdict::Duplicate) => !recorded,
            Some(Verdict::Conflict | Verdict::Stale) => !kept,
            Some(Verdict::Late) | None => !recorded && !kept,
        }
    });
    lost.map(|answer| format!("answered {:?}, but not there: {}", answer.verdict, wire(&answer.report)))
        .collect()
}

fn items_are_true(facts: &Facts) -> Vec<String> {
    let mut violations = Vec::new();
    for (_, ItemView { item, .. }) in items(facts) {
        if facts.truth.get(&item.id).is_none_or(|truth| !says(item, truth)) {
            violations.push(format!("item {} is {:?} {:?}", item.id, item.status, item.tracking_number));
        }
        let applied = facts
            .answered
            .iter()
            .filter(|answer| answer.report.item_id == item.id && answer.verdict == Some(Verdict::Applied));
        // None is possible: the answer died with the server, and the next one said `duplicate`.
        let applied = applied.count();
        if applied > 1 {
            violations.push(format!("item {} was applied {applied} times", item.id));
        }
    }
    if items(facts).count() != facts.truth.len() {
        violations.push(format!("{} items, but {} are known", items(facts).count(), facts.truth.len()));
    }
    violations
}

fn counts_equal_rows(facts: &Facts) -> Vec<String> {
    let wrong = |view: &&JobView| {
        let count = |status| view.items.iter().filter(|row| row.item.status == status).count();
        let rows = [count(ItemStatus::Success), count(ItemStatus::Error), view.items.len()];
        let job = &view.job;
        let counts = [job.success_count, job.error_count, job.total_items];
        rows.map(|n| n as u64) != counts.map(u64::from)
            || rows[0] + rows[1] != rows[2]
            || job.status != JobStatus::Completed
    };
    let wrong = facts.jobs.iter().filter(wrong);
    wrong
        .map(|view| {
            format!(
                "job {}: {:?}, {} + {}",
                view.job.id, view.job.status, view.job.success_count, view.job.error_count
            )
        })
        .collect()
}

/// The distinct ids of that kind that arrived, against those expected.
fn compare_ids(facts: &Facts, name: &str, expected: &BTreeSet<String>) -> Vec<String> {
    let arrived: BTreeSet<String> =
        facts.events.iter().filter(|event| event.name == name).map(|event| event.id.clone()).collect();
    let missing = expected.difference(&arrived).map(|id| format!("{id} did not arrive"));
    let unasked = arrived.difference(expected).map(|id| format!("{id} should not be"));
    missing.chain(unasked).collect()
}

fn one_completion_per_run(facts: &Facts) -> Vec<String> {
    let runs = facts.jobs.iter().flat_map(|view| (1..=view.job.run).map(|run| (view.job.id, run)));
    let expected = runs.map(|(job, run)| format!("{COMPLETION}:{job}:{run}")).collect();
    compare_ids(facts, COMPLETION, &expected)
}

fn completions_are_last(facts: &Facts) -> Vec<String> {
    let early =
        facts.too_early.iter().map(|job| format!("job {job} was announced before its last report was sent"));
    let before = facts.jobs.iter().filter(|view| {
        let last = view.items.iter().map(|row| row.item.completed_at).max().flatten();
        view.job.completed_at != last
    });
    early
        .chain(before.map(|view| format!("job {} was not completed by its last item", view.job.id)))
        .collect()
}

fn shipped(view: &ItemView) -> bool {
    view.item.status == ItemStatus::Success && view.item.tracking_number.is_some()
}

fn shipment_id(item: &Item) -> String {
    format!("robot.coord.completed:{}:{}", item.id, item.attempt)
}

fn one_event_per_shipment(facts: &Facts) -> Vec<String> {
    let expected = items(facts).filter(|(_, view)| shipped(view)).map(|(_, view)| shipment_id(&view.item));
    let mut violations = compare_ids(facts, SHIPMENT, &expected.collect());
    let others = facts.events.iter().filter(|event| ![SHIPMENT, COMPLETION].contains(&&*event.name));
    violations.extend(others.map(|event| format!("{} is of no kind expected", event.name)));
    violations
}

fn event_data_is_right(facts: &Facts) -> Vec<String> {
    let mut expected: BTreeMap<String, Value> = BTreeMap::new();
    for view in &facts.jobs {
        let job = &view.job;
        expected.insert(
            format!("{COMPLETION}:{}:{}", job.id, job.run),
            json!({"jobId": job.id, "workspaceId": job.workspace_id,
                   "successCount": job.success_count, "errorCount": job.error_count}),
        );
        let shipments = view.items.iter().filter(|row| shipped(row));
        expected.extend(shipments.map(|row| (shipment_id(&row.item), shipment(view, row))));
    }
    let wrong = |event: &&Event| {
        let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
        expected.get(&event.id).is_some_and(|expected| *expected != data)
    };
    facts.events.iter().filter(wrong).map(|event| format!("{} says {}", event.id, event.data)).collect()
}

/// What the contract says a shipment's event carries; keys without a value are left out, but for `contactId`.
fn shipment(job: &JobView, row: &ItemView) -> Value {
    let Some(order) = &row.order else { return Value::Null };
    let contact = order.contact.as_ref();
    let mut data = json!({
        "workspaceId": job.job.workspace_id, "orderId": order.id, "orderName": order.shown_name(),
        "trackingNumber": row.item.tracking_number, "carrier": "COORDINADORA",
        "contactName": contact.map(|contact| &contact.name), "contactPhone": contact.map(|contact| &contact.phone),
        "contactEmail": contact.and_then(|contact| contact.email.as_ref()), "orderValue": order.total_value,
        "shippingCity": order.shipping_city, "shippingAddress": order.shipping_address,
        "shippingDepartment": order.shipping_department, "cascadeDepth": 0,
    });
    if let Some(data) = data.as_object_mut() {
        data.retain(|_, value| !value.is_null());
        data.insert("contactId".into(), json!(contact.map(|contact| contact.id)));
    }
    data
}

fn conflicts_are_kept(facts: &Facts) -> Vec<String> {
    let kept: BTreeSet<String> = facts.kept.iter().map(|kept| wire(&kept.report)).collect();
    let answered = facts.answered.iter().filter(|answer| answer.verdict == Some(Verdict::Conflict));
    let conflicts: BTreeSet<String> = answered.map(|answer| wire(&answer.report)).collect();
    let lost = conflicts.difference(&kept).map(|report| format!("not kept: {report}"));
    let extra = kept.difference(&conflicts).map(|report| format!("kept, but no conflict: {report}"));
    let twice = (facts.kept.len() != kept.len()).then(|| "a report is kept twice".to_owned());
    lost.chain(extra).chain(twice).collect()
}

fn outbox_is_empty(facts: &Facts) -> Vec<String> {
    let waiting = facts.outbox.pending;
    if waiting == 0 { Vec::new() } else { vec![format!("{waiting} events wait")] }
}

fn dead_letters(facts: &Facts) -> Vec<String> {
    facts.dead_letters.iter().map(|letter| format!("{}: {}", letter.event.id, letter.reason)).collect()
}

fn wire(report: &Report) -> String {
    serde_json::to_string(report).unwrap_or_default()
}

#[cfg(test)]
mod tests;
