//! Databases that hold something from the start. Each test has one of its own.

use std::sync::OnceLock;

use robot_callback_core::PostgresStore;
use tokio::sync::OnceCell;

use super::cluster::Cluster;
use super::server::{Database, Server, shared};

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

/// A server of our own even where `DATABASE_URL` names another: for tests that use its programs or its password.
pub(crate) fn own() -> &'static Server {
    static OWN: OnceLock<Server> = OnceLock::new();
    if let ours @ Server::Own(_) = shared() {
        return ours;
    }
    OWN.get_or_init(|| Server::Own(Box::new(Cluster::start())))
}

/// The process and the programs of our [`own`] server.
pub(crate) fn cluster() -> &'static Cluster {
    match own() {
        Server::Own(cluster) => cluster,
        Server::Given(_) => unreachable!("it is our own"),
    }
}

impl Server {
    /// A new database with that content: where the server is our own, a copy, which takes a few milliseconds.
    pub(crate) async fn database(&'static self, content: Content) -> Database {
        static TEMPLATES: [OnceCell<String>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
        let template = match (self, content) {
            (Self::Own(_), Content::Ours) => TEMPLATES[0].get_or_init(|| self.template(content)).await,
            (Self::Own(_), Content::Crm) => TEMPLATES[1].get_or_init(|| self.template(content)).await,
            _ => return self.filled(content).await,
        };
        self.create(&format!("TEMPLATE {template}")).await
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
        let database = self.create("").await;
        if matches!(content, Content::BareCrm | Content::Crm) {
            database.client().await.batch_execute(CRM).await.expect("the CRM's tables can be made");
        }
        if matches!(content, Content::Ours | Content::Crm) {
            PostgresStore::migrate(&database.url()).await.expect("what a first start adds can be added");
        }
        database
    }
}
