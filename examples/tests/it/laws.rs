//! The custom store of the example, held to every law.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, OperatorStore, Rules, store_conformance};

use self::file::JsonFile;
use self::store::JsonFileStore;

#[path = "../../custom_store/file.rs"]
mod file;
#[path = "../../custom_store/lists.rs"]
mod lists;
#[path = "../../custom_store/operate.rs"]
mod operate;
#[path = "../../custom_store/outbox.rs"]
mod outbox;
#[path = "../../custom_store/rows.rs"]
mod rows;
#[path = "../../custom_store/state.rs"]
mod state;
#[path = "../../custom_store/store.rs"]
mod store;

async fn world(rules: Rules) -> World {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let (path, time) = (folder.path().join("callbacks.json"), clock.clone());
    let file = JsonFile::new(&path);
    let open = move || -> Arc<dyn OperatorStore> {
        Arc::new(JsonFileStore::open(&path, time.clone(), rules).unwrap())
    };
    let (losing, moving, miscounting) = (file.clone(), file.clone(), file);
    World::new(open(), clock)
        .reopened_by(move || std::future::ready(open()))
        .losing_orders_by(move |order| {
            tamper(&losing, |json| {
                json["orders"].as_object_mut().unwrap().remove(&order.to_string()).unwrap();
            })
        })
        .moving_orders_by(move |order, to| {
            tamper(&moving, |json| json["orders"][order.to_string()]["workspaceId"] = to.to_string().into())
        })
        .miscounting_by(move |job| {
            tamper(&miscounting, |json| {
                let count = &mut json["jobs"][job.to_string()]["job"]["successCount"];
                *count = (count.as_u64().unwrap() + 1).into();
            })
        })
        .holding(folder)
}

/// What another program does to the file while the store has it open.
fn tamper(file: &JsonFile, change: impl FnOnce(&mut serde_json::Value)) -> std::future::Ready<()> {
    file.change(change).unwrap();
    std::future::ready(())
}

store_conformance!(durable world);
