//! A store broken on purpose fails the law it breaks, in that law's words, and passes the others.

mod store;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use robot_callback_core::conformance::{self, World};
use robot_callback_core::{ManualClock, MemoryStore, OperatorStore, Rules};

use self::store::{Broken, Disk, Fault};
use crate::worlds::tampered;

fn world(fault: Fault) -> World {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::with(clock.clone(), Rules::default()));
    tampered(World::new(Arc::new(Broken::on(store.clone(), fault)), clock), &store)
}

/// What a broken law says; `None` when it holds.
fn broken<F: Future<Output = ()>>(law: fn(World) -> F, fault: Fault) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| conformance::run(law(world(fault))))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
}

/// The store with that fault breaks that law, and says so in those words; without the fault the law holds.
macro_rules! breaks {
    ($fault:ident, $law:ident, $words:literal) => {
        let said = broken(conformance::$law, Fault::$fault)
            .unwrap_or_else(|| panic!("a store that {:?} must break {}", Fault::$fault, stringify!($law)));
        assert!(said.contains($words), "{} should say {:?}, but says: {said}", stringify!($law), $words);
        assert_eq!(broken(conformance::$law, Fault::Nothing), None, "a store without faults keeps it");
    };
}

/// The store with that fault keeps those laws all the same.
macro_rules! keeps {
    ($fault:ident, $($law:ident),+) => {
        $(assert_eq!(broken(conformance::$law, Fault::$fault), None, stringify!($law));)+
    };
}

#[test]
fn a_store_that_forgets_the_items_state_breaks_the_law_of_second_reports() {
    breaks!(ForgetsTheCondition, a_second_report_changes_nothing, "a second report is a duplicate");
    breaks!(ForgetsTheCondition, concurrent_identical_reports_are_applied_once, "one is applied");
    keeps!(ForgetsTheCondition, the_first_report_is_applied, the_last_open_item_completes_the_job);
}

#[test]
fn a_store_that_checks_before_it_writes_breaks_the_law_of_concurrent_reports_alone() {
    breaks!(ChecksThenWrites, concurrent_identical_reports_are_applied_once, "one is applied");
    keeps!(ChecksThenWrites, a_second_report_changes_nothing, the_last_open_item_completes_the_job);
}

#[test]
fn a_store_that_forgets_the_outbox_breaks_the_laws_of_events() {
    let words = "one event of that item waits in the outbox";
    assert!(
        broken(conformance::a_success_changes_item_order_job_and_outbox, Fault::ForgetsTheOutbox)
            .is_some_and(|said| said.contains(words))
    );
    breaks!(ForgetsTheOutbox, the_last_open_item_completes_the_job, "a completed job is announced once");
    keeps!(ForgetsTheOutbox, a_second_report_changes_nothing, an_error_touches_no_order_and_fires_no_event);
}

#[test]
fn a_store_that_completes_twice_breaks_the_laws_of_completion() {
    breaks!(CompletesTwice, the_last_open_item_completes_the_job, "a completed job is announced once");
    breaks!(CompletesTwice, concurrent_reports_complete_the_job_once, "announce the completion once");
    breaks!(CompletesTwice, a_passed_deadline_completes_the_job, "it is announced");
    keeps!(CompletesTwice, the_first_report_is_applied, a_claim_gives_the_oldest_first);
}

#[test]
fn a_store_that_ignores_leases_breaks_the_laws_of_claims() {
    breaks!(IgnoresLeases, a_leased_entry_is_given_to_nobody_else, "given to nobody else");
    breaks!(IgnoresLeases, concurrent_claims_are_disjoint, "no entry twice");
    keeps!(IgnoresLeases, a_second_report_changes_nothing, an_expired_lease_can_be_claimed_again);
}

#[test]
fn a_store_that_takes_anybodys_word_breaks_the_law_of_lost_leases() {
    breaks!(IgnoresWhoSettles, a_lost_lease_settles_nothing, "a lost lease settles nothing");
    keeps!(IgnoresWhoSettles, concurrent_claims_are_disjoint, a_delivered_entry_never_leaves_again);
}

