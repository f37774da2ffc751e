//! Sound facts break no law; each kind of damage breaks the law that forbids it, by name.

use robot_callback_core::{
    ErrorType, ItemId, MemoryStore, NewJob, OperatorStore, RecordingEmitter, Secrets, handle_callback,
};

use super::*;
use crate::simulation::Shipment;
use crate::witness::{Testimony, Witness};

const JOB: &[u8] = br##"{"workspaceId":"b7c1d2e3-0000-4000-8000-000000000001","orders":[
    {"name":"#1","totalValue":1,"contact":{"name":"Ana","phone":"+573001234567"}}, {"name":"#2"}, {"description":"three"}]}"##;

/// Three items, two shipped, one refused; a repetition and a contradiction of the first.
async fn sound() -> Facts {
    let (store, emitter) = (MemoryStore::new(), RecordingEmitter::new());
    let job = NewJob::from_json(JOB, None).unwrap();
    let (id, items) = (job.id, job.items.iter().map(|item| item.id).collect::<Vec<ItemId>>());
    let witness = Witness::default();
    store.create_job(job).await.unwrap();
    witness.expect(&(&store.job(id).await.unwrap().unwrap()).into());
    let truth = [
        Report::success(items[0], "7315001"),
        Report::success(items[1], "7315002"),
        Report::error(items[2], ErrorType::Portal, "Ciudad no cubierta"),
    ];
    let contradiction = Report::error(items[0], ErrorType::Unknown, "no");
    let mut answered = Vec::new();
    for report in [&truth[0], &truth[0], &contradiction, &truth[1], &truth[2]] {
        let secrets = Secrets::new(["s"]);
        let presented = secrets.presented(Some(b"s"));
        let receipt = handle_callback(&store, &emitter, presented, wire(report).as_bytes()).await.unwrap();
        answered.push(Testimony { report: report.clone(), verdict: Some(receipt.verdict) });
    }
    let truth = truth.into_iter().map(|report| (report.item_id, report)).collect();
    let events = emitter.events();
    let facts = Facts::collect(truth, &witness, &store, events).await.unwrap();
    Facts { answered, ..facts }
}

fn broken(facts: &Facts) -> Vec<&'static str> {
    check(facts).into_iter().filter(|check| !check.violations.is_empty()).map(|check| check.law).collect()
}

fn completion(facts: &mut Facts) -> &mut Event {
    facts.events.iter_mut().find(|event| event.name == COMPLETION).unwrap()
}

#[tokio::test]
async fn sound_facts_break_no_law() {
    let facts = sound().await;
    assert_eq!(broken(&facts), Vec::<&str>::new(), "{:?}", check(&facts));
}

#[tokio::test]
async fn an_event_that_arrives_twice_breaks_no_law() {
    let mut facts = sound().await;
    facts.events.extend(facts.events.clone());
    assert_eq!(broken(&facts), Vec::<&str>::new(), "delivered at least once, under a stable id");
}

#[tokio::test]
async fn a_second_completion_under_another_id_is_named() {
    let mut facts = sound().await;
    let mut second = completion(&mut facts).clone();
    second.id.push('0');
    facts.events.push(second);
    assert_eq!(broken(&facts), ["one completion event per run, by id"]);
}

#[tokio::test]
async fn a_missing_completion_is_named() {
    let mut facts = sound().await;
    facts.events.retain(|event| event.name != COMPLETION);
    assert_eq!(broken(&facts), ["one completion event per run, by id"]);
}

#[tokio::test]
async fn a_missing_or_unasked_shipment_event_is_named() {
    const LAW: &str = "one automation event per shipped order, none for others";
    let mut facts = sound().await;
    facts.events.remove(0);
    assert_eq!(broken(&facts), [LAW]);
    let mut facts = sound().await;
    let mut unasked = facts.events[0].clone();
    unasked.id = format!("robot.coord.completed:{}:1", facts.jobs[0].items[2].item.id);
    facts.events.push(unasked);
    assert_eq!(broken(&facts), [LAW], "a failed item fires none");
    let mut facts = sound().await;
    let mut strange = facts.events[0].clone();
    strange.name = "automation/strange".into();
    facts.events.push(strange);
    assert_eq!(broken(&facts), [LAW], "nor is there any other kind");
}

#[tokio::test]
async fn event_data_that_differs_is_named() {
    let mut facts = sound().await;
    let data = completion(&mut facts).data.get().replace("\"successCount\":2", "\"successCount\":3");
    completion(&mut facts).data = serde_json::value::RawValue::from_string(data).unwrap();
    assert_eq!(broken(&facts), ["event data is right, and repetitions are identical"]);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_named() {
    let mut facts = sound().await;
    let Testimony { report, .. } = facts.answered[0].clone();
    let report = Report { tracking_number: Some("9999".into()), ..report };
    facts.answered.push(Testimony { report, verdict: Some(Verdict::Duplicate) });
    assert_eq!(broken(&facts), ["every answered 200 is there"]);
}

#[tokio::test]
async fn an_order_submitted_twice_is_named() {
    let mut facts = sound().await;
    for number in ["7315001", "7315002"] {
        facts.shipments.push(Shipment { number: number.into(), reference: "#1".into() });
    }
    assert_eq!(broken(&facts), ["no order was submitted to the portal twice"]);
}

#[tokio::test]
async fn an_item_applied_twice_is_named() {
    let mut facts = sound().await;
    let first = facts.answered[0].clone();
    facts.answered.push(first);
    assert_eq!(broken(&facts), ["each item ended as the portal had it, applied once"]);
}

#[tokio::test]
async fn counts_that_are_off_are_named() {
    let mut facts = sound().await;
    facts.jobs[0].job.success_count += 1;
    let laws = broken(&facts);
    assert_eq!(laws[0], "counts equal rows, every job is complete", "{laws:?}");
}

#[tokio::test]
async fn a_completion_before_the_last_item_is_named() {
    const LAW: &str = "no completion came before the last item";
    let mut facts = sound().await;
    facts.too_early.push(facts.jobs[0].job.id);
    assert_eq!(broken(&facts), [LAW], "as it was seen from outside");
    let mut facts = sound().await;
    facts.jobs[0].job.completed_at = None;
    assert_eq!(broken(&facts), [LAW], "as it was recorded");
}

#[tokio::test]
async fn a_conflict_that_is_not_kept_is_named() {
    let mut facts = sound().await;
    facts.kept.clear();
    let laws = broken(&facts);
    assert_eq!(laws, ["every answered 200 is there", "conflicting reports are kept"]);
}

#[tokio::test]
async fn what_waits_or_died_or_was_given_up_is_named() {
    let mut facts = sound().await;
    facts.outbox.pending = 1;
    facts.given_up.push("item … was not delivered".into());
    let event = facts.events[0].clone();
    facts.dead_letters.push(robot_callback_core::DeadLetter {
        recorded_at: robot_callback_core::Timestamp::EPOCH,
        dropped: None,
        id: 1,
        event,
        reason: "no".into(),
        failures: 1,
    });
    let laws = broken(&facts);
    assert_eq!(
        laws,
        ["every report was answered in the end", "the outbox is empty", "there are no dead letters"]
    );
}
