//! A robot that dies at any step, and the next one: every order submitted at most once, every order reported, always the
//! same. The disk and the portal are copied at each step, and a robot is started on each copy; on one of its own copies
//! a third one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs};

use robot_callback_core::{ItemId, Report};
use robot_coordinadora_client::{Acceptance, BatchRequest, Keyring, MemoryKeyring, step};

use super::portal::{Facts, Fault, TestPortal};
use super::sink::{Kept, TestSink};
use super::world::{World, batch};

/// Everything that outlasts a robot, as it was at a step.
#[derive(Clone)]
struct Snapshot {
    place: &'static str,
    files: BTreeMap<PathBuf, Vec<u8>>,
    facts: Facts,
    kept: Kept,
    credentials: Option<String>,
}

/// What is copied at each step, while it is there.
struct Recorder {
    folder: PathBuf,
    portal: TestPortal,
    sink: TestSink,
    keyring: Arc<MemoryKeyring>,
    name: String,
    taken: Vec<Snapshot>,
}

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

fn record(place: &'static str) {
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(recorder) = recorder.as_mut() else { return };
    let mut files = BTreeMap::new();
    copy(&recorder.folder, &recorder.folder, &mut files);
    recorder.taken.push(Snapshot {
        place,
        files,
        facts: recorder.portal.facts().clone(),
        kept: recorder.sink.kept().clone(),
        credentials: recorder.keyring.secret(&recorder.name),
    });
}

fn copy(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            copy(root, &entry.path(), files);
        } else {
            let name = entry.path().strip_prefix(root).unwrap().to_owned();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn credentials_name(batch: &BatchRequest) -> String {
    format!("portal:{}", batch.job_id)
}

/// The world as it was at that step.
fn restored(snapshot: &Snapshot, batch: &BatchRequest) -> World {
    let world = World::new();
    for (name, bytes) in &snapshot.files {
        let path = world.options.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    if let Some(credentials) = &snapshot.credentials {
        world.keyring.keep(&credentials_name(batch), credentials).unwrap();
    }
    *world.portal.facts() = snapshot.facts.clone();
    *world.sink.kept() = snapshot.kept.clone();
    world
}

/// Lets a robot work in that world to its end; what was there at each of its steps.
fn work(world: &World, batch: &BatchRequest, accept: bool) -> Vec<Snapshot> {
    *RECORDER.lock().unwrap() = Some(Recorder {
        folder: world.options.folder.clone(),
        portal: world.portal.clone(),
        sink: world.sink.clone(),
        keyring: world.keyring.clone(),
        name: credentials_name(batch),
        taken: Vec::new(),
    });
    world.until_killed(|robot| async move {
        if accept {
            assert_eq!(robot.accept(batch.clone()).await.unwrap(), Acceptance::Accepted);
        }
        robot.idle().await;
        drop(robot);
    });
    RECORDER.lock().unwrap().take().unwrap().taken
}

/// Starts a robot on what a dead one left, and looks at the laws.
fn recover(snapshot: &Snapshot, batch: &BatchRequest) -> Vec<Snapshot> {
    let world = restored(snapshot, batch);
    let steps = work(&world, batch, false);
    let place = snapshot.place;
    let credentials = world.keyring.secret(&credentials_name(batch));
    assert_eq!(credentials, None, "dead at \"{place}\": the credentials are still kept");
    let job = batch.job_id.to_string();
    let accepted = snapshot.files.keys().any(|name| {
        name.to_str() == Some(&format!("{job}.job")) || name.file_name().unwrap().to_str() == Some(&job)
    });
    let submitted = world.portal.facts().submitted.clone();
    for reference in &submitted {
        let times = submitted.iter().filter(|other| *other == reference).count();
        assert_eq!(times, 1, "dead at \"{place}\": {reference} is submitted twice");
    }
    let reports = world.sink.reports();
    if !accepted {
        assert_eq!((reports.len(), submitted.len()), (0, 0), "dead at \"{place}\": it was not accepted");
        return steps;
    }
    for order in &batch.orders {
        let of = |item: ItemId| reports.iter().filter(move |report| report.item_id == item);
        let first: Option<&Report> = of(order.item_id).next();
        assert!(first.is_some(), "dead at \"{place}\": {} is not reported", order.pedido_input.referencia);
        assert!(
            of(order.item_id).all(|report| Some(report) == first),
            "dead at \"{place}\": two results of one"
        );
    }
    world.until_killed(|robot| async {
        let again = robot.accept(batch.clone()).await.unwrap();
        assert_eq!(again, Acceptance::AlreadyAccepted, "dead at \"{place}\"");
        drop(robot);
    });
    assert_eq!(world.portal.facts().submitted, submitted, "dead at \"{place}\": the job is done again");
    steps
}

/// At how many steps it died.
fn die_everywhere(seed: u64) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed);
    let batch = batch(["#1", "#2", "#3", "-4", "#5", "#6", "#7", "#8"]);
    let world = World::new();
    for (reference, fault) in [
        ("#2", Fault::Refuses),
        ("#3", Fault::FailsAfterCreating),
        ("#5", Fault::PanicsAfterCreating),
        ("#6", Fault::Fails),
        ("#7", Fault::OddNumber),
    ] {
        world.portal.fault(reference, fault);
    }
    let steps = work(&world, &batch, true);
    for place in [
        "after an intent is written",
        "before an order is submitted",
        "after a result is written",
        "after a result is handed over",
    ] {
        assert!(steps.iter().any(|step| step.place == place), "\"{place}\" is a step");
    }
    for step in &steps {
        let further = recover(step, &batch);
        if !further.is_empty() {
            recover(&further[rng.usize(..further.len())], &batch);
        }
    }
    steps.len()
}

/// In a process of its own: the hook hears of every step of a process.
#[test]
fn whatever_step_a_robot_dies_at_no_order_is_submitted_twice_and_each_is_reported() {
    const NAME: &str =
        "robot::crashes::whatever_step_a_robot_dies_at_no_order_is_submitted_twice_and_each_is_reported";
    if let Ok(seed) = env::var("ROBOT_CRASH_SEED_WITHIN") {
        step::watch(record);
        println!("{} steps, seed {seed}", die_everywhere(seed.parse().unwrap()));
        return;
    }
    let seed = env::var("ROBOT_CRASH_SEED").unwrap_or_else(|_| fastrand::u64(..).to_string());
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", NAME, "--nocapture"]).env("ROBOT_CRASH_SEED_WITHIN", &seed);
    let output = again.output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "ROBOT_CRASH_SEED={seed}\n{text}");
}