#[test]
fn a_store_that_forgets_contradictions_breaks_the_laws_of_kept_reports() {
    breaks!(ForgetsContradictions, a_conflicting_outcome_is_kept_and_the_first_stays, "is kept");
    breaks!(ForgetsContradictions, a_late_error_is_only_kept, "a late error is kept, once");
    breaks!(ForgetsContradictions, a_report_of_an_earlier_attempt_is_kept, "each of them is kept");
    keeps!(ForgetsContradictions, a_second_report_changes_nothing, a_late_success_is_applied_after_all);
}

#[test]
fn a_store_that_miscounts_reopened_items_breaks_the_law_of_reopening() {
    breaks!(MiscountsReopened, failed_items_reopen_with_their_next_attempt, "lowered by as many");
    keeps!(MiscountsReopened, nothing_failed_changes_nothing, a_report_of_a_later_attempt_is_kept);
}

#[test]
fn a_store_that_lets_everybody_report_on_everything_breaks_the_law_of_scopes() {
    breaks!(IgnoresTheScope, a_report_beyond_its_scope_is_of_no_item, "an open item beyond is not there");
    keeps!(IgnoresTheScope, the_first_report_is_applied, an_unknown_item_changes_nothing);
}

#[test]
fn a_store_that_forgets_the_trace_breaks_its_law_alone() {
    breaks!(ForgetsTheTrace, events_belong_to_the_trace_of_their_report, "the trace of its report");
    keeps!(ForgetsTheTrace, the_last_open_item_completes_the_job, a_second_report_changes_nothing);
}

#[test]
fn a_store_that_forgets_keys_breaks_the_laws_of_operations() {
    breaks!(ForgetsKeys, an_operation_under_a_used_key_is_not_done_again, "the same answer, whoever asks");
    breaks!(ForgetsKeys, concurrent_operations_under_one_key_are_one, "one is done");
    breaks!(ForgetsKeys, another_operation_under_a_used_key_is_told, "the key belongs to what was done");
    keeps!(ForgetsKeys, concurrent_retries_of_one_run_reopen_once, a_deadline_is_set_moved_and_taken_away);
}

#[test]
fn a_store_that_forgets_acknowledgements_breaks_the_law_of_repeats() {
    breaks!(ForgetsAcknowledgements, an_acknowledged_completion_is_not_repeated, "once");
    breaks!(ForgetsAcknowledgements, an_early_acknowledgement_ends_only_repeats, "once");
    keeps!(ForgetsAcknowledgements, a_repeat_leaves_in_its_time_as_the_same_event);
}

#[test]
fn a_store_that_keeps_no_record_breaks_the_law_of_records() {
    breaks!(ForgetsWhoDidIt, what_operators_do_is_recorded, "newest first");
    keeps!(ForgetsWhoDidIt, concurrent_operations_under_one_key_are_one);
}

#[test]
fn a_store_that_hands_over_what_it_does_not_hold_breaks_the_law_of_handing_over() {
    breaks!(HandsOverWhatIsDue, what_is_handed_over_is_given_to_nobody_else, "given to nobody else");
    keeps!(HandsOverWhatIsDue, a_leased_entry_is_given_to_nobody_else, concurrent_claims_are_disjoint);
}

#[test]
fn a_store_that_gives_nothing_back_breaks_the_law_of_giving_back() {
    breaks!(GivesNothingBack, what_is_given_back_is_due, "what is given back is due");
    keeps!(GivesNothingBack, what_is_handed_over_is_given_to_nobody_else, a_claim_gives_the_oldest_first);
}

#[test]
fn a_store_that_ships_anybodys_order_breaks_the_law_of_workspaces() {
    breaks!(IgnoresWorkspaces, an_order_of_another_workspace_is_left_alone, "the order is missing");
    keeps!(IgnoresWorkspaces, the_first_report_is_applied, a_shipped_item_announces_its_order_and_buyer);
}

