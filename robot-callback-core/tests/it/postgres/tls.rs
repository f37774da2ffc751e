//! Encrypted connections, as `sslmode` and `sslrootcert` ask for them.

use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use robot_callback_core::{PostgresOptions, PostgresStore, StoreError};

use super::cluster::{Cluster, random_hex};
use super::crm::number;
use super::database::cluster;
use super::server::connect;

/// A server for `localhost`, and not for `127.0.0.1`, where it is reached too.
struct Encrypting {
    cluster: Cluster,
    /// Vouches for it.
    authority: PathBuf,
    /// Does not.
    stranger: PathBuf,
}

/// The database to which it takes no plain connections.
const GUARDED: &str = "guarded";

fn server() -> &'static Encrypting {
    static SERVER: OnceLock<Encrypting> = OnceLock::new();
    SERVER.get_or_init(|| {
        let (authority, stranger) = (new_authority(), new_authority());
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &authority).unwrap();
        let cluster = Cluster::start();
        cluster.stop_immediately();
        cluster.write("data/server.crt", &certificate.pem());
        cluster.write("data/server.key", &key.serialize_pem());
        cluster.write("data/postgresql.auto.conf", "ssl = on\n");
        let access = format!("hostssl {GUARDED} all all password\nhost postgres all all password\n");
        cluster.write("data/pg_hba.conf", &access);
        cluster.start_again();
        let authority = cluster.write("authority.pem", &authority.pem());
        let stranger = cluster.write("stranger.pem", &stranger.pem());
        Encrypting { cluster, authority, stranger }
    })
}

fn new_authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.distinguished_name.push(DnType::CommonName, random_hex());
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

impl Encrypting {
    fn url(&self, host: &str, database: &str, parameters: &str) -> String {
        let url = self.cluster.url(database).replace("127.0.0.1", host);
        format!("{url}?{parameters}")
    }

    /// Whether a store that connects so talks encrypted, or what it is told when it does not get in.
    async fn encrypts(&self, host: &str, parameters: &str) -> Result<bool, String> {
        let name = random_hex();
        let url = self.url(host, "postgres", &format!("{parameters}&application_name={name}"));
        let store = PostgresStore::connect(&url, PostgresOptions::default()).await.map_err(told)?;
        let looking = connect(&self.cluster.url("postgres")).await;
        let of_store =
            format!("FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = '{name}'");
        // It may be connecting once more meanwhile.
        let plain = number(&looking, &format!("SELECT count(*) {of_store} AND NOT ssl")).await;
        let encrypted = number(&looking, &format!("SELECT count(*) {of_store} AND ssl")).await;
        assert!((plain > 0) != (encrypted > 0), "all are alike: {plain} plain, {encrypted} encrypted");
        drop(store);
        Ok(encrypted > 0)
    }

    fn trusting(&self, mode: &str) -> String {
        format!("sslmode={mode}&sslrootcert={}", self.authority.display())
    }

    fn mistaken(&self, mode: &str) -> String {
        format!("sslmode={mode}&sslrootcert={}", self.stranger.display())
    }
}

/// An error and its causes, as the server prints them.
fn told(error: StoreError) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    said
}

#[tokio::test]
async fn verify_full_and_verify_ca_connect_where_the_named_authority_vouches_for_the_server() {
    let server = server();
    for mode in ["verify-full", "verify-ca"] {
        assert_eq!(server.encrypts("localhost", &server.trusting(mode)).await, Ok(true), "{mode}");
    }
}

#[tokio::test]
async fn a_server_that_another_authority_vouches_for_is_refused() {
    let server = server();
    for mode in ["verify-full", "verify-ca", "require"] {
        let refused = server.encrypts("localhost", &server.mistaken(mode)).await.expect_err(mode);
        assert!(refused.contains("invalid peer certificate: UnknownIssuer"), "{mode}: {refused}");
    }
}

#[tokio::test]
async fn verify_full_alone_asks_for_the_hosts_name() {
    let server = server();
    let refused =
        server.encrypts("127.0.0.1", &server.trusting("verify-full")).await.expect_err("another name");
    assert!(refused.contains("certificate not valid for name \"127.0.0.1\""), "{refused}");
    for mode in ["verify-ca", "require"] {
        assert_eq!(server.encrypts("127.0.0.1", &server.trusting(mode)).await, Ok(true), "{mode}");
    }
}

#[tokio::test]
async fn without_an_authority_the_mode_says_only_whether_to_encrypt() {
    let server = server();
    for (parameters, encrypted) in
        [("", true), ("sslmode=prefer", true), ("sslmode=require", true), ("sslmode=disable", false)]
    {
        assert_eq!(server.encrypts("127.0.0.1", parameters).await, Ok(encrypted), "{parameters:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_plain_connections_says_so() {
    let server = server();
    let admin = connect(&server.cluster.url("postgres")).await;
    admin.batch_execute(&format!("CREATE DATABASE {GUARDED}")).await.unwrap();
    let store = async |parameters| {
        let url = server.url("127.0.0.1", GUARDED, parameters);
        PostgresStore::connect(&url, PostgresOptions::default()).await.map(drop).map_err(told)
    };
    let refused = store("sslmode=disable").await.expect_err("not encrypted");
    assert!(refused.contains("no encryption"), "{refused}");
    assert_eq!(store("sslmode=require").await, Ok(()));
}

#[tokio::test]
async fn a_server_that_can_not_encrypt_is_refused_by_those_who_require_it() {
    let url = cluster().url("postgres");
    let refused = PostgresStore::connect(&format!("{url}?sslmode=require"), PostgresOptions::default()).await;
    let refused = told(refused.err().expect("not encrypted"));
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

#[tokio::test]
async fn an_authority_that_can_not_be_read_is_named() {
    let refused = server().encrypts("localhost", "sslmode=verify-full&sslrootcert=/nowhere/ca.pem").await;
    let refused = refused.expect_err("there is no such file");
    assert!(refused.contains("sslrootcert /nowhere/ca.pem"), "{refused}");
}
