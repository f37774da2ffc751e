//! The contract's table of verdicts, row by row, and what each changes.

use super::*;
use crate::amount::Amount;
use crate::id::{ItemId, JobId, OrderId, WorkspaceId};

const NOW: i64 = 1_767_225_600_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW)
}

/// One open item of a job of `total`, of which that many ended before.
fn scene(total: u32, successes: u32, errors: u32) -> Scene {
    let workspace_id = WorkspaceId::random();
    let job = Job {
        id: JobId::random(),
        workspace_id,
        job_type: JobType::CreateShipment,
        status: JobStatus::Pending,
        total_items: total,
        success_count: successes,
        error_count: errors,
        run: 1,
        deadline: None,
        created_at: now(),
        completed_at: None,
    };
    let order = Order {
        id: OrderId::random(),
        workspace_id,
        contact: None,
        name: Some("#1001".into()),
        description: None,
        total_value: Amount::default(),
        carrier: None,
        tracking_number: None,
        carrier_guide_number: None,
        shipping_address: None,
        shipping_city: None,
        shipping_department: None,
    };
    let item = Item {
        id: ItemId::random(),
        job_id: job.id,
        order_id: Some(order.id),
        status: ItemStatus::Pending,
        attempt: 2,
        tracking_number: None,
        error_type: None,
        error_message: None,
        expired: false,
        completed_at: None,
    };
    Scene { job, item, order: Some(order) }
}

/// The scene after that report closed its item.
fn closed_by(scene: Scene, report: &Report) -> Scene {
    let change = apply(scene.clone(), report, Rules::default(), now()).unwrap();
    assert_eq!(change.verdict, Verdict::Applied);
    after(scene, change)
}

/// The scene after its deadline.
fn expired(scene: Scene) -> Scene {
    let change = expire(scene.clone(), Rules::default(), now()).expect("the item is open");
    after(scene, change)
}

fn after(scene: Scene, change: Change) -> Scene {
    Scene {
        job: change.job.unwrap_or(scene.job),
        item: change.item.unwrap_or(scene.item),
        order: change.order.or(scene.order),
    }
}

fn verdict(scene: &Scene, report: &Report) -> Verdict {
    apply(scene.clone(), report, Rules::default(), now()).unwrap().verdict
}

fn shipped(scene: &Scene) -> Report {
    Report::success(scene.item.id, "111111")
}

fn failed(scene: &Scene) -> Report {
    Report::error(scene.item.id, ErrorType::Portal, "no")
}

fn names(change: &Change) -> Vec<&str> {
    change.events.iter().map(|event| event.name.as_str()).collect()
}

#[test]
fn the_table_of_verdicts_holds_row_by_row() {
    use Verdict::{Applied, Conflict, Duplicate, Late, Stale};
    let open = scene(2, 0, 0);
    let processing =
        Scene { item: Item { status: ItemStatus::Processing, ..open.item.clone() }, ..open.clone() };
    let (ok, no) = (shipped(&open), failed(&open));
    let without_number = Report { tracking_number: None, ..ok.clone() };
    let another_number = Report::success(open.item.id, "222222");
    let other_words = Report::error(open.item.id, ErrorType::Unknown, "other words");
    let succeeded = closed_by(open.clone(), &ok);
    let numberless = closed_by(open.clone(), &without_number);
    let errored = closed_by(open.clone(), &no);
    let expired = expired(open.clone());
    let rows = [
        (&open, &ok, Applied, "an open item takes the first report"),
        (&open, &no, Applied, "an error, too"),
        (&open, &without_number, Applied, "and a success without a number"),
        (&processing, &ok, Applied, "an item that was taken up is open"),
        (&succeeded, &ok, Duplicate, "the same outcome and number"),
        (&numberless, &without_number, Duplicate, "the same, without a number"),
        (&errored, &no, Duplicate, "the same error"),
        (&errored, &other_words, Duplicate, "the same outcome in other words"),
        (&succeeded, &another_number, Conflict, "another number"),
        (&succeeded, &without_number, Conflict, "no number where there was one"),
        (&numberless, &ok, Conflict, "a number where there was none"),
        (&succeeded, &no, Conflict, "another outcome"),
        (&errored, &ok, Conflict, "another outcome, the other way round"),
        (&expired, &ok, Late, "a success after the deadline"),
        (&expired, &no, Late, "an error after the deadline"),
    ];
    for (scene, report, expected, why) in rows {
        assert_eq!(verdict(scene, report), expected, "{why}");
        let named = report.clone().for_attempt(2);
        assert_eq!(verdict(scene, &named), expected, "{why}, naming the attempt");
        let earlier = report.clone().for_attempt(1);
        assert_eq!(verdict(scene, &earlier), Stale, "an earlier attempt is stale, whatever else");
        let later = report.clone().for_attempt(3);
        assert_eq!(verdict(scene, &later), Conflict, "an attempt nobody opened is a conflict, whatever else");
    }
}

