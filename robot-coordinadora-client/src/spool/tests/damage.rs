//! A bit that flips, anywhere: it costs at most the record it hit, and that is told.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use robot_callback_core::Timestamp;

use super::super::log::keep_damaged;
use super::super::recovery::Found;
use super::super::segment::Place;
use super::*;
use crate::disk::pieces;

/// The segment that was begun last.
fn segment(robot: &Robot) -> PathBuf {
    let files = fs::read_dir(robot.folder.path()).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "spool")).max().unwrap()
}

fn found(folder: &Path) -> Found {
    let now = Timestamp::from_millis(0);
    recover(folder, now, now).unwrap()
}

/// Those that wait, and those that are dead.
fn standing(found: &Found) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let dead = |seq: &u64| found.index.is_dead(*seq);
    let all = (0..found.next).filter(|seq| found.index.place(*seq).is_some());
    let (dead, waiting) = all.partition(dead);
    (waiting, dead)
}

/// A file with every kind of record: reports that wait, were tried, are dead, redriven and delivered.
async fn written() -> (Vec<u8>, String) {
    let robot = Robot::new();
    let spool = robot.open();
    let settled = |waiting, dead| {
        let spool = &spool;
        async move {
            while (spool.status().waiting, spool.status().dead) != (waiting, dead) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    };
    robot.receivers.set(&shop("a"), Mode::Refuses);
    spooled(&spool, &shop("a")).await;
    spooled(&spool, &shop("a")).await;
    settled(0, 2).await;
    robot.receivers.set(&shop("a"), Mode::Takes);
    spooled(&spool, &shop("a")).await;
    settled(0, 2).await;
    robot.receivers.set(&shop("b"), Mode::Busy(Some(Duration::from_secs(3600))));
    spooled(&spool, &shop("b")).await;
    while robot.receivers.sent().len() < 4 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    let dead = spool.dead_letters().await.unwrap();
    spool.redrive(&[dead[0].id]).await.unwrap();
    spooled(&spool, &shop("c")).await;
    settled(2, 1).await;
    spool.shutdown(Duration::ZERO).await;
    let file = segment(&robot);
    (fs::read(&file).unwrap(), file.file_name().unwrap().to_string_lossy().into_owned())
}

#[tokio::test(start_paused = true)]
async fn a_flipped_bit_anywhere_costs_at_most_the_record_it_hit_and_is_told() {
    let (bytes, name) = written().await;
    let text = String::from_utf8(bytes.clone()).unwrap();
    for kind in ["spool", "report", "tried", "dead", "again", "settled"] {
        assert!(text.contains(&format!("{{\"{kind}\":")), "there is a record of each kind: {text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| {
        fs::write(folder.path().join(&name), bytes).unwrap();
        drop(fs::remove_dir_all(folder.path().join("damaged")));
        found(folder.path())
    };
    let whole = standing(&read(&bytes));
    assert_eq!((whole.0.len(), whole.1.len()), (2, 1));
    // One bit of every byte: which one is nothing to what reads it.
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        if flipped[place].eq_ignore_ascii_case(&bytes[place]) && read(&flipped).damage.is_empty() {
            continue; // a digit of a frame's header in the other case
        }
        let hit = pieces(&bytes).find(|piece| place < piece.at + piece.bytes.len()).unwrap();
        let record = String::from_utf8_lossy(hit.payload.unwrap()).into_owned();
        let found = read(&flipped);
        assert_eq!(found.damage.len(), 1, "byte {place} of {record}");
        assert_eq!(fs::read(&found.damage[0]).unwrap().len(), hit.bytes.len(), "all of the record is kept");
        let (waiting, dead) = standing(&found);
        let lost =
            whole.0.union(&whole.1).filter(|seq| !waiting.contains(seq) && !dead.contains(seq)).count();
        let was_report = record.starts_with("{\"report\"");
        assert!(lost <= usize::from(was_report), "byte {place} of {record}: {lost} reports are lost");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_damaged_while_the_spool_runs_is_moved_aside_and_holds_up_no_other() {
    let mut robot = Robot::new();
    robot.options.at_once = 1; // so that none is on its way when the destination is stopped
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    let spool = robot.open();
    let mut reports = Vec::new();
    for _ in 0..3 {
        reports.push(spooled(&spool, &shop("a")).await);
    }
    while spool.status().stopped.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let file = segment(&robot);
    let text = fs::read_to_string(&file).unwrap();
    let damaged = text.replace(&reports[1].item_id.to_string(), &ItemId::random().to_string());
    // In place, as a disk does it: the spool has the file open.
    let mut open = fs::OpenOptions::new().write(true).open(&file).unwrap();
    io::Write::write_all(&mut open, damaged.as_bytes()).unwrap();
    robot.receivers.set(&shop("a"), Mode::Takes);
    spool.resume(&shop("a"));
    let left = spool.flush(LONG).await;
    assert_eq!((left.waiting, left.dead, left.damaged), (0, 0, 1), "{left:?}");
    let taken = robot.receivers.taken();
    assert_eq!(taken.len(), 2, "nothing is sent that was not handed over");
    assert!(taken.contains(&reports[0]) && taken.contains(&reports[2]));
}

#[tokio::test(start_paused = true)]
async fn damage_that_can_not_be_moved_aside_is_told_and_stays_until_it_can_be() {
    let mut robot = Robot::new();
    let told = Arc::<Mutex<Vec<PathBuf>>>::default();
    let hears = told.clone();
    robot.options.on_alarm = Some(Arc::new(move |alarm| {
        if let SpoolAlarm::Damaged { kept_in } = alarm {
            hears.lock().unwrap().push(kept_in.clone());
        }
    }));
    robot.receivers.set(&shop("a"), Mode::LocksOut);
    let spool = robot.open();
    let lost = spooled(&spool, &shop("a")).await;
    drop(spool);
    let (file, folder) = (segment(&robot), robot.folder.path().join("damaged"));
    let text = fs::read_to_string(&file).unwrap();
    let damaged = text.replace(&lost.item_id.to_string(), &ItemId::random().to_string());
    fs::write(&file, &damaged).unwrap();
    fs::write(&folder, "where the folder should be").unwrap();
    robot.receivers.set(&shop("a"), Mode::Takes);
    let spool = robot.open();
    assert_eq!(*told.lock().unwrap(), std::slice::from_ref(&file), "it is told where it is");
    for _ in 0..2 {
        spooled(&spool, &shop("a")).await; // and whatever pays is cleared away
        spool.flush(LONG).await;
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), damaged, "nothing else of it is needed, and it is there");
    fs::remove_file(&folder).unwrap();
    for _ in 0..2 {
        spooled(&spool, &shop("a")).await;
        spool.flush(LONG).await;
    }
    let kept_in = told.lock().unwrap().pop().unwrap();
    assert!(damaged.contains(&fs::read_to_string(kept_in).unwrap()), "it is moved once that is possible");
    assert!(!file.exists(), "and only then its file goes");
}

#[test]
fn no_segment_gets_the_number_under_which_damaged_bytes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(found(folder.path()).next, 1);
    keep_damaged(folder.path(), Place { segment: 7, at: 22, length: 1 }, b"?").unwrap();
    assert_eq!(found(folder.path()).next, 8, "it would be written over");
}
