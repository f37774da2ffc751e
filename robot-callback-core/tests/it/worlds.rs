//! The stores of the house, each as a world that the laws and the model can be tried on.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, MemoryStore, Rules};

pub(crate) fn memory(rules: Rules) -> World {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::with(clock.clone(), rules));
    tampered(World::new(store.clone(), clock), &store)
}

/// A world in which somebody else can change what that store remembers.
pub(crate) fn tampered(world: World, store: &Arc<MemoryStore>) -> World {
    let (losing, moving, miscounting) = (store.clone(), store.clone(), store.clone());
    world
        .losing_orders_by(move |order| there_was(losing.lose_order(order)))
        .moving_orders_by(move |order, to| there_was(moving.move_order(order, to)))
        .miscounting_by(move |job| there_was(miscounting.miscount(job)))
}

fn there_was(something: bool) -> std::future::Ready<()> {
    assert!(something, "there is such an order, or job");
    std::future::ready(())
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite(rules: Rules) -> World {
    use robot_callback_core::{OperatorStore, SqliteOptions, SqliteStore};

    let clock = Arc::new(ManualClock::default());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("store.db");
    let options = SqliteOptions { clock: clock.clone(), rules, ..SqliteOptions::default() };
    let (file, losing, moving, miscounting) = (path.clone(), path.clone(), path.clone(), path);
    let open = move || -> Arc<dyn OperatorStore> {
        Arc::new(SqliteStore::open(&file, options.clone()).expect("the file opens"))
    };
    World::new(open(), clock)
        .reopened_by(move || std::future::ready(open()))
        .losing_orders_by(move |order| {
            tamper(&losing, "DELETE FROM orders WHERE id = ?1", [order.0.as_bytes()])
        })
        .moving_orders_by(move |order, to| {
            // A buyer belongs to a workspace, too.
            let sql = "UPDATE orders SET workspace_id = ?2, contact_id = NULL WHERE id = ?1";
            tamper(&moving, sql, [order.0.as_bytes(), to.0.as_bytes()])
        })
        .miscounting_by(move |job| {
            let sql = "UPDATE robot_jobs SET success_count = success_count + 1 WHERE id = ?1";
            tamper(&miscounting, sql, [job.0.as_bytes()])
        })
        .holding(folder)
}

/// What another program does to a row of the file while the store has it open.
#[cfg(feature = "sqlite")]
fn tamper(path: &std::path::Path, sql: &str, parameters: impl rusqlite::Params) -> std::future::Ready<()> {
    let db = rusqlite::Connection::open(path).expect("the file opens");
    db.pragma_update(None, "foreign_keys", true).expect("a pragma is set");
    assert_eq!(db.execute(sql, parameters).expect("the row is changed"), 1);
    std::future::ready(())
}
