//! The stores of the house, each as a world that the laws and the model can be tried on.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, MemoryStore, Rules};

pub(crate) fn memory(rules: Rules) -> World {
    let clock = Arc::new(ManualClock::default());
    World::new(Arc::new(MemoryStore::with(clock.clone(), rules)), clock)
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite(rules: Rules) -> World {
    use robot_callback_core::{OperatorStore, SqliteOptions, SqliteStore};

    let clock = Arc::new(ManualClock::default());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("store.db");
    let options = SqliteOptions { clock: clock.clone(), rules, ..SqliteOptions::default() };
    let file = path.clone();
    let open = move || -> Arc<dyn OperatorStore> {
        Arc::new(SqliteStore::open(&file, options.clone()).expect("the file opens"))
    };
    World::new(open(), clock)
        .reopened_by(move || std::future::ready(open()))
        .losing_orders_by(move |order| {
            delete_order(&path, order);
            std::future::ready(())
        })
        .holding(folder)
}

/// What another program does to the file while the store has it open.
#[cfg(feature = "sqlite")]
fn delete_order(path: &std::path::Path, order: robot_callback_core::OrderId) {
    let db = rusqlite::Connection::open(path).expect("the file opens");
    db.pragma_update(None, "foreign_keys", true).expect("a pragma is set");
    let deleted = db.execute("DELETE FROM orders WHERE id = ?1", [order.0.as_bytes()]);
    assert_eq!(deleted.expect("the order is deleted"), 1);
}
