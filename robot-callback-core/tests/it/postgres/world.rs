//! A PostgreSQL store as a world that the laws and the model can be tried on: a database of its own for each.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, OperatorStore, PostgresOptions, PostgresStore, Rules, StatementMode};

use super::database::{Content, own};
use super::pooler::pooler;
use super::server::{Database, connect, shared};

/// Our own tables, and statements sent in that way.
pub(crate) async fn world(rules: Rules, statement_mode: StatementMode) -> World {
    let database = shared().database(Content::Ours).await;
    let url = database.url();
    let options = PostgresOptions { statement_mode, ..PostgresOptions::default() };
    of(url.clone(), options, rules).await.losing_orders_by(deleting(url)).holding(database)
}

/// The CRM's tables, with all their triggers, and more of those: its jobs may bring their orders along. An order
/// that is gone takes its items with it there, so nobody loses one.
pub(crate) async fn crm_world(rules: Rules) -> World {
    let database = shared().database(Content::Crm).await;
    let filled_in = database.client().await.batch_execute(include_str!("filled_in.sql")).await;
    filled_in.expect("the CRM's owner may add triggers");
    of(database.url(), PostgresOptions::default(), rules).await.holding(database)
}

/// Our own tables, everything but the migrations sent through a transaction pooler.
pub(crate) async fn pooled(rules: Rules) -> World {
    let database = own().database(Content::Ours).await;
    let (url, options) = through_the_pooler(&database);
    let world = of(url, options, rules).await;
    world.losing_orders_by(deleting(database.url())).holding(database)
}

/// How a server behind a transaction pooler is told of a database of our [`own`] server.
pub(crate) fn through_the_pooler(database: &Database) -> (String, PostgresOptions) {
    let direct_url = Some(database.url());
    let statement_mode = StatementMode::Unnamed;
    let options = PostgresOptions { statement_mode, direct_url, ..PostgresOptions::default() };
    (pooler().url(&database.name), options)
}

async fn of(url: String, options: PostgresOptions, rules: Rules) -> World {
    let clock = Arc::new(ManualClock::default());
    let options = PostgresOptions { clock: clock.clone(), rules, ..options };
    let open = move || {
        let (url, options) = (url.clone(), options.clone());
        async move {
            let store = PostgresStore::connect(&url, options).await.expect("the database can be reached");
            Arc::new(store) as Arc<dyn OperatorStore>
        }
    };
    World::new(open().await, clock).reopened_by(open)
}

/// What somebody else's program does to an order.
fn deleting(url: String) -> impl Fn(robot_callback_core::OrderId) -> Deleting + Send + Sync {
    move |order| {
        let url = url.clone();
        Box::pin(async move {
            let client = connect(&url).await;
            let deleted = client.execute("DELETE FROM orders WHERE id = $1", &[&order.0]).await;
            assert_eq!(deleted.expect("the order is deleted"), 1);
        })
    }
}

type Deleting = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// What most servers are: our own tables, statements prepared.
pub(crate) async fn prepared(rules: Rules) -> World {
    world(rules, StatementMode::Prepared).await
}
