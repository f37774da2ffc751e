//! What the old system has in its tables before a robot reports, written by SQL as it writes it.

use std::time::Duration;

use robot_callback_core::{ItemId, JobId, OrderId, PostgresOptions, PostgresStore, WorkspaceId};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::database::Content;
use super::server::{Database, Server, shared};

/// A CRM's database with one shop in it, and what a first start adds.
pub(crate) struct Crm {
    pub(crate) database: Database,
    pub(crate) client: Client,
    pub(crate) shop: Shop,
}

/// A workspace that can take orders.
#[derive(Clone, Copy)]
pub(crate) struct Shop {
    pub(crate) workspace: WorkspaceId,
    pipeline: Uuid,
    stage: Uuid,
}

/// A job that the old system made.
pub(crate) struct Batch {
    pub(crate) job: JobId,
    pub(crate) items: Vec<ItemId>,
    pub(crate) orders: Vec<OrderId>,
}

impl Crm {
    /// A database of one's own on the server that tests share.
    pub(crate) async fn new() -> Self {
        Self::on(shared()).await
    }

    /// A database of one's own on that server.
    pub(crate) async fn on(server: &'static Server) -> Self {
        let database = server.database(Content::Crm).await;
        let client = database.client().await;
        let shop = Shop::new(&client).await;
        Self { database, client, shop }
    }

    /// A store on it.
    pub(crate) async fn store(&self) -> PostgresStore {
        store(&self.database.url()).await
    }

    /// A job of so many new orders.
    pub(crate) async fn batch(&self, orders: usize) -> Batch {
        self.shop.batch(&self.client, orders).await
    }

    /// A trigger of the owner's that does this whenever that order is to be changed.
    pub(crate) async fn before_changing(&self, order: OrderId, body: &str) {
        let trigger = format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.id = '{order}') EXECUTE FUNCTION refuse();"
        );
        self.client.batch_execute(&trigger).await.expect("an owner can add a trigger");
    }

    /// From now on a setting has that value by default, and changing an item fails unless another, or the same, has that
    /// value then.
    pub(crate) async fn by_default(&self, (setting, default): (&str, &str), (looked_at, used): (&str, &str)) {
        let sql = format!(
            "ALTER DATABASE {} SET {setting} = '{default}';
             CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               ASSERT current_setting('{looked_at}') = '{used}'; RETURN NEW;
             END $$;
             CREATE TRIGGER look BEFORE UPDATE ON robot_job_items FOR EACH ROW EXECUTE FUNCTION look();",
            self.database.name
        );
        self.client.batch_execute(&sql).await.expect("an owner may say so");
    }

    /// One number that the database says.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        number(&self.client, sql).await
    }
}

impl Shop {
    pub(crate) async fn new(client: &Client) -> Self {
        let workspace = WorkspaceId::random();
        let sql =
            "WITH w AS (INSERT INTO workspaces (id, name, slug) VALUES ($1::uuid, 'Shop', ($1::uuid)::text) RETURNING id),
            p AS (INSERT INTO pipelines (workspace_id, name) SELECT id, 'Sales' FROM w RETURNING id),
            s AS (INSERT INTO pipeline_stages (pipeline_id, name) SELECT id, 'To be sent' FROM p RETURNING id)
            SELECT p.id, s.id FROM p, s";
        let made = client.query_one(sql, &[&workspace.0]).await.expect("a shop can be made");
        Self { workspace, pipeline: made.get(0), stage: made.get(1) }
    }

    /// A job of so many new orders, each with a buyer, in a few statements: as large as a test wants it.
    pub(crate) async fn batch(&self, client: &Client, size: usize) -> Batch {
        let job = JobId::random();
        let orders: Vec<OrderId> = self.orders(client, size).await;
        let items: Vec<ItemId> = std::iter::repeat_with(ItemId::random).take(size).collect();
        let sql = "INSERT INTO robot_jobs (id, workspace_id, status, started_at, total_items)
            VALUES ($1, $2, 'processing', now(), $3)";
        let total = i32::try_from(size).expect("a test's job is not that large");
        client.execute(sql, &[&job.0, &self.workspace.0, &total]).await.expect("a job can be made");
        let sql = "INSERT INTO robot_job_items (id, job_id, order_id, status, value_sent, validated_city)
            SELECT u.item, $1, u.goods, 'processing', '{\"peso\": 2}', 'CALI (VALLE)'
            FROM unnest($2::uuid[], $3::uuid[]) AS u (item, goods)";
        let of_items: Vec<Uuid> = items.iter().map(|item| item.0).collect();
        let of_orders: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
        client.execute(sql, &[&job.0, &of_items, &of_orders]).await.expect("items can be made");
        Batch { job, items, orders }
    }

    async fn orders(&self, client: &Client, count: usize) -> Vec<OrderId> {
        let orders: Vec<OrderId> = std::iter::repeat_with(OrderId::random).take(count).collect();
        let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
        let sql = "INSERT INTO contacts (id, workspace_id, name, phone, email, city, is_client)
            SELECT id, $2, 'Ana Restrepo', '+57' || id, 'ana@example.com', 'CALI', true FROM unnest($1::uuid[]) AS u (id)";
        client.execute(sql, &[&ids, &self.workspace.0]).await.expect("contacts can be written");
        let sql = "INSERT INTO orders (id, workspace_id, pipeline_id, stage_id, contact_id, name, total_value, email,
                shopify_order_id, closing_date, shipping_city, custom_fields)
            SELECT id, $2, $3, $4, id, '#' || id, 89900.50, 'orders@example.com',
                1234567890123, '2026-12-24', 'CALI', '{\"gift\": true}' FROM unnest($1::uuid[]) AS u (id)";
        let params: [&(dyn ToSql + Sync); 4] = [&ids, &self.workspace.0, &self.pipeline, &self.stage];
        client.execute(sql, &params).await.expect("orders can be written");
        orders
    }
}

/// A store there, as a server starts it, but for the locks that tests hold: it waits for them.
pub(crate) async fn store(url: &str) -> PostgresStore {
    let options = PostgresOptions { lock_timeout: Duration::from_secs(3600), ..PostgresOptions::default() };
    PostgresStore::connect(url, options).await.expect("the database can be reached")
}

/// One number that the database says.
pub(crate) async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}
