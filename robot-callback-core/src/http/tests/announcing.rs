//! Announcing what a callback has recorded: whatever the emitter does, the answer is the same.

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::{EmitError, Event};

/// An emitter that announces once it is let to.
struct Held {
    begun: Notify,
    may_end: Semaphore,
    ended: Notify,
}

impl Held {
    fn new() -> Arc<Self> {
        Arc::new(Self { begun: Notify::new(), may_end: Semaphore::new(0), ended: Notify::new() })
    }

    /// An hour of paused time, which passes at once when nothing else can happen.
    async fn has_ended(&self) {
        let ended = tokio::time::timeout(Duration::from_secs(3600), self.ended.notified());
        ended.await.expect("announcing goes on until it ends");
    }
}

#[async_trait]
impl Emitter for Held {
    async fn emit(&self, _: &[Event]) -> Vec<Result<(), EmitError>> {
        unreachable!("this one announces by itself")
    }

    async fn announce(&self, _: &dyn Store) {
        self.begun.notify_one();
        self.may_end.acquire().await.unwrap().forget();
        self.ended.notify_one();
    }
}

/// An emitter that takes a while, and panics then.
struct Panicking(Duration);

#[async_trait]
impl Emitter for Panicking {
    async fn emit(&self, _: &[Event]) -> Vec<Result<(), EmitError>> {
        unreachable!("this one announces by itself")
    }

    async fn announce(&self, _: &dyn Store) {
        tokio::time::sleep(self.0).await;
        panic!("an emitter panics, as it was told to")
    }
}

fn eventful(_: &Report) -> Result<Option<Applied>, StoreError> {
    Ok(Some(Applied { events: 1, ..applied(Verdict::Applied) }))
}

fn announcing(emitter: Arc<dyn Emitter>) -> CallbackEndpoint {
    CallbackEndpoint::new(Scripted::new(eventful), emitter, Secrets::new(["right"]))
}

#[tokio::test(start_paused = true)]
async fn an_emitter_that_hangs_does_not_change_the_answer_and_announcing_goes_on() {
    let emitter = Held::new();
    let told = Ask::right().of(&announcing(emitter.clone())).await;
    assert_eq!((told.status, told.body.as_str()), (200, r#"{"received":true,"verdict":"applied"}"#));
    emitter.may_end.add_permits(1);
    emitter.has_ended().await;
}

#[tokio::test(start_paused = true)]
async fn an_emitter_that_panics_does_not_change_the_answer() {
    for at_once_or_later in [Duration::ZERO, Duration::from_secs(5)] {
        let told = Ask::right().of(&announcing(Arc::new(Panicking(at_once_or_later)))).await;
        assert_eq!(told.status, 200, "the result is durable: {}", told.body);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_without_delay_is_announced_before_the_answer() {
    let emitter = Held::new();
    let endpoint = announcing(emitter.clone());
    let mut responding = Box::pin(Ask::right().of(&endpoint));
    tokio::select! {
        told = &mut responding => panic!("the answer waits for a moment, and was {}", told.status),
        () = emitter.begun.notified() => {}
    }
    emitter.may_end.add_permits(1);
    assert_eq!(responding.await.status, 200);
    assert!(emitter.may_end.try_acquire().is_err(), "it has been announced by then");
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_behind_a_503_or_a_caller_that_hung_up_is_announced_all_the_same() {
    for hangs_up in [false, true] {
        let (store, emitter) = (Scripted::waiting(eventful), Held::new());
        let endpoint = CallbackEndpoint::new(store.clone(), emitter.clone(), Secrets::new(["right"]));
        let mut responding = Box::pin(Ask::right().of(&endpoint));
        if hangs_up {
            tokio::select! {
                told = &mut responding => panic!("the store has not answered yet: {}", told.status),
                () = store.begun.notified() => {}
            }
        } else {
            responding.as_mut().await.is_problem(503, "Store not available");
        }
        drop(responding);
        store.may_end.add_permits(1);
        emitter.may_end.add_permits(1);
        emitter.has_ended().await;
    }
}
