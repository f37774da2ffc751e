//! A PostgreSQL store as a world that the laws and the model can be tried on: a database of its own for each.

use std::sync::Arc;

use robot_callback_core::conformance::World;
use robot_callback_core::{ManualClock, OperatorStore, PostgresOptions, PostgresStore, Rules, StatementMode};

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::database::{Content, own};
use super::pooler::pooler;
use super::server::{Database, connect, shared};

/// Our own tables, and statements sent in that way.
pub(crate) async fn world(rules: Rules, statement_mode: StatementMode) -> World {
    let database = shared().database(Content::Ours).await;
    let url = database.url();
    let options = PostgresOptions { statement_mode, ..PostgresOptions::default() };
    tampered(of(url.clone(), options, rules).await, url).holding(database)
}

/// The CRM's tables, with all their triggers, and more of those: its jobs may bring their orders along. An order
/// that is gone takes its items with it there, so nobody loses one.
pub(crate) async fn crm_world(rules: Rules) -> World {
    let database = shared().database(Content::Crm).await;
    let filled_in = database.client().await.batch_execute(include_str!("filled_in.sql")).await;
    filled_in.expect("the CRM's owner may add triggers");
    let (url, moving, miscounting) = (database.url(), database.url(), database.url());
    of(url, PostgresOptions::default(), rules)
        .await
        .moving_orders_by(move |order, to| {
            let sql = "WITH other AS (INSERT INTO workspaces (id, name, slug) VALUES ($2::uuid, 'Other', ($2::uuid)::text)
                ON CONFLICT DO NOTHING) UPDATE orders SET workspace_id = $2::uuid WHERE id = $1::uuid";
            tamper(moving.clone(), sql, vec![order.0, to.0])
        })
        .miscounting_by(move |job| tamper(miscounting.clone(), MISCOUNT, vec![job.0]))
        .holding(database)
}

/// Our own tables, everything but the migrations sent through a transaction pooler.
pub(crate) async fn pooled(rules: Rules) -> World {
    let database = own().database(Content::Ours).await;
    let (url, options) = through_the_pooler(&database);
    tampered(of(url, options, rules).await, database.url()).holding(database)
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

const MISCOUNT: &str = "UPDATE robot_jobs SET success_count = success_count + 1 WHERE id = $1";

/// A world in which somebody else's program can change our own tables.
fn tampered(world: World, url: String) -> World {
    let (losing, moving, miscounting) = (url.clone(), url.clone(), url);
    world
        .losing_orders_by(move |order| {
            tamper(losing.clone(), "DELETE FROM orders WHERE id = $1", vec![order.0])
        })
        .moving_orders_by(move |order, to| {
            let sql = "UPDATE orders SET workspace_id = $2 WHERE id = $1";
            tamper(moving.clone(), sql, vec![order.0, to.0])
        })
        .miscounting_by(move |job| tamper(miscounting.clone(), MISCOUNT, vec![job.0]))
}

/// What somebody else's program does to a row.
async fn tamper(url: String, sql: &'static str, ids: Vec<Uuid>) {
    let client = connect(&url).await;
    let ids: Vec<&(dyn ToSql + Sync)> = ids.iter().map(|id| id as _).collect();
    assert_eq!(client.execute(sql, &ids).await.expect("the row is changed"), 1);
}

/// What most servers are: our own tables, statements prepared.
pub(crate) async fn prepared(rules: Rules) -> World {
    world(rules, StatementMode::Prepared).await
}
