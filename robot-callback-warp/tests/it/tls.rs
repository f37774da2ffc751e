//! TLS without a proxy: to the server's own certificate, bounded in time, and changed while it runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use robot_callback_warp::serve::{Limits, Options, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::{Caller, PATIENCE};
use crate::world::{World, callback};

/// A certificate for 127.0.0.1 and its key, in files.
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Pair {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let pair = Self { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        pair.renew();
        pair
    }

    /// Another certificate in the same files.
    pub(crate) fn renew(&self) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&self.certificate, made.cert.pem()).unwrap();
        std::fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
    }

    /// Who trusts the certificate that is in the file now, and no other.
    pub(crate) fn trusting(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth()).into()
    }
}

pub(crate) async fn call(address: SocketAddr, by: &TlsConnector) -> std::io::Result<Caller> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::from(address.ip());
    let shaking = tokio::time::timeout(PATIENCE, by.connect(name, stream));
    Ok(Caller::over(shaking.await.expect("a handshake ends")?))
}

fn serving(pair: &Pair, limits: Limits) -> Options {
    let tls = Some(Tls::read(&pair.certificate, &pair.key).unwrap());
    Options { tls, ..Options::from(limits) }
}

#[tokio::test]
async fn callbacks_are_answered_over_tls_and_plain_ones_are_not() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let pair = Pair::in_folder(folder.path());
    let server = world.serve_with(serving(&pair, Limits::default()));
    let mut caller = call(server.address, &pair.trusting()).await.unwrap();
    for _ in 0..2 {
        caller.send(callback(world.item)).await;
        assert_eq!(caller.answer().await.status, 200);
    }
    let mut plain = Caller::connect(server.address).await;
    plain.try_send(&callback(world.item)).await;
    let said = plain.closed().await;
    assert!(!said.starts_with(b"HTTP"), "nothing is said in the clear: {}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn a_handshake_is_not_waited_for_longer_than_a_request() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let pair = Pair::in_folder(folder.path());
    let limits = Limits { first_request: Duration::from_secs(1), ..Limits::default() };
    let server = world.serve_with(serving(&pair, limits));
    for beginning in [&b""[..], b"\x16\x03\x01"] {
        let mut halting = Caller::connect(server.address).await;
        halting.send(beginning).await;
        halting.closed().await;
    }
}

#[tokio::test]
async fn a_handshake_makes_room_for_the_next_caller() {
    let (world, folder) = (World::new().await, tempfile::tempdir().unwrap());
    let pair = Pair::in_folder(folder.path());
    let long = Duration::from_secs(600);
    let server =
        world.serve_with(serving(&pair, Limits { connections: 1, first_request: long, ..Limits::default() }));
    let mut halting = Caller::connect(server.address).await;
    let mut honest = call(server.address, &pair.trusting()).await.unwrap();
    honest.send(callback(world.item)).await;
    assert_eq!(honest.answer().await.status, 200);
    halting.closed().await;
}

#[test]
fn what_is_no_certificate_or_not_its_key_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::in_folder(folder.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Pair::in_folder(elsewhere.path());
    assert!(Tls::read(&pair.certificate, &other.key).is_err(), "another certificate's key");
    let said = Tls::read(&pair.key, &pair.certificate).unwrap_err().to_string();
    assert!(said.starts_with("no certificate can be read from ") && said.ends_with("key.pem"), "{said}");
    std::fs::write(&pair.key, "hunter2").unwrap();
    let error = Tls::read(&pair.certificate, &pair.key).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