#[test]
fn a_store_that_keeps_the_trace_with_a_report_breaks_the_law_of_kept_reports_alone() {
    breaks!(KeepsTheTrace, a_kept_report_is_of_no_trace, "kept once, and counted");
    keeps!(
        KeepsTheTrace,
        events_belong_to_the_trace_of_their_report,
        a_conflicting_outcome_is_kept_and_the_first_stays
    );
}

#[test]
fn a_store_that_never_looks_at_its_books_breaks_the_law_of_verification() {
    breaks!(VerifiesNothing, verification_says_what_is_amiss, "says what is amiss");
    keeps!(VerifiesNothing, verification_finds_nothing_amiss);
}

#[test]
fn a_store_that_decides_by_looking_breaks_the_law_of_concurrent_decisions_alone() {
    breaks!(
        DecidesByLooking,
        concurrent_decisions_about_a_kept_report_have_one_winner,
        "one decision takes effect"
    );
    keeps!(DecidesByLooking, a_kept_report_is_settled_once, a_decision_about_a_kept_report_stands);
}

#[test]
fn a_store_that_notes_the_key_later_breaks_the_law_of_dropped_changes() {
    breaks!(NotesTheKeyLater, a_dropped_change_happens_whole_or_not_at_all, "asked for again, it is done");
    keeps!(NotesTheKeyLater, a_dropped_call_happens_whole_or_not_at_all, a_claim_honours_its_limit);
}

#[test]
fn a_store_that_forgets_since_when_entries_are_due_breaks_the_law_of_claims_by_due_time() {
    breaks!(ForgetsSinceWhen, a_claim_takes_what_is_due_for_longest, "what was due before goes first");
    keeps!(ForgetsSinceWhen, a_claim_gives_the_oldest_first, concurrent_claims_are_disjoint);
}

#[test]
fn a_store_that_forgets_everything_breaks_the_laws_of_restarts() {
    let forgetful = || {
        let World { store, clock, .. } = world(Fault::Nothing);
        World::new(store, clock).reopened_by(|| std::future::ready(world(Fault::Nothing).store))
    };
    let broken = |run: &dyn Fn()| catch_unwind(AssertUnwindSafe(run)).is_err();
    assert!(broken(&|| conformance::run(conformance::a_restart_keeps_every_result(forgetful()))));
    assert!(broken(&|| conformance::run(conformance::a_restart_keeps_the_outbox(forgetful()))));
    assert!(broken(&|| conformance::run(conformance::a_restart_announces_nothing_again(forgetful()))));
}

/// A law sees whether a store has written what it acknowledged, or only would when it is closed: a world that closes it
/// first hides that.
#[test]
fn a_store_that_writes_only_when_it_is_closed_breaks_the_laws_of_restarts() {
    let lazy = |law: fn(World) -> BoxFuture, closing_first: bool| {
        let world = lazy_world();
        let world = if closing_first { world.closing_first() } else { world };
        catch_unwind(AssertUnwindSafe(|| conformance::run(law(world)))).is_err()
    };
    let laws: [fn(World) -> BoxFuture; 3] = [
        |world| Box::pin(conformance::a_restart_keeps_every_result(world)),
        |world| Box::pin(conformance::a_restart_keeps_the_outbox(world)),
        |world| Box::pin(conformance::a_restart_announces_nothing_again(world)),
    ];
    for law in laws {
        assert!(lazy(law, false), "what was acknowledged was not written");
        assert!(!lazy(law, true), "closed first, it has written everything");
    }
}

type BoxFuture = Pin<Box<dyn Future<Output = ()>>>;

fn lazy_world() -> World {
    let clock = Arc::new(ManualClock::default());
    let (disk, time) = (Disk::default(), clock.clone());
    let open = move || -> Arc<dyn OperatorStore> {
        let written = disk.lock().unwrap().clone();
        let store = written.unwrap_or_else(|| Arc::new(MemoryStore::with(time.clone(), Rules::default())));
        let mut broken = Broken::on(store, Fault::Nothing);
        broken.disk = Some(disk.clone());
        Arc::new(broken)
    };
    World::new(open(), clock).reopened_by(move || std::future::ready(open()))
}