#[test]
fn what_is_not_applied_changes_nothing_and_is_kept_unless_it_was_heard_before() {
    let open = scene(1, 0, 0);
    let (ok, no) = (shipped(&open), failed(&open));
    let (succeeded, late) = (closed_by(open.clone(), &ok), expired(open.clone()));
    for (scene, report, keep) in [
        (&succeeded, &ok, false),
        (&succeeded, &no, true),
        (&late, &no, true),
        (&open, &ok.clone().for_attempt(1), true),
        (&open, &ok.clone().for_attempt(9), true),
    ] {
        let change = apply(scene.clone(), report, Rules { field_changes: true }, now()).unwrap();
        assert!(change.item.is_none() && change.job.is_none() && change.order.is_none(), "nothing changes");
        assert!(change.events.is_empty() && !change.completes && !change.order_missing, "nothing happens");
        assert_eq!(change.keep, keep, "{:?}", change.verdict);
    }
}

/// Whatever the outbox still knows of it.
#[test]
fn another_number_that_is_accepted_is_not_announced_again() {
    let open = scene(9, 3, 4);
    let (first, no) = (shipped(&open), failed(&open));
    let other = Report { tracking_number: Some("73159999999".into()), ..first.clone() };
    let events = |scene: &Scene| {
        let change = accept(scene.clone(), &other, Rules { field_changes: true }, now());
        change.events.into_iter().map(|event| event.name).collect::<Vec<_>>()
    };
    let of_columns = "automation/field.changed";
    assert_eq!(
        events(&closed_by(open.clone(), &first)),
        [of_columns],
        "it was announced when it was shipped"
    );
    let announced = ["automation/robot.coord.completed", of_columns, of_columns];
    assert_eq!(events(&closed_by(open, &no)), announced, "a failure was not");
}

#[test]
fn counters_move_by_exactly_the_transition_made() {
    let counts = |scene: Scene| (scene.job.success_count, scene.job.error_count);
    let open = scene(9, 3, 4);
    let (ok, no) = (shipped(&open), failed(&open));
    let succeeded = closed_by(open.clone(), &ok);
    let errored = closed_by(open.clone(), &no);
    assert_eq!(counts(succeeded.clone()), (4, 4), "open to success");
    assert_eq!(counts(errored.clone()), (3, 5), "open to error");
    assert_eq!(counts(expired(open.clone())), (3, 5), "open to expired");
    let late = expired(open);
    let corrected = after(late.clone(), apply(late, &ok, Rules::default(), now()).unwrap());
    assert_eq!(counts(corrected), (4, 4), "expired to success");
    for (scene, report, expected, why) in [
        (errored.clone(), &ok, (4, 4), "error to success"),
        (succeeded.clone(), &no, (3, 5), "success to error"),
        (succeeded.clone(), &ok, (4, 4), "success to success"),
        (errored, &no, (3, 5), "error to error"),
    ] {
        let change = accept(scene.clone(), report, Rules::default(), now());
        assert_eq!(counts(after(scene, change)), expected, "accepted: {why}");
    }
}

#[test]
fn the_last_open_item_completes_its_run_and_no_other_does() {
    let not_last = apply_to(scene(3, 1, 0));
    assert!(!not_last.completes && names(&not_last) == ["automation/robot.coord.completed"]);
    let last = apply_to(scene(3, 1, 1));
    assert!(last.completes, "the last open item completes its run");
    assert_eq!(names(&last), ["automation/robot.coord.completed", "robot/job.batch_completed"]);
    let job = last.job.unwrap();
    assert_eq!((job.status, job.completed_at), (JobStatus::Completed, Some(now())));

    let mut given_up = scene(1, 0, 0);
    given_up.job.status = JobStatus::Failed;
    let change = apply_to(given_up);
    assert!(!change.completes, "a job that was given up is not completed");
    assert_eq!(change.job.unwrap().status, JobStatus::Failed, "it stays as its owner left it");
}

fn apply_to(scene: Scene) -> Change {
    let report = shipped(&scene);
    apply(scene, &report, Rules::default(), now()).unwrap()
}

#[test]
fn a_completed_job_is_not_completed_again_by_a_late_success_or_an_operator() {
    let late = expired(scene(1, 0, 0));
    assert_eq!(late.job.status, JobStatus::Completed, "the deadline completes the job");
    let (ok, no) = (shipped(&late), failed(&late));
    assert!(!apply(late.clone(), &ok, Rules::default(), now()).unwrap().completes, "a late success does not");
    assert!(!accept(late, &no, Rules::default(), now()).completes, "nor does an operator");
}

