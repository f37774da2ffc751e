//! A database of one's own for each test. It is gone when the test lets go of it.

use std::sync::OnceLock;

use robot_callback_core::PostgresStore;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use super::cluster::{Cluster, random_hex};

/// The CRM's tables as an owner has them.
pub(crate) const CRM: &str = include_str!("fixture.sql");

/// What a new database holds.
#[derive(Clone, Copy)]
pub(crate) enum Content {
    /// Nothing at all.
    Nothing,
    /// The CRM's tables, and nothing of ours.
    BareCrm,
    /// Everything as a first start on an empty database leaves it.
    Ours,
    /// The CRM's tables, and what a first start adds to them.
    Crm,
}

/// The server that tests share: the one that `DATABASE_URL` names, or one of our own.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| match std::env::var("DATABASE_URL") {
        Ok(url) if url.starts_with("postgres") => Server::Given(url),
        _ => Server::own(),
    })
}

/// A server of our own even where `DATABASE_URL` names another: for tests that use its programs or its password.
pub(crate) fn own() -> &'static Server {
    static OWN: OnceLock<Server> = OnceLock::new();
    if let ours @ Server::Own { .. } = shared() {
        return ours;
    }
    OWN.get_or_init(Server::own)
}

/// A server on which databases can be made.
pub(crate) enum Server {
    /// One that was running before.
    Given(String),
    /// One of our own, with a template for each content: a copy takes a few milliseconds.
    Own { cluster: Box<Cluster>, ours: OnceCell<String>, crm: OnceCell<String> },
}

impl Server {
    fn own() -> Self {
        Self::Own { cluster: Box::new(Cluster::start()), ours: OnceCell::new(), crm: OnceCell::new() }
    }

    /// A new database with that content.
    pub(crate) async fn database(&'static self, content: Content) -> Database {
        let template = match (self, content) {
            (Self::Own { ours, .. }, Content::Ours) => ours.get_or_init(|| self.template(content)).await,
            (Self::Own { crm, .. }, Content::Crm) => crm.get_or_init(|| self.template(content)).await,
            _ => return self.filled(content).await,
        };
        Database { name: self.create(&format!(" TEMPLATE {template}")).await, server: self }
    }

    async fn template(&'static self, content: Content) -> String {
        let database = self.filled(content).await;
        let name = database.name.clone();
        // It stays for as long as the server does.
        std::mem::forget(database);
        self.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        name
    }

    async fn filled(&'static self, content: Content) -> Database {
        let database = Database { name: self.create("").await, server: self };
        if matches!(content, Content::BareCrm | Content::Crm) {
            database.client().await.batch_execute(CRM).await.expect("the CRM's tables can be made");
        }
        if matches!(content, Content::Ours | Content::Crm) {
            PostgresStore::migrate(&database.url()).await.expect("what a first start adds can be added");
        }
        database
    }

    async fn create(&self, template: &str) -> String {
        let name = format!("robot_callback_test_{}", random_hex());
        self.execute(&format!("CREATE DATABASE {name}{template}")).await;
        name
    }

    async fn execute(&self, statement: &str) {
        let client = connect(&self.admin_url()).await;
        client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    fn admin_url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Own { cluster, .. } => cluster.url("postgres"),
        }
    }

    fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => of_database(url, database),
            Self::Own { cluster, .. } => cluster.url(database),
        }
    }

    /// Our own server's process and programs.
    pub(crate) fn cluster(&self) -> &Cluster {
        match self {
            Self::Given(_) => panic!("a test that needs these asks for a server of our own"),
            Self::Own { cluster, .. } => cluster,
        }
    }
}

/// The same server's URL, for another database of it.
fn of_database(url: &str, database: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("DATABASE_URL is a URL: postgres://user@host/database");
    let (rest, query) =
        rest.split_once('?').map_or((rest, String::new()), |(rest, q)| (rest, format!("?{q}")));
    let host = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{host}/{database}{query}")
}

/// A database that is gone when this is dropped, with every connection to it.
pub(crate) struct Database {
    name: String,
    server: &'static Server,
}

impl Database {
    /// Its name on its server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// A connection to it, beside any store's.
    pub(crate) async fn client(&self) -> Client {
        connect(&self.url()).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server;
        // A runtime can't be waited for inside another one.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .expect("a machine that runs tests can start a runtime")
                .block_on(server.execute(&statement));
        });
        if dropping.join().is_err() && !std::thread::panicking() {
            panic!("the test's database can be dropped");
        }
    }
}

/// A connection that lives as long as its client.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the server takes connections");
    tokio::spawn(connection);
    client
}
