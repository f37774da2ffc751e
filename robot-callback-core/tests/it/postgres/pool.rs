//! What is measured of the pool says how the pool stands.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use robot_callback_core::{OperatorStore, PostgresOptions, PostgresStore};

use super::database::Content;
use super::server::shared;

/// The largest connection, used connections, failures, and how often one was waited for.
fn pool(handle: &PrometheusHandle) -> [Option<u64>; 4] {
    let shown = handle.render();
    let value = |name: &str| {
        let line =
            shown.lines().find_map(|line| line.strip_prefix("robot_callback_pool_")?.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok())
    };
    ["connections_max ", "connections_used ", "failures_total ", "wait_seconds_count "].map(value)
}

#[tokio::test]
async fn the_pool_is_measured_as_it_is_used_waited_for_and_given_back() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // Of this thread, on which everything here runs.
    let _measuring = metrics::set_default_local_recorder(&recorder);
    let database = shared().database(Content::Ours).await;
    let mut other = database.client().await;
    // Long enough to connect on a busy machine.
    let short = Duration::from_secs(3);
    let options = PostgresOptions { pool_size: 1, connect_timeout: short, ..PostgresOptions::default() };
    let store = PostgresStore::connect(&database.url(), options).await.unwrap();
    let [max, used, failures, waited] = pool(&handle);
    assert_eq!((max, used, failures), (Some(2), Some(0), None), "nothing is at work yet");
    let before = waited.expect("connecting needed a connection");

    let holding = other.transaction().await.unwrap();
    holding.batch_execute("LOCK TABLE robot_callback.outbox").await.unwrap();
    let (looked, ()) = tokio::join!(store.outbox_depth(), async {
        while pool(&handle)[1] != Some(1) {
            tokio::task::yield_now().await;
        }
        store.outbox_depth().await.expect_err("the only connection is at work");
        assert_eq!(pool(&handle), [Some(2), Some(1), Some(1), Some(before + 2)], "one at work, one without");
        holding.rollback().await.unwrap();
    });
    looked.expect("it was only held up");
    assert_eq!(pool(&handle), [Some(2), Some(0), Some(1), Some(before + 2)], "it was given back");
}
