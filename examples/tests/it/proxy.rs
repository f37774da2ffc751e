//! A proxy between the robot and the server that loses requests, loses answers, and makes answers up.

use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_core::{Backoff, Report};
use robot_callback_harness::{
    Facts, Operator, Orders, Proxy, ProxyEnd, ProxyFault, Server, Witness, check, drained, open_store,
};
use robot_coordinadora_client::{Client, ClientOptions, Destination};

use crate::program::{DATABASE, server_settings};

const FAULTS: [ProxyFault; 6] = [
    ProxyFault { handed_on: true, end: ProxyEnd::Says500 },
    ProxyFault { handed_on: true, end: ProxyEnd::Closes },
    ProxyFault { handed_on: true, end: ProxyEnd::KeepsSilent },
    ProxyFault { handed_on: false, end: ProxyEnd::Says500 },
    ProxyFault { handed_on: false, end: ProxyEnd::Closes },
    ProxyFault { handed_on: false, end: ProxyEnd::KeepsSilent },
];

#[tokio::test]
async fn a_proxy_that_loses_answers_or_makes_them_up_neither_loses_nor_doubles_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let inngest = InngestLoopback::start().await.unwrap();
    let settings = server_settings(folder.path(), &inngest);
    let (secret, token) = (settings.secret.clone(), settings.token.clone());
    let server = Server::start(settings).await.unwrap();
    let witness = Arc::new(Witness::default());
    let (proxy, _) = Proxy::start(server.address(), witness.clone()).await.unwrap();
    let orders = Orders::sample(FAULTS.len()).unwrap();
    let job = Operator::new(server.address(), &token).make_job(&orders.job_request(), "key").await.unwrap();
    witness.expect(&job);

    let options = ClientOptions {
        attempt_deadline: Duration::from_millis(300),
        backoff: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) },
        ..ClientOptions::default()
    };
    let client = Client::new(options).unwrap();
    let destination = Destination::new(&proxy.callback_url(), &secret).unwrap();
    let mut truth = std::collections::BTreeMap::new();
    for (item, fault) in job.items.iter().zip(FAULTS) {
        proxy.script([fault]);
        let report = Report::success(item.item_id, format!("7315{}", truth.len()));
        client.report_result(&destination, &report).await.unwrap();
        truth.insert(item.item_id, report);
    }
    assert_eq!(proxy.faults_left(), 0, "every fault had its turn");

    let store = open_store(DATABASE, folder.path()).await.unwrap();
    drained(&*store).await.unwrap();
    let facts = Facts::collect(truth, &witness, &*store, inngest.events()).await.unwrap();
    let broken: Vec<_> = check(&facts).into_iter().filter(|check| !check.violations.is_empty()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let handed_on = FAULTS.iter().filter(|fault| fault.handed_on).count();
    assert_eq!(facts.answered.len(), FAULTS.len() + handed_on, "what was taken and denied was sent again");
}
