//! `kill -9` of the robot at every step, and of the server at any moment, hundreds of times.
//!
//! `KILL_SEED` replays the moments (as far as three processes can be replayed), `ROBOT_KILLS` sets how often the robot
//! is killed at least.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use robot_callback_harness::simulation::{Death, places_died_at};
use robot_callback_harness::{RobotProcess, Server, Witness, hand_over};
use tokio::sync::watch;

use crate::program::setting;
use crate::stage::Stage;

/// Where the robot must have died, each of them: before and after each write to the disk, each submission, each request.
const PLACES: [&str; 25] = [
    "after a batch is written",
    "after a file is removed",
    "after a file is written",
    "after a hand-over is written",
    "after a report was sent",
    "after a result is handed over",
    "after a result is written",
    "after an intent is written",
    "after an order is submitted",
    "after records are appended",
    "after records are synced",
    "after the secrets of a batch are kept",
    "before a batch is written",
    "before a file gets its name",
    "before a file is removed",
    "before a file is written",
    "before a file's folder is synced",
    "before a hand-over is written",
    "before a report is sent",
    "before a result is handed over",
    "before a result is written",
    "before an intent is written",
    "before an order is submitted",
    "before records are appended",
    "before records are synced",
];
/// The orders of a batch. Two batches are in process at a time.
const ORDERS: usize = 150;
/// The most pairs of batches. One or two do.
const MOST_ROUNDS: usize = 12;
/// The most places that are passed in a life.
const LONGEST_LIFE: u64 = 60;
/// The most answers between two deaths.
const MOST_ANSWERS: usize = 12;

#[test]
fn every_place_that_the_source_names_is_among_those_where_the_robot_must_die() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../robot-coordinadora-client/src");
    let (mut folders, mut named) = (vec![source], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            match path.file_name().and_then(|name| name.to_str()) {
                Some("tests" | "tests.rs") => {}
                _ if path.is_dir() => folders.push(path),
                _ => named.extend(places_in(&std::fs::read_to_string(path).unwrap())),
            }
        }
    }
    assert_eq!(named, PLACES.map(str::to_owned).into());
}

/// The texts in some code that begin as the name of a place does.
fn places_in(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let texts = lines.flat_map(|line| line.split('"'));
    let places = texts.filter(|text| text.starts_with("before ") || text.starts_with("after "));
    places.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_and_a_server_killed_at_every_step_lose_nothing_and_do_nothing_twice() {
    let (seed, kills) = (setting("KILL_SEED", fastrand::u64(..1_000_000)), setting("ROBOT_KILLS", 150));
    println!("seed {seed}, {kills} kills of the robot at least");
    let begun = Instant::now();
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut stage, mut server, mut robot) = Stage::build(|robot| {
        let robot = robot.with("ROBOT_PANIC_ONE_IN", 17).with("ROBOT_FAIL_ONE_IN", 19);
        robot.with("ROBOT_SEED", seed).with("ROBOT_SEGMENT_BYTES", 4096)
    })
    .await;
    let (stop, stopped) = watch::channel(false);
    let deaths = watch::Sender::new(Deaths::default());
    let (witness, inngest, address) = (stage.witness.clone(), stage.inngest.clone(), robot.address());
    let mut fate = Fate { witness: &witness, stopped: stopped.clone(), rng: rng.fork() };
    let mut other_fate = Fate { witness: &witness, stopped, rng: rng.fork() };
    let rounds = async {
        for _ in 0..MOST_ROUNDS {
            for _ in 0..2 {
                let batch = stage.batch(ORDERS).await;
                hand_over(address, &batch).await.unwrap();
            }
            stage.until_complete().await;
            if deaths.borrow().are_enough(kills) {
                break;
            }
        }
        stop.send_replace(true);
    };
    let playing =
        async { tokio::join!(rounds, fate.of_robot(&mut robot, &deaths), other_fate.of_server(&mut server)) };
    witness.beside(&inngest, playing).await;

    let lives = (robot.lives(), server.lives());
    let facts = stage.end(server, robot).await;
    let deaths = deaths.borrow().clone();
    println!(
        "{} lives of the robot, {} of the server in {:.1?}: {} orders, {} shipments, {} reports answered 200; \
         the robot was killed {} times from outside, and",
        lives.0,
        lives.1,
        begun.elapsed(),
        facts.truth.len(),
        facts.shipments.len(),
        facts.answered.len(),
        deaths.from_outside,
    );
    deaths.at.iter().for_each(|(place, times)| println!("{times:>5} times {place}"));
    stage.judge(&facts, seed);
    assert_eq!(deaths.unmet(), Vec::<&str>::new(), "seed {seed}: it died at every place");
    assert!(deaths.all() >= kills, "seed {seed}: it died often enough");
}

