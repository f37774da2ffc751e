//! A database that goes away and comes back, under a server that goes on.

use robot_callback_core::CALLBACK_PATH;
use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_harness::{Answered, Operator, Orders, Server, ServerSettings, request};
use tokio::time::timeout;

use super::cluster::Cluster;
use crate::program::{PATIENCE, server_settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_comes_back_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let inngest = InngestLoopback::start().await.unwrap();
    let cluster = Cluster::start();
    let settings =
        ServerSettings { database: cluster.url("postgres"), ..server_settings(folder.path(), &inngest) };
    let (secret, token) = (settings.secret.clone(), settings.token.clone());
    let server = Server::start(settings).await.unwrap();
    let orders = Orders::sample(2).unwrap().job_request();
    let job = Operator::new(server.address(), &token).make_job(&orders, "key").await.unwrap();
    let readyz = async |status: u16| {
        while request(server.address(), "/readyz", &[], None).await.unwrap().status != status {
            tokio::task::yield_now().await;
        }
    };
    let report = async |n: usize| {
        let item = job.items[n].item_id;
        let body = format!(r#"{{"itemId":"{item}","status":"success","trackingNumber":"7315000{n}"}}"#);
        let secret = [("x-callback-secret", secret.as_str())];
        request(server.address(), CALLBACK_PATH, &secret, Some(body.into_bytes())).await.unwrap()
    };
    let ok = |answered: &Answered, verdict: &str| {
        assert_eq!(answered.status, 200, "{answered:?}");
        assert!(answered.body.ends_with(format!(r#""verdict":"{verdict}"}}"#).as_bytes()), "{answered:?}");
    };
    ok(&report(0).await, "applied");

    cluster.stop_immediately();
    for _ in 0..2 {
        let meanwhile = report(1).await;
        assert_eq!(meanwhile.status, 503, "nothing can be promised: {meanwhile:?}");
        let after: u64 = meanwhile.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(after > 0, "and it is said when to come again");
    }
    timeout(PATIENCE, readyz(503)).await.expect("whoever balances the load is told");

    cluster.start_again();
    timeout(PATIENCE, readyz(200)).await.expect("it is ready again by itself");
    ok(&report(1).await, "applied");
    ok(&report(0).await, "duplicate");
    assert_eq!(server.lives(), 1, "all in one life");
}
