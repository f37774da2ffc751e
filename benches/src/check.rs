//! Whether a run was right: nothing missing, nothing double, every counter as its rows say. Says what was not.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::database::{ItemRow, Recorded, Seeded};
use crate::load::Answers;
use crate::plan::Plan;

/// Everything that is wrong, in words; nothing when all is well.
pub(crate) fn check(
    plan: &Plan,
    seeded: &Seeded,
    answers: &Answers,
    recorded: &Recorded,
    arrived: &[String],
) -> Vec<String> {
    let mut wrong = said(plan, answers);
    let rows: HashMap<Uuid, &ItemRow> = recorded.items.iter().map(|row| (row.item, row)).collect();
    let is_reported = plan.is_reported();
    let is_wrong = |(number, item): (usize, &Uuid)| {
        !rows.get(item).is_some_and(|row| fits(plan, number, is_reported[number], row))
    };
    let items = seeded.items.iter().enumerate().filter(|one| is_wrong(*one)).count();
    note(&mut wrong, items, "items are not recorded as they were reported");
    let (right, complete) = jobs(recorded);
    note(&mut wrong, recorded.jobs.len() - right, "jobs have wrong counters or a wrong status");
    note(
        &mut wrong,
        usize::from(recorded.kept != 0),
        "reports were kept, and no two contradicted each other",
    );
    let completions = usize::try_from(recorded.completions).unwrap_or_default();
    note(
        &mut wrong,
        completions.abs_diff(plan.completed_jobs()),
        "completions more or fewer than finished jobs",
    );
    wrong.extend(events(plan, seeded, &is_reported, &complete, recorded, arrived));
    wrong
}

fn note(wrong: &mut Vec<String>, count: usize, what: &str) {
    wrong.extend((count > 0).then(|| format!("{count} {what}")));
}

/// Each item's first report was applied, each further one a duplicate, and nothing else was answered.
fn said(plan: &Plan, answers: &Answers) -> Vec<String> {
    let verdict = |verdict: &str| (200, format!(r#"{{"received":true,"verdict":"{verdict}"}}"#));
    let (applied, duplicate) = (verdict("applied"), verdict("duplicate"));
    let count = |answer| answers.said.get(answer).copied().unwrap_or_default();
    let mut wrong = Vec::new();
    note(&mut wrong, count(&applied).abs_diff(plan.reported), "applied more or fewer than items");
    let others = answers.said.iter().filter(|(answer, _)| **answer != applied && **answer != duplicate);
    wrong.extend(others.map(|((status, body), times)| format!("{times} times the answer {status} {body}")));
    wrong
}

fn fits(plan: &Plan, number: usize, reported: bool, row: &ItemRow) -> bool {
    let expected = plan.tracking_number(number).filter(|_| reported);
    let status = match (reported, &expected) {
        (false, _) => "pending",
        (true, Some(_)) => "success",
        (true, None) => "error",
    };
    row.status == status && row.tracking_number == expected && row.on_order == expected
}

/// How many jobs are recorded as their items say, and which are complete.
fn jobs(recorded: &Recorded) -> (usize, Vec<Uuid>) {
    let mut counted: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for row in &recorded.items {
        let counts = counted.entry(row.job).or_default();
        counts.0 += i64::from(row.status == "success");
        counts.1 += i64::from(row.status == "error");
    }
    let (mut right, mut complete) = (0, Vec::new());
    for job in &recorded.jobs {
        let counts = counted.get(&job.job).copied().unwrap_or_default();
        let is_complete = counts.0 + counts.1 == job.total;
        let fits = (job.successes, job.errors) == counts && (job.status == "completed") == is_complete;
        right += usize::from(fits);
        complete.extend(is_complete.then_some(job.job));
    }
    (right, complete)
}

/// Every event was recorded once, and arrived; once, because nothing died that would make it leave twice.
fn events(
    plan: &Plan,
    seeded: &Seeded,
    is_reported: &[bool],
    complete: &[Uuid],
    recorded: &Recorded,
    arrived: &[String],
) -> Vec<String> {
    let is_shipped = |number: usize| is_reported[number] && !plan.fails(number);
    let shipped = seeded.items.iter().enumerate().filter(|(number, _)| is_shipped(*number));
    let of_items = shipped.map(|(_, item)| format!("robot.coord.completed:{item}:1"));
    let of_jobs = complete.iter().map(|job| format!("robot/job.batch_completed:{job}:1"));
    let expected: BTreeSet<String> = of_items.chain(of_jobs).collect();
    let mut wrong = Vec::new();
    let recorded_ids: BTreeSet<&String> = recorded.events.iter().map(|(id, _)| id).collect();
    let same = recorded_ids.len() == expected.len() && recorded_ids.into_iter().eq(&expected);
    note(&mut wrong, usize::from(!same), "difference between the events recorded and those that had to be");
    let undelivered = recorded.events.iter().filter(|(_, state)| state != "delivered").count();
    note(&mut wrong, undelivered, "events are not marked as delivered");
    let arrived_once: BTreeSet<&String> = arrived.iter().collect();
    let same = arrived_once.len() == expected.len() && arrived_once.into_iter().eq(&expected);
    note(&mut wrong, usize::from(!same), "difference between what arrived and what had to");
    let twice = arrived.windows(2).filter(|two| two[0] == two[1] && !leaves_again(&two[0])).count();
    note(&mut wrong, twice, "events arrived twice");
    wrong
}

/// A completion does, for receivers that began to wait too late.
fn leaves_again(event: &str) -> bool {
    event.starts_with("robot/job.batch_completed:")
}
