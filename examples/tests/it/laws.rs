//! The custom store of the example, held to every law.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, OperatorStore, OrderId, Rules, store_conformance};

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
    let lose = move |order: OrderId| {
        let lost = file.change(|json: &mut serde_json::Value| {
            json["orders"].as_object_mut().unwrap().remove(&order.to_string()).unwrap();
        });
        lost.unwrap();
        std::future::ready(())
    };
    let world = World::new(open(), clock).reopened_by(move || std::future::ready(open()));
    world.losing_orders_by(lose).holding(folder)
}

store_conformance!(durable world);
