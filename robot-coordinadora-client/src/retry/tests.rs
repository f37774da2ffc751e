//! The schedule by its laws, and the loop under a clock that the tests move.

use std::cell::RefCell;

use proptest::prelude::*;
use robot_callback_core::{ReportError, Verdict};

use super::*;
use crate::answer::Answer;

const DELIVERED: Delivered = Delivered { verdict: Some(Verdict::Applied) };

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn answered(status: u16, try_again: TryAgain, retry_after: Option<Duration>) -> AttemptError {
    Answer { status, try_again, said: None, retry_after }.into()
}

fn busy(retry_after: Option<Duration>) -> AttemptError {
    answered(503, TryAgain::Later, retry_after)
}

fn options() -> ClientOptions {
    ClientOptions { seed: 7, ..ClientOptions::default() }
}

fn schedule(options: &ClientOptions) -> Schedule {
    Schedule::new(options, fastrand::Rng::with_seed(options.seed))
}

#[test]
fn the_receivers_wait_is_honoured_when_it_is_longer_than_the_backoffs() {
    let mut schedule = schedule(&options());
    assert_eq!(schedule.after(&busy(Some(secs(45))), secs(0)), Next::Again(secs(45)));
    let Next::Again(wait) = schedule.after(&busy(Some(Duration::ZERO)), secs(0)) else {
        panic!("there is time left");
    };
    assert!(wait > Duration::ZERO, "no wait asked for is no reason to hurry");
}

#[test]
fn a_wait_that_reaches_the_total_deadline_is_not_begun() {
    let mut schedule = schedule(&options());
    assert_eq!(schedule.after(&busy(Some(secs(100))), secs(19)), Next::Again(secs(100)));
    assert_eq!(schedule.after(&busy(Some(secs(100))), secs(20)), Next::GiveUp(Some(secs(100))));
    assert_eq!(schedule.after(&busy(Some(Duration::MAX)), secs(0)), Next::GiveUp(Some(Duration::MAX)));
    assert!(matches!(schedule.after(&busy(None), secs(500)), Next::GiveUp(Some(_))), "all time is used up");
}

#[test]
fn what_trying_again_cannot_help_is_not_tried_again() {
    for try_again in [TryAgain::Never, TryAgain::Reconfigured] {
        let failure = answered(404, try_again, Some(secs(1)));
        assert_eq!(schedule(&options()).after(&failure, secs(0)), Next::GiveUp(None), "{try_again:?}");
    }
}

#[test]
fn an_attempt_gets_its_deadline_or_what_is_left_of_the_total() {
    let schedule = schedule(&options());
    assert_eq!(schedule.window(secs(0)), secs(10));
    assert_eq!(schedule.window(secs(110)), secs(10));
    assert_eq!(schedule.window(secs(117)), secs(3));
    assert_eq!(schedule.window(secs(500)), secs(0));
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(Duration::ZERO), Just(Duration::MAX), (0_u64..200_000).prop_map(Duration::from_millis)]
}

