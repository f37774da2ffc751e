//! The laws of a [`Store`](crate::Store), one public function each, and a macro that makes each a test by its name.
//!
//! Whoever writes a store runs them all: what is not a law here is not promised anywhere. A law takes a [`World`] (an
//! empty store of its own, and the clock it goes by) and panics, in the law's words, when it is broken.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use robot_callback_core::conformance::World;
//! use robot_callback_core::{ManualClock, MemoryStore, Rules, store_conformance};
//!
//! async fn world(rules: Rules) -> World {
//!     let clock = Arc::new(ManualClock::default());
//!     World::new(Arc::new(MemoryStore::with(clock.clone(), rules)), clock)
//! }
//!
//! store_conformance!(world);
//! ```
//!
//! A store that outlives its process says `store_conformance!(durable world)`, and its worlds are made with
//! [`World::reopened_by`].
//!
//! Some laws ask what comes of what somebody else does behind a store's back. They ask it of worlds that say how that is
//! done: [`World::losing_orders_by`], [`World::moving_orders_by`], [`World::miscounting_by`].
//!
//! # The laws
//!
//! **One report**
//!
//! 1. [`the_first_report_is_applied`]
//! 2. [`a_success_changes_item_order_job_and_outbox`]
//! 3. [`a_second_report_changes_nothing`]
//! 4. [`an_error_touches_no_order_and_fires_no_event`]
//! 5. [`a_success_without_a_number_fires_no_event`]
//! 6. [`an_unknown_item_changes_nothing`]
//! 7. [`an_order_of_another_workspace_is_left_alone`]
//! 8. [`an_order_that_is_gone_does_not_fail_the_report`]
//! 9. [`a_recorded_event_does_not_change_with_its_order`]
//!
//! **What events say**
//!
//! 10. [`a_shipped_item_announces_its_order_and_buyer`]
//! 11. [`an_order_without_a_name_is_called_by_its_description`]
//! 12. [`an_order_without_a_contact_has_a_null_contact_id`]
//! 13. [`a_guide_lookup_sets_the_guide_number`]
//! 14. [`an_ocr_reading_leaves_the_order_alone`]
//! 15. [`field_changes_are_not_announced_unasked`]
//! 16. [`field_changes_are_announced_when_asked_for`]
//!
//! **Completion**
//!
//! 17. [`the_last_open_item_completes_the_job`]
//! 18. [`no_job_is_complete_while_an_item_is_open`]
//! 19. [`concurrent_reports_complete_the_job_once`]
//! 20. [`concurrent_identical_reports_are_applied_once`]
//! 21. [`concurrent_contradictions_have_one_winner`]
//! 22. [`concurrent_jobs_stay_apart`]
//!
//! **Contradictions**
//!
//! 23. [`a_conflicting_outcome_is_kept_and_the_first_stays`]
//! 24. [`a_conflicting_number_is_kept_and_the_first_stays`]
//! 25. [`a_repeated_conflict_is_counted_not_kept_twice`]
//! 26. [`kept_reports_are_listed_by_job`]
//! 27. [`an_accepted_report_wins`]
//! 28. [`an_accepted_report_replaces_a_success`]
//! 29. [`a_dismissed_report_changes_nothing`]
//! 30. [`a_kept_report_is_settled_once`]
//!
//! **Re-opening**
//!
//! 31. [`failed_items_reopen_with_their_next_attempt`]
//! 32. [`a_second_run_is_announced_under_its_own_id`]
//! 33. [`only_failed_items_reopen`]
//! 34. [`only_named_items_reopen`]
//! 35. [`nothing_failed_changes_nothing`]
//! 36. [`retrying_an_unknown_job_is_none`]
//! 37. [`a_report_of_an_earlier_attempt_is_kept`]
//! 38. [`a_report_of_a_later_attempt_is_kept`]
//! 39. [`a_report_without_an_attempt_is_of_the_open_one`]
//!
//! **Deadlines**
//!
//! 40. [`a_passed_deadline_completes_the_job`]
//! 41. [`a_deadline_strikes_once`]
//! 42. [`a_job_without_a_deadline_never_expires`]
//! 43. [`expiring_honours_its_limit`]
//! 44. [`a_late_success_is_applied_after_all`]
//! 45. [`a_late_error_is_only_kept`]
//! 46. [`a_retry_brings_a_deadline_of_its_own`]
//! 47. [`a_deadline_and_a_report_close_an_item_once`]
//!
//! **Making jobs**
//!
//! 48. [`a_job_is_read_back_as_it_was_made`]
//! 49. [`an_unknown_job_is_none`]
//! 50. [`the_same_key_makes_no_second_job`]
//! 51. [`each_workspace_has_keys_of_its_own`]
//! 52. [`another_request_under_a_used_key_is_told`]
//! 53. [`concurrent_requests_under_one_key_make_one_job`]
//! 54. [`a_refused_job_makes_nothing`]
//! 55. [`a_job_that_breaks_a_rule_is_refused`]
//! 56. [`details_sent_again_keep_carrier_and_numbers`]
//! 57. [`an_order_the_store_has_needs_no_details`]
//!
//! **The outbox**
//!
//! 58. [`a_claim_gives_the_oldest_first`]
//! 59. [`a_claim_honours_its_limit`]
//! 60. [`a_leased_entry_is_given_to_nobody_else`]
//! 61. [`an_expired_lease_can_be_claimed_again`]
//! 62. [`a_lost_lease_settles_nothing`]
//! 63. [`a_delivered_entry_never_leaves_again`]
//! 64. [`an_entry_to_be_sent_again_waits_its_time`]
//! 65. [`each_entry_is_settled_in_its_own_way`]
//! 66. [`a_refused_entry_becomes_a_dead_letter`]
//! 67. [`a_redriven_dead_letter_is_due`]
//! 68. [`redriving_what_is_not_dead_changes_nothing`]
//! 69. [`pruning_forgets_only_what_was_delivered_long_ago`]
//! 70. [`pruning_forgets_no_result`]
//! 71. [`concurrent_claims_are_disjoint`]
//! 72. [`the_depth_counts_what_waits`]
//!
//! **The whole**
//!
//! 73. [`a_store_in_order_answers_a_ping`]
//! 74. [`verification_finds_nothing_amiss`]
//! 75. [`a_dropped_call_happens_whole_or_not_at_all`]
//!
//! **Durable stores**
//!
//! 76. [`a_restart_keeps_every_result`]
//! 77. [`a_restart_keeps_the_outbox`]
//! 78. [`a_restart_announces_nothing_again`]
//!
//! **Reports of limited scope**
//!
//! 79. [`a_report_beyond_its_scope_is_of_no_item`]
//!
//! **Traces**
//!
//! 80. [`events_belong_to_the_trace_of_their_report`]
//!
//! **What operators do**
//!
//! 81. [`what_operators_do_is_recorded`]
//! 82. [`what_changes_nothing_is_not_recorded`]
//! 83. [`an_operation_under_a_used_key_is_not_done_again`]
//! 84. [`another_operation_under_a_used_key_is_told`]
//! 85. [`concurrent_operations_under_one_key_are_one`]
//! 86. [`concurrent_retries_of_one_run_reopen_once`]
//! 87. [`a_deadline_is_set_moved_and_taken_away`]
//! 88. [`a_formula_counts_open_orders_from_now`]
//! 89. [`a_decision_about_a_kept_report_stands`]
//! 90. [`a_dropped_dead_letter_is_kept_and_never_leaves`]
//! 91. [`only_a_dead_letter_is_dropped`]
//! 92. [`all_dead_letters_are_redriven_at_once`]
//!
//! **Lists**
//!
//! 93. [`jobs_are_listed_newest_first_page_by_page`]
//! 94. [`jobs_are_found_by_what_is_known_of_them`]
//! 95. [`items_are_shown_page_by_page`]
//! 96. [`kept_reports_are_listed_over_all_jobs`]
//! 97. [`dead_letters_are_listed_page_by_page`]
//! 98. [`actions_are_listed_page_by_page`]
//!
//! **Late receivers**
//!
//! 99. [`a_repeat_leaves_in_its_time_as_the_same_event`]
//! 100. [`a_repeat_counts_as_delivered`]
//! 101. [`a_repeat_is_held_under_a_lease`]
//! 102. [`an_acknowledged_completion_is_not_repeated`]
//! 103. [`an_early_acknowledgement_ends_only_repeats`]
//! 104. [`reopening_ends_the_repeats_of_the_run_before`]
//! 105. [`only_a_complete_run_is_acknowledged`]
//!
//! **Many servers, and restarts**
//!
//! 106. [`concurrent_expiries_strike_once`]
//! 107. [`a_restart_keeps_what_operators_did`] (durable stores)
//!
//! **Handing over**
//!
//! 108. [`what_is_handed_over_is_given_to_nobody_else`]
//! 109. [`what_was_handed_over_and_not_settled_is_due_again`]
//! 110. [`what_is_handed_over_is_settled_like_the_claimed`]
//! 111. [`what_is_given_back_is_due`]
//! 112. [`giving_back_leaves_what_was_taken`]
//! 113. [`a_restart_keeps_what_was_to_be_handed_over`] (durable stores)
//!
//! **Beside those**
//!
//! 114. [`a_kept_report_is_of_no_trace`]
//! 115. [`verification_says_what_is_amiss`]
//! 116. [`concurrent_decisions_about_a_kept_report_have_one_winner`]
//! 117. [`a_dropped_change_happens_whole_or_not_at_all`]
//! 118. [`a_claim_takes_what_is_due_for_longest`]

