//! A store broken on purpose fails the law it breaks, in that law's words, and passes the others.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use robot_callback_core::conformance::{self, World};
use robot_callback_core::{
    Action, ActionQuery, Answer, Applied, Claim, Command, Creation, DeadLetter, Discrepancy, Done, Effect,
    EntryId, ItemId, ItemQuery, Job, JobId, JobPage, JobQuery, JobView, KeptQuery, KeptReport, Lease,
    LeaseToken, LetterQuery, ManualClock, MemoryStore, NewJob, Operation, OperatorStore, Order, OutboxDepth,
    Page, Report, Rules, Scope, Settlement, Store, StoreError, Verdict,
};

use crate::watched::at_once;
use crate::worlds::tampered;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Nothing,
    /// It applies a report without asking whether the item is still open.
    ForgetsTheCondition,
    /// It asks first and writes later, with nothing in between to keep others out.
    ChecksThenWrites,
    /// It records no events.
    ForgetsTheOutbox,
    /// It records each completion twice.
    CompletesTwice,
    /// It gives entries away without holding them for the claimer.
    IgnoresLeases,
    /// It takes anybody's word for what became of an entry.
    IgnoresWhoSettles,
    /// It drops reports that contradict earlier ones.
    ForgetsContradictions,
    /// It counts re-opened items as failed still.
    MiscountsReopened,
    /// It lets everybody report on everything.
    IgnoresTheScope,
    /// It records events without their trace.
    ForgetsTheTrace,
    /// It does an operation again under the same key.
    ForgetsKeys,
    /// It sends a completion again that was acknowledged.
    ForgetsAcknowledgements,
    /// It keeps no record of what operators do.
    ForgetsWhoDidIt,
    /// It hands entries over that everybody else can get, too.
    HandsOverWhatIsDue,
    /// It keeps entries for a relay, and never gives them back.
    GivesNothingBack,
    /// It ships every order, whoever it belongs to.
    IgnoresWorkspaces,
    /// It takes the trace for a part of what a report says.
    KeepsTheTrace,
    /// It never looks at its own books.
    VerifiesNothing,
    /// It looks whether a kept report is open, and decides about it later.
    DecidesByLooking,
    /// It does what an operator asks, and notes the key afterwards.
    NotesTheKeyLater,
    /// It forgets since when entries are due.
    ForgetsSinceWhen,
}

/// A memory store with a fault.
struct Broken {
    store: Arc<MemoryStore>,
    fault: Fault,
    seen: Mutex<HashSet<ItemId>>,
    applied_again: Mutex<HashMap<JobId, u32>>,
    last_lease: Mutex<Option<LeaseToken>>,
    asked: AtomicBool,
    looking: AtomicUsize,
    keys: Mutex<HashMap<String, Done>>,
    /// Where it writes what it knows, when it is closed and not before.
    disk: Option<Disk>,
}

type Disk = Arc<Mutex<Option<Arc<MemoryStore>>>>;

impl Drop for Broken {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            *disk.lock().unwrap() = Some(self.store.clone());
        }
    }
}

impl Broken {
    fn on(store: Arc<MemoryStore>, fault: Fault) -> Self {
        let (seen, applied_again, last_lease) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (asked, looking, keys, disk) =
            (AtomicBool::default(), AtomicUsize::default(), Mutex::default(), None);
        Self { store, fault, seen, applied_again, last_lease, asked, looking, keys, disk }
    }

