//! `/readyz`, which anybody may ask: the store is asked once for all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use robot_callback_core::Secrets;
use robot_callback_warp::{Operator, operator};
use tokio::task::{JoinHandle, JoinSet};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::stores::Down;

const AWAY: &str = "Store not available";

struct Asked {
    store: Arc<Down>,
    operator: Operator,
    routes: BoxedFilter<(Response,)>,
}

impl Asked {
    fn new(store: Arc<Down>) -> Self {
        let door = Operator::new(store.clone(), Secrets::default());
        Self { store, operator: door.clone(), routes: operator(door) }
    }

    /// Asks, and gives the short sentence of the refusal.
    fn asking(&self) -> impl Future<Output = String> + use<> {
        let routes = self.routes.clone();
        async move {
            let reply = warp::test::request().path("/readyz").reply(&routes).await;
            assert_eq!(reply.status(), 503);
            let problem: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
            problem["error"].as_str().unwrap().to_owned()
        }
    }

    fn begin(&self) -> JoinHandle<String> {
        tokio::spawn(self.asking())
    }

    fn let_it_answer(&self) {
        self.store.may_end.as_ref().expect("it waits").add_permits(1);
    }

    fn pings(&self) -> usize {
        self.store.pings.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_asks_for_readiness_has_the_store_asked_once_a_second() {
    let asked = Asked::new(Down::slow());
    let mut crowd = JoinSet::new();
    for _ in 0..400 {
        crowd.spawn(asked.asking());
    }
    asked.store.begun.notified().await;
    asked.let_it_answer();
    assert_eq!(crowd.join_all().await, [AWAY; 400], "what the store said was told to all of them");
    assert_eq!(asked.pings(), 1, "by one look");
    tokio::time::advance(Duration::from_secs(1)).await;
    asked.let_it_answer();
    assert_eq!(
        (asked.asking().await.as_str(), asked.pings()),
        (AWAY, 2),
        "and a second later it is looked again"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_while_readiness_is_looked_for_takes_nothing_from_the_others() {
    let asked = Asked::new(Down::slow());
    let gone = asked.begin();
    asked.store.begun.notified().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let other = asked.begin();
    asked.let_it_answer();
    assert_eq!(
        (other.await.unwrap().as_str(), asked.pings()),
        (AWAY, 1),
        "the look that had begun served the next"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drains_says_so_without_waiting_for_the_store() {
    let asked = Asked::new(Down::slow());
    let waiting = asked.begin();
    asked.store.begun.notified().await;
    asked.operator.drain();
    let told = asked.asking().await;
    assert_eq!((told.as_str(), waiting.is_finished()), ("Draining", false), "the look still goes on");
    waiting.abort();
}