/// How the robot died.
#[derive(Clone, Debug, Default)]
struct Deaths {
    at: BTreeMap<String, u64>,
    from_outside: u64,
}

impl Deaths {
    fn all(&self) -> u64 {
        self.from_outside + self.at.values().sum::<u64>()
    }

    /// The places at which it has not died.
    fn unmet(&self) -> Vec<&'static str> {
        PLACES.into_iter().filter(|place| !self.at.contains_key(*place)).collect()
    }

    fn are_enough(&self, kills: u64) -> bool {
        self.all() >= kills && self.unmet().is_empty()
    }
}

/// What kills whom, and when.
struct Fate<'a> {
    witness: &'a Witness,
    stopped: watch::Receiver<bool>,
    rng: fastrand::Rng,
}

impl Fate<'_> {
    /// Lets the robot live and die, until it is told to stop; then it lives.
    async fn of_robot(&mut self, robot: &mut RobotProcess, deaths: &watch::Sender<Deaths>) {
        while !*self.stopped.borrow() {
            robot.kill().await.unwrap();
            let unmet = deaths.borrow().unmet();
            // A life that ends from outside would pass over an unmet place.
            if unmet.is_empty() && self.rng.u8(0..4) == 0 {
                robot.restart(&Death::default()).await.unwrap();
                if self.strikes_in_flight().await {
                    robot.kill().await.unwrap();
                    deaths.send_modify(|deaths| deaths.from_outside += 1);
                }
            } else {
                robot.restart(&self.death(&unmet)).await.unwrap();
                let mut stopped = self.stopped.clone();
                tokio::select! {
                    died = robot.death() => died.unwrap(),
                    _ = stopped.wait_for(|stop| *stop) => break,
                }
                let place = places_died_at(&robot.log()).unwrap().pop().expect("it says where");
                deaths.send_modify(|deaths| *deaths.at.entry(place).or_default() += 1);
            }
        }
        robot.kill().await.unwrap();
        robot.restart(&Death::default()).await.unwrap();
    }

    /// Kills the server again and again, until it is told to stop; then it lives.
    async fn of_server(&mut self, server: &mut Server) {
        while self.strikes_in_flight().await {
            server.kill().await.unwrap();
            server.restart().await.unwrap();
        }
    }

    /// Where a life of the robot ends: at the first place where none has ended yet, or after so many places.
    fn death(&mut self, unmet: &[&str]) -> Death {
        let die_after = Some(self.rng.u64(1..=LONGEST_LIFE));
        Death { die_at: unmet.iter().map(|place| (*place).to_owned()).collect(), die_after }
    }

    /// Waits for a random number of answers, and until a report is on its way; false when it is time to stop.
    async fn strikes_in_flight(&mut self) -> bool {
        let mut progress = self.witness.watch();
        let enough = progress.borrow().answered + self.rng.usize(0..MOST_ANSWERS);
        let loaded = progress.wait_for(|now| now.answered >= enough && now.in_flight > 0);
        let mut stopped = self.stopped.clone();
        tokio::select! {
            loaded = loaded => drop(loaded.unwrap()),
            _ = stopped.wait_for(|stop| *stop) => return false,
        }
        tokio::time::sleep(Duration::from_micros(self.rng.u64(0..3000))).await;
        true
    }
}
