//! A server, a robot and a proxy between them, on which the tests of the robot play.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_core::{JobStatus, OperatorStore};
use robot_callback_harness::{
    Check, Facts, Operator, Orders, Proxy, RobotProcess, RobotSettings, Server, Witness, check, drained,
    open_store, truth_of,
};
use robot_coordinadora_client::{BatchRequest, Client, ClientOptions, FileKeyring, Spool, SpoolOptions};
use tokio::time::timeout;

use crate::program::{DATABASE, PATIENCE, example, server_settings};

/// How long to wait between two looks at a folder.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The stage, without the two that are killed.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) inngest: Arc<InngestLoopback>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) proxy: Proxy,
    operator: Operator,
    secret: String,
    batches: Vec<BatchRequest>,
}

impl Stage {
    /// The stage and its two players; the robot gets those settings on top.
    pub(crate) async fn build(
        settings: impl FnOnce(RobotSettings) -> RobotSettings,
    ) -> (Self, Server, RobotProcess) {
        let folder = tempfile::tempdir().unwrap();
        let inngest = Arc::new(InngestLoopback::start().await.unwrap());
        let of_server = server_settings(folder.path(), &inngest);
        let (secret, token) = (of_server.secret.clone(), of_server.token.clone());
        let server = Server::start(of_server).await.unwrap();
        let witness = Arc::new(Witness::default());
        let (proxy, _) = Proxy::start(server.address(), witness.clone()).await.unwrap();
        let program = (example("robot"), Vec::new());
        let of_robot = RobotSettings::hasty(program, folder.path(), proxy.origin());
        let robot = RobotProcess::start(settings(of_robot)).await.unwrap();
        let operator = Operator::new(server.address(), &token);
        (Self { folder, inngest, witness, proxy, operator, secret, batches: Vec::new() }, server, robot)
    }

    /// Makes a job of so many orders that nobody else has, and the batch that the robot is to be handed.
    pub(crate) async fn batch(&mut self, orders: usize) -> BatchRequest {
        let key = format!("-{}", self.batches.len() + 1);
        let orders = Orders::sample(orders).unwrap().again(&key);
        let job = self.operator.make_job(&orders.job_request(), &key).await.unwrap();
        self.witness.expect(&job);
        let batch = orders.batch(&job, &self.proxy.callback_url(), &self.secret);
        self.batches.push(batch.clone());
        batch
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's store, beside the server.
    pub(crate) async fn store(&self) -> Arc<dyn OperatorStore> {
        open_store(DATABASE, self.folder()).await.unwrap()
    }

    /// Waits until the server has the result of every order, for as long as there are answers to wait for.
    pub(crate) async fn until_complete(&self) {
        let (store, mut progress) = (self.store().await, self.witness.watch());
        let orders: usize = self.batches.iter().map(|batch| batch.orders.len()).sum();
        loop {
            let answered = progress.borrow_and_update().answered;
            if answered >= orders && self.are_complete(&*store).await {
                return;
            }
            timeout(PATIENCE, progress.changed()).await.expect("the robot reports").unwrap();
        }
    }

    async fn are_complete(&self, store: &dyn OperatorStore) -> bool {
        for batch in &self.batches {
            let view = store.job(batch.job_id).await.unwrap().expect("the job is there");
            if view.job.status != JobStatus::Completed {
                return false;
            }
        }
        true
    }

    /// Waits until everything is done; then collects the facts from what the dead have left behind.
    pub(crate) async fn end(&self, mut server: Server, mut robot: RobotProcess) -> Facts {
        let store = self.store().await;
        timeout(PATIENCE, drained(&*store)).await.expect("every event leaves").unwrap();
        let data = robot.data();
        timeout(PATIENCE, journal_is_done(&data)).await.expect("every batch ends");
        robot.kill().await.unwrap();
        spool_is_empty(&data).await;
        server.kill().await.unwrap();
        let shipments = robot.shipments().unwrap();
        let truth = self.batches.iter().flat_map(|batch| truth_of(batch, &shipments)).collect();
        let facts = Facts::collect(truth, &self.witness, &*self.store().await, self.inngest.events()).await;
        Facts { shipments, ..facts.unwrap() }
    }

    /// Fails, and keeps the data, if a law was broken.
    pub(crate) fn judge(self, facts: &Facts, seed: u64) {
        let broken: Vec<Check> =
            check(facts).into_iter().filter(|check| !check.violations.is_empty()).collect();
        if !broken.is_empty() {
            println!("the data is kept in {}", self.folder.keep().display());
        }
        assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// Waits until the robot has no batch in process.
async fn journal_is_done(data: &Path) {
    let is_open = |name: &String| name.ends_with(".job");
    while names(&data.join("journal")).iter().any(is_open) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Delivers what was spooled and not heard of, and sees that nothing stays, dead or damaged.
async fn spool_is_empty(data: &Path) {
    let client = Client::new(ClientOptions::default()).unwrap();
    let keyring = Arc::new(FileKeyring::open(data.join("secrets")).unwrap());
    let spool = Spool::open(data.join("spool"), client, keyring, SpoolOptions::default()).unwrap();
    let status = spool.flush(PATIENCE).await;
    assert_eq!((status.waiting, status.dead, status.damaged), (0, 0, 0), "{status:?}");
    let secrets = names(&data.join("secrets"));
    assert!(
        !secrets.iter().any(|name| name.starts_with("portal:")),
        "credentials are let go of: {secrets:?}"
    );
}