proptest! {
    #[test]
    fn no_wait_and_no_attempt_passes_the_total_deadline(
        (attempt_deadline, total_deadline) in (duration(), duration()),
        (base, cap, seed) in (duration(), duration(), any::<u64>()),
        failures in prop::collection::vec((duration(), prop::option::of(duration())), 1..40),
    ) {
        let options = ClientOptions {
            attempt_deadline, total_deadline, backoff: Backoff { base, cap }, seed, ..options()
        };
        let mut schedule = schedule(&options);
        let mut elapsed = Duration::ZERO;
        for (number, (took, retry_after)) in (1..).zip(failures) {
            let window = schedule.window(elapsed);
            prop_assert!(window <= attempt_deadline);
            prop_assert!(elapsed.saturating_add(window) <= total_deadline, "an attempt ends by the deadline");
            elapsed = elapsed.saturating_add(took.min(window));
            let asked = retry_after.unwrap_or_default();
            let most = asked.max(options.backoff.ceiling(number));
            match schedule.after(&busy(retry_after), elapsed) {
                Next::Again(wait) => {
                    prop_assert!(elapsed.saturating_add(wait) < total_deadline, "time is left after a wait");
                    prop_assert!(asked <= wait && wait <= most, "never sooner than asked, nor later than need be");
                    elapsed += wait;
                }
                Next::GiveUp(wait) => {
                    let wait = wait.expect("a failure that may pass says how long it may take");
                    prop_assert!(elapsed.saturating_add(wait) >= total_deadline, "time is used while there is any");
                    prop_assert!(asked <= wait && wait <= most);
                    return Ok(());
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_waits(seed: u64) {
        let options = ClientOptions { seed, ..options() };
        let waits = || {
            let mut schedule = schedule(&options);
            (0..20).map(|_| schedule.after(&busy(None), secs(0))).collect::<Vec<_>>()
        };
        prop_assert_eq!(waits(), waits());
    }
}

/// What a scripted attempt does: takes that long, then ends so.
type Scripted = (Duration, Result<Delivered, AttemptError>);

/// Runs the loop against a script. Gives its result, the windows it allowed, and how long it took in all.
async fn run(script: Vec<Scripted>) -> (Result<Delivered, ReportFailure>, Vec<Duration>, Duration) {
    let (started, windows) = (Instant::now(), RefCell::default());
    let mut script = script.into_iter();
    let result = deliver(schedule(&options()), ItemId::random(), |window| {
        Vec::push(&mut windows.borrow_mut(), window);
        let (took, outcome) = script.next().expect("no more attempts than the script has");
        async move {
            tokio::time::sleep(took.min(window)).await;
            if took > window { Err(AttemptError::TimedOut(window)) } else { outcome }
        }
    })
    .await;
    (result, windows.into_inner(), started.elapsed())
}

fn broken() -> AttemptError {
    AttemptError::Network("connection reset".into())
}

#[tokio::test(start_paused = true)]
async fn every_failure_that_may_pass_is_tried_again_until_delivered() {
    let instantly = Duration::ZERO;
    let hang = secs(60);
    let (result, windows, _) = run(vec![
        (instantly, Err(broken())),
        (hang, Ok(DELIVERED)),
        (instantly, Err(busy(None))),
        (instantly, Ok(DELIVERED)),
    ])
    .await;
    assert_eq!(result.unwrap(), DELIVERED);
    assert_eq!(windows, [secs(10); 4], "a hang costs no more than the attempt deadline");
}

#[tokio::test(start_paused = true)]
async fn the_receivers_wait_passes_before_the_next_attempt() {
    let (result, _, took) = run(vec![(secs(0), Err(busy(Some(secs(45))))), (secs(0), Ok(DELIVERED))]).await;
    assert!(result.is_ok());
    assert!(took >= secs(45), "asked to wait 45 s, came back after {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_is_given_up_within_the_total_deadline() {
    let hang = || (secs(3600), Ok(DELIVERED));
    let (result, windows, took) = run((0..100).map(|_| hang()).collect()).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.attempts as usize, windows.len(), "every attempt is counted");
    assert!(failure.attempts > 3, "it was tried more than once: {}", failure.attempts);
    assert_eq!(failure.try_again(), TryAgain::Later);
    assert!(failure.wait.is_some(), "and it says how long to wait");
    assert!(matches!(failure.cause, AttemptError::TimedOut(_)));
    assert!(took <= secs(120), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_too_long_is_told_at_once_instead_of_begun() {
    let (result, _, took) = run(vec![(secs(0), Err(busy(Some(secs(600)))))]).await;
    let failure = result.unwrap_err();
    assert_eq!((failure.attempts, failure.wait), (1, Some(secs(600))));
    assert_eq!(failure.try_again(), TryAgain::Later);
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_it_and_says_after_how_many_attempts() {
    let refusals = [
        (answered(404, TryAgain::Never, None), TryAgain::Never),
        (answered(401, TryAgain::Reconfigured, None), TryAgain::Reconfigured),
        (
            AttemptError::Invalid(ReportError::Field(robot_callback_core::FieldError::new("x", "y"))),
            TryAgain::Never,
        ),
    ];
    for (refusal, try_again) in refusals {
        let (result, windows, _) = run(vec![(secs(0), Err(broken())), (secs(0), Err(refusal))]).await;
        let failure = result.unwrap_err();
        assert_eq!((failure.attempts, windows.len()), (2, 2));
        assert_eq!((failure.try_again(), failure.wait), (try_again, None));
    }
}

#[test]
fn a_failure_tells_its_item_its_attempts_and_its_causes_once_each() {
    let item_id = "6f9619ff-8b86-4d01-b42d-00c04fc964ff".parse().unwrap();
    let failure = ReportFailure { item_id, attempts: 3, wait: None, cause: broken() };
    assert_eq!(
        chain(&failure),
        "the result of item 6f9619ff-8b86-4d01-b42d-00c04fc964ff was not delivered in 3 attempt(s): \
         the receiver could not be reached, or hung up: connection reset"
    );
}
