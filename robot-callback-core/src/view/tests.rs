//! What a recount finds, line by line.

use super::*;
use crate::clock::Timestamp;
use crate::id::{ItemId, WorkspaceId};
use crate::job::JobType;

fn job(status: JobStatus, total_items: u32, success_count: u32, error_count: u32) -> Job {
    Job {
        id: JobId::random(),
        workspace_id: WorkspaceId::random(),
        job_type: JobType::CreateShipment,
        status,
        total_items,
        success_count,
        error_count,
        run: 1,
        deadline: None,
        created_at: Timestamp::from_millis(0),
        completed_at: None,
    }
}

fn items(statuses: &[ItemStatus]) -> Vec<Item> {
    let item = |status: &ItemStatus| Item {
        id: ItemId::random(),
        job_id: JobId::random(),
        order_id: None,
        status: *status,
        attempt: 1,
        tracking_number: None,
        error_type: None,
        error_message: None,
        expired: false,
        completed_at: None,
    };
    statuses.iter().map(item).collect()
}

fn found(job: Job, statuses: &[ItemStatus], announced: bool) -> Vec<String> {
    let discrepancies = Recount::of(job, &items(statuses), announced).discrepancies();
    discrepancies
        .iter()
        .map(|found| format!("{}: {} {}", found.what, found.recorded, found.counted))
        .collect()
}

use ItemStatus::{Error, Pending, Processing, Success};
use JobStatus::{Completed, Failed};

#[test]
fn nothing_differs_where_all_is_well() {
    let nothing = Vec::<String>::new();
    assert_eq!(found(job(JobStatus::Pending, 3, 1, 0), &[Success, Pending, Processing], false), nothing);
    assert_eq!(found(job(JobStatus::Processing, 2, 0, 1), &[Error, Pending], false), nothing);
    assert_eq!(found(job(Completed, 2, 1, 1), &[Success, Error], true), nothing);
    assert_eq!(found(job(JobStatus::Pending, 0, 0, 0), &[], false), nothing, "no items, nothing to complete");
}

#[test]
fn each_count_that_differs_is_told() {
    let off = found(job(JobStatus::Pending, 4, 2, 2), &[Success, Error, Pending], false);
    assert_eq!(off, ["total_items: 4 3", "success_count: 2 1", "error_count: 2 1"]);
}

#[test]
fn a_job_that_should_or_should_not_be_complete_is_told() {
    let forgotten = found(job(JobStatus::Pending, 1, 1, 0), &[Success], false);
    assert_eq!(forgotten, ["whether it is completed: false true"]);
    let too_early = found(job(Completed, 2, 1, 0), &[Success, Pending], true);
    assert_eq!(too_early, ["whether it is completed: true false"]);
}

#[test]
fn a_completion_that_was_not_announced_or_announced_too_early_is_told() {
    let silent = found(job(Completed, 1, 1, 0), &[Success], false);
    assert_eq!(silent, ["whether its run was announced: false true"]);
    let too_early = found(job(JobStatus::Pending, 2, 1, 0), &[Success, Pending], true);
    assert_eq!(too_early, ["whether its run was announced: true false"]);
}

#[test]
fn a_job_given_up_by_its_owner_is_asked_for_its_counts_alone() {
    assert!(found(job(Failed, 2, 1, 1), &[Success, Error], false).is_empty());
    assert_eq!(found(job(Failed, 2, 1, 1), &[Success, Pending], false), ["error_count: 1 0"]);
}

#[test]
fn a_discrepancy_reads_as_a_sentence() {
    let job_id = "11111111-1111-4111-8111-111111111111".parse().unwrap();
    let off = Discrepancy { job_id, what: "success_count", recorded: "2".into(), counted: "1".into() };
    let expected = "job 11111111-1111-4111-8111-111111111111: success_count is 2, but its items make it 1";
    assert_eq!(off.to_string(), expected);
}
