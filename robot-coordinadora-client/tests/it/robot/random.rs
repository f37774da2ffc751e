//! Random batches, a portal of random faults, a receiver of random answers, and a robot that dies at random, with the
//! spool and the keyring it has in earnest: every order is submitted at most once, and reported exactly once in the end.

mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use robot_callback_core::{Backoff, Report};
use robot_coordinadora_client::{
    AcceptError, Acceptance, BatchRequest, Client, FileKeyring, Robot, RobotOptions, Spool, SpoolOptions,
};
use tempfile::TempDir;

use self::plan::{Plan, Reply, batches, plan};
use super::fuse::{Fuse, Fused};
use super::portal::TestPortal;
use super::world::{CALLBACK_SECRET, Told, runtime};
use crate::quick;
use crate::server::{Server, answer, applied, hang, hang_up, problem};
use crate::spool::LONG;

/// What outlasts every life of the robot.
struct World {
    folder: TempDir,
    portal: TestPortal,
    server: Server,
    fuse: Fuse,
    batches: Vec<BatchRequest>,
}

impl World {
    async fn new(plan: &Plan) -> Self {
        let (portal, fuse) = (TestPortal::default(), Fuse::default());
        portal.facts().login_faults = plan.logins.clone();
        portal.facts().search = plan.search;
        let (replies, burns) = (Mutex::new(plan.replies.clone()), fuse.clone());
        let server = Server::answering(move |_| {
            let reply = replies.lock().unwrap().pop();
            match reply.unwrap_or(Reply::Takes) {
                _ if burns.burns() => hang(),
                Reply::Busy => problem(503, "Not now"),
                Reply::LocksOut => problem(401, "Unauthorized"),
                Reply::Takes => applied(),
                Reply::SaysNothing => hang_up(),
                Reply::SaysFailure => problem(500, "Oh"),
                Reply::SaysNonsense => answer(200, "", "<html>"),
            }
        });
        let server = server.await;
        let batches = batches(plan, &portal, &server.url());
        Self { folder: tempfile::tempdir().unwrap(), portal, server, fuse, batches }
    }

    /// A robot and its spool, on what their last life left.
    async fn robot(&self) -> (Robot, Arc<Spool>) {
        let folder = self.folder.path();
        let keyring = Arc::new(FileKeyring::open(folder.join("secrets")).unwrap());
        let spool_options = SpoolOptions {
            schedule: vec![Duration::from_millis(1); 50],
            rest: Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(2) },
            ..SpoolOptions::default()
        };
        let client = Client::new(quick()).unwrap();
        let spool = Spool::open(folder.join("spool"), client, keyring.clone(), spool_options).unwrap();
        let (soon, spool) = (Duration::from_millis(20), Arc::new(spool));
        let options = RobotOptions {
            pause: Duration::ZERO,
            again_after: Duration::from_millis(1),
            login_limit: soon,
            order_limit: soon,
            look_up_limit: soon,
            ..RobotOptions::in_folder(folder.join("journal"))
        };
        let portal = Arc::new(Fused(self.portal.clone(), self.fuse.clone()));
        (Robot::start(options, portal, spool.clone(), keyring).await.unwrap(), spool)
    }

    /// One life, to its end or to all orders' end.
    fn live(&self, calls: isize) {
        self.fuse.set(calls);
        runtime().block_on(async {
            let (robot, spool) = self.robot().await;
            let done = async {
                for batch in &self.batches {
                    accepted(&robot, batch).await;
                }
                robot.idle().await;
                while deliver(&spool).await > 0 {}
            };
            tokio::select! {
                () = done => {}
                () = self.fuse.burnt() => {}
                () = tokio::time::sleep(LONG) => panic!("the robot is stuck: {:?}", spool.status()),
            }
        });
    }

    fn check(&self) {
        let submitted = self.portal.facts().submitted.clone();
        let once: BTreeSet<_> = submitted.iter().collect();
        assert_eq!(once.len(), submitted.len(), "an order was submitted twice: {submitted:?}");
        let mut heard = BTreeMap::<_, BTreeSet<_>>::new();
        for request in self.server.requests() {
            assert!(request.contains(CALLBACK_SECRET), "each report brings the batch's secret");
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let report = Report::parse(body.as_bytes()).unwrap();
            heard.entry(report.item_id).or_default().insert(body.to_owned());
        }
        for order in self.batches.iter().flat_map(|batch| &batch.orders) {
            let reports = heard.remove(&order.item_id).unwrap_or_default();
            let reference = &order.pedido_input.referencia;
            assert_eq!(reports.len(), 1, "{reference} has one report, whoever repeats it: {reports:?}");
            let report = Report::parse(reports.first().unwrap().as_bytes()).unwrap();
            self.check_truth(reference, &Told::of(&report));
        }
        assert!(heard.is_empty(), "nothing else is reported: {heard:?}");
        let secrets = std::fs::read_dir(self.folder.path().join("secrets")).unwrap();
        let secrets = secrets.map(|file| file.unwrap().file_name().into_string().unwrap());
        let kept: Vec<_> = secrets.filter(|name| name.starts_with("portal:")).collect();
        assert!(kept.is_empty(), "no credentials outlast their batch: {kept:?}");
    }

    /// No report says that there is a shipment where there is none, or that there is none where there is one.
    fn check_truth(&self, reference: &str, told: &Told) {
        let shipment = self.portal.facts().shipments.get(reference).cloned();
        match (shipment, told) {
            (Some(number), Told::Success(reported)) => {
                assert_eq!(reported, &number, "{reference} has its own number")
            }
            (Some(_), told) => assert!(told.may_exist(""), "{reference} was created: {told:?}"),
            (None, told) => assert!(matches!(told, Told::Error(..)), "{reference} was not created: {told:?}"),
        }
    }
}

/// Hands the batch over, as its sender would: again until it is taken.
async fn accepted(robot: &Robot, batch: &BatchRequest) {
    loop {
        match robot.accept(batch.clone()).await {
            Ok(Acceptance::Accepted | Acceptance::AlreadyAccepted | Acceptance::Rejected(_)) => return,
            Ok(Acceptance::Busy) => robot.idle().await,
            Err(AcceptError::NotKept(error)) => panic!("the disk works: {error}"),
            Err(AcceptError::Stopping) => unreachable!("nobody stops it"),
        }
    }
}

/// Waits until everything is delivered or a destination is stopped, and sends there again; how many wait.
async fn deliver(spool: &Spool) -> usize {
    let status = spool.flush(LONG).await;
    assert_eq!((status.dead, status.damaged), (0, 0), "nothing is given up: {status:?}");
    status.stopped.iter().for_each(|stopped| spool.resume(&stopped.destination));
    status.waiting
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_order_is_submitted_at_most_once_and_reported_once(plan in plan()) {
        let receivers = runtime();
        let world = receivers.block_on(World::new(&plan));
        for calls in plan.lives.iter().copied().chain([isize::MAX]) {
            world.live(calls);
        }
        world.check();
    }
}
