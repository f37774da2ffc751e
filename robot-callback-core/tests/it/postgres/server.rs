//! The server that tests make their databases on: the one that `DATABASE_URL` names, or one of our own. A test's
//! database is gone when the test lets go of it.
//!
//! This file and those it uses are shared by all crates whose tests need a database.

use std::sync::OnceLock;

use tokio_postgres::{Client, NoTls};

use super::cluster::{Cluster, random_hex};

/// A server on which databases can be made.
pub(crate) enum Server {
    /// One that was running before.
    Given(String),
    /// One of our own.
    Own(Box<Cluster>),
}

/// The server that tests share: the one that `DATABASE_URL` names, or one of our own.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| match std::env::var("DATABASE_URL") {
        Ok(url) if url.starts_with("postgres") => Server::Given(url),
        _ => Server::Own(Box::new(Cluster::start())),
    })
}

impl Server {
    /// A new database, made as the rest of the statement `CREATE DATABASE name …` says.
    pub(crate) async fn create(&'static self, how: &str) -> Database {
        let name = format!("robot_callback_test_{}", random_hex());
        self.execute(&format!("CREATE DATABASE {name} {how}")).await;
        Database { name, server: self }
    }

    /// A statement in no particular database.
    pub(crate) async fn execute(&self, statement: &str) {
        let url = match self {
            Self::Given(url) => url.clone(),
            Self::Own(cluster) => cluster.url("postgres"),
        };
        let client = connect(&url).await;
        client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }

    fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => of_database(url, database),
            Self::Own(cluster) => cluster.url(database),
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
    /// Its name on its server.
    pub(crate) name: String,
    server: &'static Server,
}

impl Database {
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