    async fn decide_by_looking(&self, command: Command) -> Result<Answer, StoreError> {
        let Operation::Resolve { kept_id, .. } = command.operation else {
            return self.store.operate(command).await;
        };
        let mut kept = self.store.kept_reports(KeptQuery::default()).await?.rows.into_iter();
        let open = kept.find(|kept| kept.id == kept_id && kept.resolution.is_none());
        // Until somebody else has looked, too, or nobody comes.
        self.looking.fetch_add(1, Ordering::SeqCst);
        for _ in 0..10_000 {
            if self.looking.load(Ordering::SeqCst) > 1 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let answer = self.store.operate(command).await?;
        Ok(match (open, answer) {
            (Some(kept), Ok(Done { effect: Effect::Nothing, .. }) | Err(_)) => {
                let (verdict, job_id) = (kept.verdict, kept.job_id);
                let (attempt, completed, events, order_missing) = (1, false, 0, false);
                let applied = Applied { verdict, job_id, attempt, completed, events, order_missing };
                Ok(Done::now(Effect::Resolved(applied)))
            }
            (_, answer) => answer,
        })
    }

    async fn note_the_key_later(&self, mut command: Command) -> Result<Answer, StoreError> {
        let Some(key) = command.key.take() else { return self.store.operate(command).await };
        if let Some(done) = self.keys.lock().unwrap().get(&key) {
            return Ok(Ok(Done { repeated: true, ..done.clone() }));
        }
        let answer = self.store.operate(command).await?;
        tokio::task::yield_now().await;
        if let Ok(done) = &answer {
            self.keys.lock().unwrap().insert(key, done.clone());
        }
        Ok(answer)
    }

    /// The job and the order of that item.
    async fn job_and_order(&self, item: ItemId) -> Result<Option<(Job, Order)>, StoreError> {
        for job in self.store.jobs(JobQuery::default()).await?.rows {
            let views = self.store.job(job.id).await?.into_iter().flat_map(|view| view.items);
            if let Some(order) = views.filter(|view| view.item.id == item).find_map(|view| view.order) {
                return Ok(Some((job, order)));
            }
        }
        Ok(None)
    }

    /// Applies a report as if the order were the job's workspace's.
    async fn apply_to_any_order(&self, report: Report) -> Result<Option<Applied>, StoreError> {
        let Some((job, order)) = self.job_and_order(report.item_id).await? else { return Ok(None) };
        self.store.move_order(order.id, job.workspace_id);
        let applied = self.store.apply(report).await;
        self.store.move_order(order.id, order.workspace_id);
        applied
    }
}

#[async_trait]
impl Store for Broken {
    async fn apply(&self, mut report: Report) -> Result<Option<Applied>, StoreError> {
        let item = report.item_id;
        if self.fault == Fault::IgnoresTheScope {
            report.scope = Scope::All;
        }
        if self.fault == Fault::ForgetsTheTrace {
            report.traceparent = None;
        }
        if let (Fault::KeepsTheTrace, Some(trace)) = (self.fault, &report.traceparent) {
            report.error_message = Some(trace.to_string());
        }
        if self.fault == Fault::IgnoresWorkspaces {
            return self.apply_to_any_order(report).await;
        }
        let open = !self.seen.lock().unwrap().contains(&item);
        if self.fault == Fault::ChecksThenWrites {
            tokio::task::yield_now().await;
        }
        let Some(mut applied) = self.store.apply(report).await? else { return Ok(None) };
        self.seen.lock().unwrap().insert(item);
        let again = match self.fault {
            Fault::ForgetsTheCondition => true,
            Fault::ChecksThenWrites => open,
            _ => false,
        };
        if again && applied.verdict == Verdict::Duplicate {
            applied.verdict = Verdict::Applied;
            *self.applied_again.lock().unwrap().entry(applied.job_id).or_default() += 1;
        }
        if self.fault == Fault::ForgetsTheOutbox {
            let lease = self.store.claim(Claim { limit: 100, lease: Duration::from_secs(1) }).await?;
            let gone = lease.entries.iter().map(|entry| (entry.id, Settlement::Delivered)).collect();
            self.store.settle(lease.token, gone).await?;
        }
        if self.fault == Fault::GivesNothingBack && self.asked.load(Ordering::SeqCst) {
            self.store.claim(Claim { limit: 100, lease: Duration::from_secs(75) }).await?;
        }
        Ok(Some(applied))
    }