#[test]
fn a_deadline_closes_an_open_item_and_no_other() {
    let open = scene(2, 0, 0);
    let item = expired(open.clone()).item;
    assert_eq!((item.status, item.error_type), (ItemStatus::Error, Some(ErrorType::Timeout)));
    assert!(item.expired && item.completed_at == Some(now()), "by the deadline, now");
    let closed = closed_by(open.clone(), &shipped(&open));
    assert!(expire(closed, Rules::default(), now()).is_none(), "a terminal item does not expire");
    let late = expired(open);
    assert!(expire(late, Rules::default(), now()).is_none(), "nor does an item that expired before");
}

#[test]
fn reopening_takes_the_failed_items_and_begins_the_next_run() {
    let first = scene(4, 0, 0);
    let errored = closed_by(first.clone(), &failed(&first)).item;
    let late = expired(first.clone()).item;
    let succeeded = closed_by(first.clone(), &shipped(&first)).item;
    let deadline = Some(now());
    let job = Job { status: JobStatus::Completed, error_count: 3, success_count: 1, ..first.job.clone() };
    let items = vec![errored.clone(), succeeded.clone(), late, first.item.clone()];
    let (reopened, failed) = reopen(job, items, deadline.into(), now()).expect("two of them failed");
    assert_eq!((reopened.status, reopened.run), (JobStatus::Pending, 2), "the next run begins");
    assert_eq!((reopened.success_count, reopened.error_count), (1, 1), "lowered by those re-opened");
    assert_eq!((reopened.deadline, reopened.completed_at), (deadline, None), "with its own deadline");
    assert_eq!(failed.len(), 2, "successes and open items stay");
    for item in failed {
        let fresh = Item { id: item.id, attempt: 3, ..first.item.clone() };
        assert_eq!(item, fresh, "as good as new, at the next attempt");
    }
    assert!(
        reopen(first.job, vec![succeeded, first.item], Deadline::Never, now()).is_none(),
        "none of these failed"
    );
}

#[test]
fn a_shipment_touches_its_order_by_the_type_of_its_job() {
    for (job_type, event, guide) in [
        (JobType::CreateShipment, Some("automation/robot.coord.completed"), None),
        (JobType::GuideLookup, Some("automation/robot.guide_lookup.completed"), Some("111111")),
        (JobType::OcrGuideRead, None, None),
    ] {
        let mut scene = scene(2, 0, 0);
        scene.job.job_type = job_type;
        let change = apply_to(scene);
        assert_eq!(names(&change), Vec::from_iter(event), "{job_type:?}");
        assert_eq!(change.order.is_some(), event.is_some(), "{job_type:?}");
        if let Some(order) = change.order {
            assert_eq!(order.carrier.as_deref(), Some(CARRIER));
            assert_eq!(order.tracking_number.as_deref(), Some("111111"));
            assert_eq!(order.carrier_guide_number.as_deref(), guide, "{job_type:?}");
        }
    }
}

#[test]
fn an_order_that_is_gone_or_of_another_workspace_is_told_and_fails_nothing() {
    let gone = Scene { order: None, ..scene(1, 0, 0) };
    let mut foreign = scene(1, 0, 0);
    foreign.job.workspace_id = WorkspaceId::random();
    for scene in [gone, foreign] {
        let change = apply_to(scene.clone());
        assert!(change.order_missing, "it is told");
        assert_eq!(change.verdict, Verdict::Applied, "it fails nothing");
        assert_eq!(names(&change), ["robot/job.batch_completed"], "no event of the item leaves");
        assert!(change.order.is_none(), "no order is written");
        let error = apply(scene.clone(), &failed(&scene), Rules::default(), now()).unwrap();
        assert!(!error.order_missing, "an error does not look for its order");
    }
}

#[test]
fn columns_that_really_changed_are_announced_when_asked_for() {
    let told = |scene: &Scene| {
        let change = apply(scene.clone(), &shipped(scene), Rules { field_changes: true }, now()).unwrap();
        let ids = change.events.iter().filter(|event| event.name == "automation/field.changed");
        ids.map(|event| event.id.rsplit(':').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let mut scene = scene(2, 0, 0);
    assert_eq!(told(&scene), ["carrier", "tracking_number"]);
    let order = scene.order.as_mut().unwrap();
    order.carrier = Some(CARRIER.into());
    assert_eq!(told(&scene), ["tracking_number"], "the carrier was the same before");
    scene.job.job_type = JobType::GuideLookup;
    assert_eq!(told(&scene), ["tracking_number", "carrier_guide_number"]);
    let order = scene.order.as_mut().unwrap();
    (order.tracking_number, order.carrier_guide_number) = (Some("111111".into()), Some("111111".into()));
    assert!(told(&scene).is_empty(), "nothing really changed");
    let change = apply(scene.clone(), &shipped(&scene), Rules { field_changes: true }, now()).unwrap();
    assert!(change.order.is_none(), "so nothing is written, either");
    assert_eq!(names(&change), ["automation/robot.guide_lookup.completed"], "but it is announced");
}
