//! Notices when files have changed, by looking every two seconds: at their times and sizes, never at what is in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{Interval, MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(2);

/// Files, and folders with the files in them.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    every: Interval,
    /// As they were when they were last read.
    read: Picture,
    /// As they were at the last look.
    seen: Picture,
}

type Picture = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Watch {
    /// Watches what is read now. What the reading makes is no change to tell of, but for files in folders: whoever reads
    /// one may have missed what has just come.
    pub(super) fn reading<T>(paths: Vec<PathBuf>, read: impl FnOnce() -> T) -> (Self, T) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let before = picture(&paths);
        let done = read();
        let mut seen = before.clone();
        let was_there = |path: &PathBuf| before.iter().any(|(known, ..)| known == path);
        paths.iter().filter(|path| !was_there(path)).for_each(|path| add(path, &mut seen));
        seen.sort();
        (Self { paths, every, read: seen.clone(), seen }, done)
    }

    /// They are about to be read.
    pub(super) fn note(&mut self) {
        self.seen = picture(&self.paths);
        self.read = self.seen.clone();
    }

    /// Resolves when they have changed and then stayed the same for one look: who writes them may need a moment.
    /// They count as read then. Cancelling loses nothing.
    pub(super) async fn changed(&mut self) {
        loop {
            self.every.tick().await;
            if self.look() {
                return;
            }
        }
    }

    fn look(&mut self) -> bool {
        let now = picture(&self.paths);
        let settled = now == self.seen;
        self.seen = now;
        let changed = settled && self.seen != self.read;
        if changed {
            self.read = self.seen.clone();
        }
        changed
    }
}

fn picture(paths: &[PathBuf]) -> Picture {
    let mut picture = Picture::new();
    for path in paths {
        add(path, &mut picture);
        let inside = fs::read_dir(path).into_iter().flatten().flatten();
        inside.for_each(|entry| add(&entry.path(), &mut picture));
    }
    picture.sort();
    picture
}

fn add(path: &Path, picture: &mut Picture) {
    if let Ok(found) = fs::metadata(path) {
        picture.push((path.into(), found.modified().ok(), found.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_noticed_once_it_has_settled_and_once_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("alone"), "1").unwrap();
        fs::create_dir(file("folder")).unwrap();
        let paths = vec![file("alone"), file("folder"), file("not-there-yet")];
        let (mut watch, ()) = Watch::reading(paths, || ());
        assert!(!watch.look() && !watch.look(), "nothing has changed");
        for (name, text) in
            [("alone", "12"), ("folder/new", "1"), ("folder/new", "123"), ("not-there-yet", "1")]
        {
            fs::write(file(name), text).unwrap();
            assert!(!watch.look(), "{name} may still be written");
            assert!(watch.look(), "{name} has changed");
            assert!(!watch.look(), "which is told once");
        }
        fs::remove_file(file("folder/new")).unwrap();
        watch.note();
        assert!(!watch.look(), "what was read anyway is not told");
    }

    #[tokio::test]
    async fn what_the_reading_makes_is_no_change_but_what_changes_meanwhile_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(file(name), text).unwrap();
        let all = || vec![file("given"), file("made"), file("folder")];
        write("given", "1");
        fs::create_dir(file("folder")).unwrap();
        let (mut watch, ()) = Watch::reading(all(), || write("made", "1"));
        assert!(!watch.look() && !watch.look(), "who reads it made it");
        write("made", "12");
        assert!(!watch.look() && watch.look(), "it is watched all the same");
        for (name, why) in
            [("given", "it may have been read already"), ("folder/new", "it may have been missed")]
        {
            let (mut watch, ()) = Watch::reading(all(), || write(name, "12"));
            assert!(!watch.look() && watch.look(), "{why}");
        }
    }
}
