//! A PostgreSQL store as a world that the laws and the model can be tried on: a database of its own for each.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, OperatorStore, PostgresOptions, PostgresStore, Rules, StatementMode};

use super::database::{Content, connect, shared};

/// Our own tables, and statements sent in that way.
pub(crate) async fn world(rules: Rules, statement_mode: StatementMode) -> World {
    let clock = Arc::new(ManualClock::default());
    let database = shared().database(Content::Ours).await;
    let url = database.url();
    let options =
        PostgresOptions { clock: clock.clone(), rules, statement_mode, ..PostgresOptions::default() };
    let reopened_url = url.clone();
    let open = move || {
        let (url, options) = (reopened_url.clone(), options.clone());
        async move {
            let store = PostgresStore::connect(&url, options).await.expect("the database can be reached");
            Arc::new(store) as Arc<dyn OperatorStore>
        }
    };
    World::new(open().await, clock)
        .reopened_by(open)
        .losing_orders_by(move |order| {
            let url = url.clone();
            async move {
                let client = connect(&url).await;
                let deleted = client.execute("DELETE FROM orders WHERE id = $1", &[&order.0]).await;
                assert_eq!(deleted.expect("the order is deleted"), 1);
            }
        })
        .holding(database)
}
