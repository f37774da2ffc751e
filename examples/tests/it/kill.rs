//! `kill -9` of the server at any moment, a hundred times in a loop under load.
//!
//! `KILL_SEED` replays the moments and the load (as far as two processes can be replayed), `KILLS` sets how many.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_core::{CALLBACK_PATH, ErrorType, ItemId, Report};
use robot_callback_harness::{
    Facts, Gossip, GossipOptions, Operator, Orders, Reporter, Server, Witness, check, drained, open_store,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::program::{DATABASE, PATIENCE, SECRET, TOKEN, server_settings, setting};

const ROBOTS: u64 = 6;
/// The most answers between two kills.
const MOST_ANSWERS: usize = 40;

pub(crate) type Truth = BTreeMap<ItemId, Report>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_a_hundred_times_loses_nothing_and_says_nothing_twice() {
    let (seed, kills) = (setting("KILL_SEED", fastrand::u64(..1_000_000)), setting("KILLS", 100));
    println!("seed {seed}, {kills} kills");
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let inngest = InngestLoopback::start().await.unwrap();
    let mut server = Server::start(server_settings(folder.path(), &inngest)).await.unwrap();
    let witness = Arc::new(Witness::default());

    let stop = Arc::new(AtomicBool::new(false));
    let robots = robots(server.address(), &witness, seed, &stop);

    let working = async {
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..kills {
            kill_once(&mut server, &inngest, &witness, &mut rng).await;
        }
        stop.store(true, Ordering::SeqCst);
        let truth: Truth =
            timeout(PATIENCE, robots.join_all()).await.unwrap().into_iter().flatten().collect();
        let store = open_store(DATABASE, folder.path()).await.unwrap();
        timeout(PATIENCE, drained(&*store)).await.expect("every event leaves").unwrap();
        truth
    };
    let truth = witness.beside(&inngest, working).await;
    server.kill().await.unwrap();

    let store = open_store(DATABASE, folder.path()).await.unwrap();
    let facts = Facts::collect(truth, &witness, &*store, inngest.events()).await.unwrap();
    println!(
        "{} lives in {:.1?}: {} jobs, {} items, {} reports answered 200, {} kept; {} events, {} deliveries",
        server.lives(),
        begun.elapsed(),
        facts.jobs.len(),
        facts.truth.len(),
        facts.answered.len(),
        facts.kept.len(),
        inngest.distinct_ids().len(),
        facts.events.len(),
    );
    let broken: Vec<_> = check(&facts).into_iter().filter(|check| !check.violations.is_empty()).collect();
    if !broken.is_empty() {
        println!("the data is kept in {}", folder.keep().display());
    }
    assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
    assert_eq!(u64::from(server.lives()), kills + 1, "it came back every time");
}

/// Lets the server answer a random number of reports, and kills it while others are on their way.
async fn kill_once(
    server: &mut Server,
    inngest: &InngestLoopback,
    witness: &Witness,
    rng: &mut fastrand::Rng,
) {
    if rng.u8(0..10) == 0 {
        inngest.script([Fault::status(500).after_landing(), Fault::close()]);
    }
    let mut progress = witness.watch();
    let enough = progress.borrow().answered + rng.usize(0..MOST_ANSWERS);
    let loaded = progress.wait_for(|now| now.answered >= enough && now.in_flight > 0);
    timeout(PATIENCE, loaded).await.expect("the server answers").unwrap();
    // A report is answered within a few milliseconds: anywhere between its sending and its answer.
    tokio::time::sleep(Duration::from_micros(rng.u64(0..3000))).await;
    server.kill().await.unwrap();
    server.restart().await.unwrap();
}

/// Robots that report to that address, to a server as [`server_settings`] has it, until they are told to stop.
pub(crate) fn robots(
    server: SocketAddr,
    witness: &Arc<Witness>,
    seed: u64,
    stop: &Arc<AtomicBool>,
) -> JoinSet<Truth> {
    let operator = Operator::new(server, TOKEN);
    let url = format!("http://{server}{CALLBACK_PATH}");
    let mut robots = JoinSet::new();
    for number in 0..ROBOTS {
        let seed = seed.wrapping_add(number);
        let reporter = Reporter::new(&url, SECRET, witness.clone(), seed).unwrap();
        let load = Load { operator: operator.clone(), reporter, witness: witness.clone(), seed };
        robots.spawn(load.run(stop.clone()));
    }
    robots
}

/// One robot after the other, each with a job of its own.
struct Load {
    operator: Operator,
    reporter: Reporter,
    witness: Arc<Witness>,
    seed: u64,
}

impl Load {
    async fn run(self, stop: Arc<AtomicBool>) -> Truth {
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut truth = Truth::new();
        while !stop.load(Ordering::SeqCst) {
            let key = format!("{}-{}", self.seed, rng.u64(..));
            let orders = Orders::sample(rng.usize(1..=8)).unwrap().again(&key);
            let job = self.operator.make_job(&orders.job_request(), &key).await.unwrap();
            self.witness.expect(&job);
            let options = GossipOptions { copies: 3, contradict_one_in: 4, seed: rng.u64(..) };
            let mut gossip = Gossip::new(self.reporter.clone(), options);
            for item in job.items {
                gossip.spread(outcome(item.item_id, &mut rng)).await;
            }
            truth.extend(gossip.known());
        }
        truth
    }
}

/// What became of an order, by a throw of the dice.
fn outcome(item: ItemId, rng: &mut fastrand::Rng) -> Report {
    match rng.u8(0..5) {
        0 => Report::error(item, ErrorType::Portal, "Ciudad no cubierta"),
        _ => Report::success(item, rng.u64(73_150_000_000..73_160_000_000).to_string()),
    }
}