mod announcing;
mod applying;
mod completing;
mod creating;
mod dropping;
mod expiring;
mod fixture;
mod handing;
mod keeping;
mod lasting;
mod leaving;
mod listing;
mod operating;
mod reopening;
mod repeating;
mod scoped;
mod traced;
mod whole;
mod world;

pub use announcing::{
    a_guide_lookup_sets_the_guide_number, a_shipped_item_announces_its_order_and_buyer,
    an_ocr_reading_leaves_the_order_alone, an_order_without_a_contact_has_a_null_contact_id,
    an_order_without_a_name_is_called_by_its_description, field_changes_are_announced_when_asked_for,
    field_changes_are_not_announced_unasked,
};
pub use applying::{
    a_recorded_event_does_not_change_with_its_order, a_second_report_changes_nothing,
    a_success_changes_item_order_job_and_outbox, a_success_without_a_number_fires_no_event,
    an_error_touches_no_order_and_fires_no_event, an_order_of_another_workspace_is_left_alone,
    an_order_that_is_gone_does_not_fail_the_report, an_unknown_item_changes_nothing,
    the_first_report_is_applied,
};
pub use completing::{
    concurrent_contradictions_have_one_winner, concurrent_identical_reports_are_applied_once,
    concurrent_jobs_stay_apart, concurrent_reports_complete_the_job_once,
    no_job_is_complete_while_an_item_is_open, the_last_open_item_completes_the_job,
};
pub use creating::{
    a_job_is_read_back_as_it_was_made, a_job_that_breaks_a_rule_is_refused, a_refused_job_makes_nothing,
    an_order_the_store_has_needs_no_details, an_unknown_job_is_none,
    another_request_under_a_used_key_is_told, concurrent_requests_under_one_key_make_one_job,
    details_sent_again_keep_carrier_and_numbers, each_workspace_has_keys_of_its_own,
    the_same_key_makes_no_second_job,
};
pub use dropping::a_dropped_change_happens_whole_or_not_at_all;
pub use expiring::{
    a_deadline_and_a_report_close_an_item_once, a_deadline_strikes_once,
    a_job_without_a_deadline_never_expires, a_late_error_is_only_kept, a_late_success_is_applied_after_all,
    a_passed_deadline_completes_the_job, a_retry_brings_a_deadline_of_its_own,
    concurrent_expiries_strike_once, expiring_honours_its_limit,
};
pub use handing::{
    a_restart_keeps_what_was_to_be_handed_over, giving_back_leaves_what_was_taken, what_is_given_back_is_due,
    what_is_handed_over_is_given_to_nobody_else, what_is_handed_over_is_settled_like_the_claimed,
    what_was_handed_over_and_not_settled_is_due_again,
};
pub use keeping::{
    a_conflicting_number_is_kept_and_the_first_stays, a_conflicting_outcome_is_kept_and_the_first_stays,
    a_dismissed_report_changes_nothing, a_kept_report_is_settled_once,
    a_repeated_conflict_is_counted_not_kept_twice, an_accepted_report_replaces_a_success,
    an_accepted_report_wins, concurrent_decisions_about_a_kept_report_have_one_winner,
    kept_reports_are_listed_by_job,
};
pub use lasting::{
    a_restart_announces_nothing_again, a_restart_keeps_every_result, a_restart_keeps_the_outbox,
    a_restart_keeps_what_operators_did,
};
pub use leaving::{
    a_claim_gives_the_oldest_first, a_claim_honours_its_limit, a_claim_takes_what_is_due_for_longest,
    a_delivered_entry_never_leaves_again, a_leased_entry_is_given_to_nobody_else,
    a_lost_lease_settles_nothing, a_redriven_dead_letter_is_due, a_refused_entry_becomes_a_dead_letter,
    an_entry_to_be_sent_again_waits_its_time, an_expired_lease_can_be_claimed_again,
    concurrent_claims_are_disjoint, each_entry_is_settled_in_its_own_way, pruning_forgets_no_result,
    pruning_forgets_only_what_was_delivered_long_ago, redriving_what_is_not_dead_changes_nothing,
    the_depth_counts_what_waits,
};
pub use listing::{
    actions_are_listed_page_by_page, dead_letters_are_listed_page_by_page, items_are_shown_page_by_page,
    jobs_are_found_by_what_is_known_of_them, jobs_are_listed_newest_first_page_by_page,
    kept_reports_are_listed_over_all_jobs,
};
pub use operating::{
    a_deadline_is_set_moved_and_taken_away, a_decision_about_a_kept_report_stands,
    a_dropped_dead_letter_is_kept_and_never_leaves, a_formula_counts_open_orders_from_now,
    all_dead_letters_are_redriven_at_once, an_operation_under_a_used_key_is_not_done_again,
    another_operation_under_a_used_key_is_told, concurrent_operations_under_one_key_are_one,
    concurrent_retries_of_one_run_reopen_once, only_a_dead_letter_is_dropped,
    what_changes_nothing_is_not_recorded, what_operators_do_is_recorded,
};
pub use reopening::{
    a_report_of_a_later_attempt_is_kept, a_report_of_an_earlier_attempt_is_kept,
    a_report_without_an_attempt_is_of_the_open_one, a_second_run_is_announced_under_its_own_id,
    failed_items_reopen_with_their_next_attempt, nothing_failed_changes_nothing, only_failed_items_reopen,
    only_named_items_reopen, retrying_an_unknown_job_is_none,
};
pub use repeating::{
    a_repeat_counts_as_delivered, a_repeat_is_held_under_a_lease,
    a_repeat_leaves_in_its_time_as_the_same_event, an_acknowledged_completion_is_not_repeated,
    an_early_acknowledgement_ends_only_repeats, only_a_complete_run_is_acknowledged,
    reopening_ends_the_repeats_of_the_run_before,
};
pub use scoped::a_report_beyond_its_scope_is_of_no_item;
pub use traced::{a_kept_report_is_of_no_trace, events_belong_to_the_trace_of_their_report};
pub use whole::{
    a_dropped_call_happens_whole_or_not_at_all, a_store_in_order_answers_a_ping,
    verification_finds_nothing_amiss, verification_says_what_is_amiss,
};
pub use world::{World, run};

