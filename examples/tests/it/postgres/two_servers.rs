//! Two servers on one database, of which one is killed with SIGKILL every second, for a minute, under load.
//!
//! `KILL_SEED` replays the moments and the load (as far as three processes can be replayed), `KILL_SECONDS` sets for
//! how many seconds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_harness::{Facts, Server, ServerSettings, Witness, check, drained, open_store};
use tokio::time::timeout;

use super::balancer::Balancer;
use super::server::{Database, shared};
use crate::kill::{Truth, robots};
use crate::program::{PATIENCE, server_settings, setting};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_of_which_one_is_killed_every_second_lose_nothing_and_say_nothing_twice() {
    let (seed, seconds) = (setting("KILL_SEED", fastrand::u64(..1_000_000)), setting("KILL_SECONDS", 60));
    println!("seed {seed}, {seconds} seconds");
    let folder = tempfile::tempdir().unwrap();
    let inngest = InngestLoopback::start().await.unwrap();
    let database = shared().create("").await;
    let mut servers = [
        start(&folder.path().join("one"), &inngest, &database).await,
        start(&folder.path().join("other"), &inngest, &database).await,
    ];
    let balancer = Balancer::start(servers.iter().map(Server::address).collect(), seed).await;
    let (witness, stop) = (Arc::new(Witness::default()), Arc::new(AtomicBool::new(false)));
    let robots = robots(balancer.address, &witness, seed, &stop);

    let working = async {
        kill_by_turns(&mut servers, &inngest, &witness, seconds, seed).await;
        stop.store(true, Ordering::SeqCst);
        let truth: Truth =
            timeout(PATIENCE, robots.join_all()).await.unwrap().into_iter().flatten().collect();
        let store = open_store(&database.url(), folder.path()).await.unwrap();
        timeout(PATIENCE, drained(&*store)).await.expect("every event leaves").unwrap();
        truth
    };
    let truth = witness.beside(&inngest, working).await;
    let kills: u32 = servers.iter().map(|server| server.lives() - 1).sum();
    for server in &mut servers {
        server.kill().await.unwrap();
    }

    let store = open_store(&database.url(), folder.path()).await.unwrap();
    let facts = Facts::collect(truth, &witness, &*store, inngest.events()).await.unwrap();
    let broken: Vec<_> = check(&facts).into_iter().filter(|check| !check.violations.is_empty()).collect();
    if !broken.is_empty() {
        println!("the servers' logs are kept in {}", folder.keep().display());
    }
    assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
    println!(
        "{kills} kills: {} jobs, {} items, {} reports answered 200, {} kept; {} events, {} deliveries",
        facts.jobs.len(),
        facts.truth.len(),
        facts.answered.len(),
        facts.kept.len(),
        inngest.distinct_ids().len(),
        facts.events.len(),
    );
    rows_are_as_many_as_events(&database, facts.jobs.len(), inngest.distinct_ids().len()).await;
    assert_eq!(u64::from(kills), seconds, "each came back every time");
}

async fn start(folder: &Path, inngest: &InngestLoopback, database: &Database) -> Server {
    std::fs::create_dir(folder).unwrap();
    let settings = ServerSettings { database: database.url(), ..server_settings(folder, inngest) };
    Server::start(settings).await.unwrap()
}

/// Kills either server once a second, and starts it again before the next one's turn: there is always one.
async fn kill_by_turns(
    servers: &mut [Server; 2],
    inngest: &InngestLoopback,
    witness: &Witness,
    seconds: u64,
    seed: u64,
) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut progress = witness.watch();
    for _ in 0..seconds {
        second.tick().await;
        if rng.u8(0..5) == 0 {
            inngest.script([Fault::status(500).after_landing(), Fault::close()]);
        }
        let loaded = progress.wait_for(|now| now.in_flight > 0);
        timeout(PATIENCE, loaded).await.expect("there is load").unwrap();
        // A report is answered within a few milliseconds: anywhere between its sending and its answer.
        tokio::time::sleep(Duration::from_micros(rng.u64(0..5000))).await;
        let server = &mut servers[rng.usize(0..2)];
        server.kill().await.unwrap();
        server.restart().await.unwrap();
    }
}

/// No missing and no second row: the tables hold each completion and each event that arrived, and no other.
async fn rows_are_as_many_as_events(database: &Database, jobs: usize, events: usize) {
    let client = database.client().await;
    let count = async |sql: &str| {
        usize::try_from(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0)).unwrap()
    };
    let completions = count("SELECT count(*) FROM robot_callback.batch_completions").await;
    let rows = count("SELECT count(*) FROM robot_callback.outbox").await;
    let shipped =
        "SELECT count(*) FROM robot_job_items WHERE status = 'success' AND tracking_number IS NOT NULL";
    println!("{completions} rows of completions, {rows} rows of the outbox");
    assert_eq!(completions, jobs, "one completion for each job");
    assert_eq!(rows, jobs + count(shipped).await, "one event for each job and each shipment");
    assert_eq!(rows, events, "and each has arrived");
}