    async fn claim(&self, mut claim: Claim) -> Result<Lease, StoreError> {
        if self.fault == Fault::IgnoresLeases {
            claim.lease = Duration::ZERO;
        }
        if self.fault == Fault::ForgetsSinceWhen {
            // For no time at all: from now on all of them are due since now.
            self.store.claim(Claim { limit: usize::MAX, lease: Duration::ZERO }).await?;
        }
        let mut lease = self.store.claim(claim).await?;
        if self.fault == Fault::CompletesTwice {
            let completion = lease.entries.iter().find(|entry| entry.event.id.starts_with("robot/job."));
            lease.entries.extend(completion.cloned());
        }
        *self.last_lease.lock().unwrap() = Some(lease.token);
        Ok(lease)
    }

    fn handed_over(&self, claim: Claim) -> Option<Lease> {
        self.asked.store(true, Ordering::SeqCst);
        if self.fault != Fault::HandsOverWhatIsDue {
            return None;
        }
        let seen = at_once(self.store.claim(Claim { lease: Duration::ZERO, ..claim })).unwrap();
        Some(seen).filter(|lease| !lease.entries.is_empty())
    }

    async fn settle(
        &self,
        lease: LeaseToken,
        settlements: Vec<(EntryId, Settlement)>,
    ) -> Result<(), StoreError> {
        let last = *self.last_lease.lock().unwrap();
        let token = if self.fault == Fault::IgnoresWhoSettles { last.unwrap_or(lease) } else { lease };
        self.store.settle(token, settlements).await
    }

    async fn prune(&self, older_than: Duration, limit: usize) -> Result<usize, StoreError> {
        self.store.prune(older_than, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

#[async_trait]
impl OperatorStore for Broken {
    async fn create_job(&self, job: NewJob) -> Result<Creation, StoreError> {
        self.store.create_job(job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let again = self.applied_again.lock().unwrap().get(&id).copied().unwrap_or_default();
        let mut view = self.store.job(id).await?;
        if let Some(view) = &mut view {
            view.job.success_count += again;
            if self.fault == Fault::MiscountsReopened {
                view.job.error_count += view.job.run - 1;
            }
        }
        Ok(view)
    }

    async fn job_page(&self, id: JobId, query: ItemQuery) -> Result<Option<JobPage>, StoreError> {
        self.store.job_page(id, query).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Page<Job>, StoreError> {
        self.store.jobs(query).await
    }

    async fn operate(&self, mut command: Command) -> Result<Answer, StoreError> {
        match (self.fault, &command.operation) {
            (Fault::ForgetsKeys, _) => command.key = None,
            (Fault::DecidesByLooking, _) => return self.decide_by_looking(command).await,
            (Fault::NotesTheKeyLater, _) => return self.note_the_key_later(command).await,
            (Fault::ForgetsAcknowledgements, Operation::Acknowledge { .. }) => {
                return Ok(Ok(Done::now(Effect::Acknowledged { run: 1 })));
            }
            _ => {}
        }
        self.store.operate(command).await
    }

    async fn actions(&self, query: ActionQuery) -> Result<Page<Action>, StoreError> {
        let mut page = self.store.actions(query).await?;
        if self.fault == Fault::ForgetsWhoDidIt {
            page.rows.clear();
        }
        Ok(page)
    }

    async fn expire(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        self.store.expire(limit).await
    }

    async fn kept_reports(&self, query: KeptQuery) -> Result<Page<KeptReport>, StoreError> {
        if self.fault == Fault::ForgetsContradictions {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        self.store.kept_reports(query).await
    }

    async fn dead_letters(&self, query: LetterQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.store.dead_letters(query).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.store.outbox_depth().await
    }

    async fn verify(&self) -> Result<Vec<Discrepancy>, StoreError> {
        if self.fault == Fault::VerifiesNothing {
            return Ok(Vec::new());
        }
        self.store.verify().await
    }
}

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

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()>>>;

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
