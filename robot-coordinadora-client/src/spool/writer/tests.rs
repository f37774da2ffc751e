//! The writer by itself.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Instant;

use super::super::index::Index;
use super::super::shared::SteadyClock;
use super::super::{SpoolOptions, take};
use super::*;
use crate::client::Client;
use crate::disk::TheDisk;
use crate::keyring::MemoryKeyring;
use crate::options::ClientOptions;

fn writer(folder: &Path) -> Writer {
    let post = Arc::new(Client::new(ClientOptions::default()).unwrap());
    let keyring = Arc::new(MemoryKeyring::new());
    let options = SpoolOptions::default();
    let (work, _) = channel();
    let index = Index::default();
    let shared = Shared::new(index, work, (post, keyring), options, SteadyClock::start());
    let log = Log::new(folder, take(folder).unwrap(), Arc::new(TheDisk), 1, 1 << 20);
    Writer { log, shared: Arc::new(shared), untidy: false }
}

#[test]
fn what_nobody_waits_for_is_synced_in_time_though_there_is_always_more_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path());
    writer.write(vec![Work::Note(b"first\n".to_vec())]);
    let since = writer.log.dirty.expect("nobody waits for it");
    writer.write(vec![Work::Note(b"second\n".to_vec())]);
    assert_eq!(writer.log.dirty, Some(since), "another note puts nothing off");
    let (more, queue) = channel();
    more.send(Work::Note(b"third\n".to_vec())).unwrap();
    writer.log.dirty = Some(Instant::now() - LINGER);
    assert!(matches!(writer.first(&queue), Some(Work::Note(_))), "the work is done all the same");
    assert_eq!(writer.log.dirty, None, "after what has lingered is synced");
}