/// Makes each law a test of its own name, so that a broken store fails by the name of the law it breaks.
///
/// Takes the name of an `async fn(Rules) -> World` that makes an empty store by the owner's [`Rules`](crate::Rules);
/// `durable` before it adds the laws of stores that outlive their process. Use it in a module of its own.
#[macro_export]
macro_rules! store_conformance {
    (durable $world:path) => {
        $crate::store_conformance!($world);
        $crate::store_conformance!(@laws $world, $crate::Rules::default(),
            a_restart_keeps_every_result
            a_restart_keeps_the_outbox
            a_restart_announces_nothing_again
            a_restart_keeps_what_operators_did
            a_restart_keeps_what_was_to_be_handed_over
        );
    };
    ($world:path) => {
        $crate::store_conformance!(@laws $world, $crate::Rules { field_changes: true }, field_changes_are_announced_when_asked_for);
        $crate::store_conformance!(@laws $world, $crate::Rules::default(),
            the_first_report_is_applied
            a_success_changes_item_order_job_and_outbox
            a_second_report_changes_nothing
            an_error_touches_no_order_and_fires_no_event
            a_success_without_a_number_fires_no_event
            an_unknown_item_changes_nothing
            an_order_of_another_workspace_is_left_alone
            an_order_that_is_gone_does_not_fail_the_report
            a_recorded_event_does_not_change_with_its_order
            a_shipped_item_announces_its_order_and_buyer
            an_order_without_a_name_is_called_by_its_description
            an_order_without_a_contact_has_a_null_contact_id
            a_guide_lookup_sets_the_guide_number
            an_ocr_reading_leaves_the_order_alone
            field_changes_are_not_announced_unasked
            the_last_open_item_completes_the_job
            no_job_is_complete_while_an_item_is_open
            concurrent_reports_complete_the_job_once
            concurrent_identical_reports_are_applied_once
            concurrent_contradictions_have_one_winner
            concurrent_jobs_stay_apart
            a_conflicting_outcome_is_kept_and_the_first_stays
            a_conflicting_number_is_kept_and_the_first_stays
            a_repeated_conflict_is_counted_not_kept_twice
            kept_reports_are_listed_by_job
            an_accepted_report_wins
            an_accepted_report_replaces_a_success
            a_dismissed_report_changes_nothing
            a_kept_report_is_settled_once
            failed_items_reopen_with_their_next_attempt
            a_second_run_is_announced_under_its_own_id
            only_failed_items_reopen
            only_named_items_reopen
            nothing_failed_changes_nothing
            retrying_an_unknown_job_is_none
            a_report_of_an_earlier_attempt_is_kept
            a_report_of_a_later_attempt_is_kept
            a_report_without_an_attempt_is_of_the_open_one
            a_passed_deadline_completes_the_job
            a_deadline_strikes_once
            a_job_without_a_deadline_never_expires
            expiring_honours_its_limit
            a_late_success_is_applied_after_all
            a_late_error_is_only_kept
            a_retry_brings_a_deadline_of_its_own
            a_deadline_and_a_report_close_an_item_once
            a_job_is_read_back_as_it_was_made
            an_unknown_job_is_none
            the_same_key_makes_no_second_job
            each_workspace_has_keys_of_its_own
            another_request_under_a_used_key_is_told
            concurrent_requests_under_one_key_make_one_job
            a_refused_job_makes_nothing
            a_job_that_breaks_a_rule_is_refused
            details_sent_again_keep_carrier_and_numbers
            an_order_the_store_has_needs_no_details
            a_claim_gives_the_oldest_first
            a_claim_honours_its_limit
            a_leased_entry_is_given_to_nobody_else
            an_expired_lease_can_be_claimed_again
            a_lost_lease_settles_nothing
            a_delivered_entry_never_leaves_again
            an_entry_to_be_sent_again_waits_its_time
            each_entry_is_settled_in_its_own_way
            a_refused_entry_becomes_a_dead_letter
            a_redriven_dead_letter_is_due
            redriving_what_is_not_dead_changes_nothing
            pruning_forgets_only_what_was_delivered_long_ago
            pruning_forgets_no_result
            concurrent_claims_are_disjoint
            the_depth_counts_what_waits
            a_store_in_order_answers_a_ping
            verification_finds_nothing_amiss
            a_dropped_call_happens_whole_or_not_at_all
            a_report_beyond_its_scope_is_of_no_item
            events_belong_to_the_trace_of_their_report
            what_operators_do_is_recorded
            what_changes_nothing_is_not_recorded
            an_operation_under_a_used_key_is_not_done_again
            another_operation_under_a_used_key_is_told
            concurrent_operations_under_one_key_are_one
            concurrent_retries_of_one_run_reopen_once
            a_deadline_is_set_moved_and_taken_away
            a_formula_counts_open_orders_from_now
            a_decision_about_a_kept_report_stands
            a_dropped_dead_letter_is_kept_and_never_leaves
            only_a_dead_letter_is_dropped
            all_dead_letters_are_redriven_at_once
            jobs_are_listed_newest_first_page_by_page
            jobs_are_found_by_what_is_known_of_them
            items_are_shown_page_by_page
            kept_reports_are_listed_over_all_jobs
            dead_letters_are_listed_page_by_page
            actions_are_listed_page_by_page
            a_repeat_leaves_in_its_time_as_the_same_event
            a_repeat_counts_as_delivered
            a_repeat_is_held_under_a_lease
            an_acknowledged_completion_is_not_repeated
            an_early_acknowledgement_ends_only_repeats
            reopening_ends_the_repeats_of_the_run_before
            only_a_complete_run_is_acknowledged
            concurrent_expiries_strike_once
            what_is_handed_over_is_given_to_nobody_else
            what_was_handed_over_and_not_settled_is_due_again
            what_is_handed_over_is_settled_like_the_claimed
            what_is_given_back_is_due
            giving_back_leaves_what_was_taken
            a_kept_report_is_of_no_trace
            verification_says_what_is_amiss
            concurrent_decisions_about_a_kept_report_have_one_winner
            a_dropped_change_happens_whole_or_not_at_all
            a_claim_takes_what_is_due_for_longest
        );
    };
    (@laws $world:path, $rules:expr, $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::conformance::run(async { $crate::conformance::$law($world($rules).await).await });
            }
        )*
    };
}
