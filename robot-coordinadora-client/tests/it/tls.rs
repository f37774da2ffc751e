//! Over TLS: to a server whose certificate the machine trusts, and to no other.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use robot_coordinadora_client::{AttemptError, Destination, TryAgain};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, applied};
use crate::{SECRET, client, process, report};

/// A server for 127.0.0.1 over TLS, and the certificate of the authority that vouches for it.
async fn start() -> (Server, String) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server =
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    (Server::serve_with(listener, Some(acceptor), [applied()]), authority.pem())
}

fn https(server: &Server) -> String {
    server.url().replace("http://", "https://")
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_gets_the_report() {
    if process::reported_as_told().await {
        return;
    }
    let (server, authority) = start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, authority).unwrap();
    let environment = [("SSL_CERT_FILE", file.path().to_str().unwrap())];
    let name = "tls::a_server_whose_certificate_is_trusted_gets_the_report";
    process::report_from_another(name, https(&server), &environment).await;
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].contains(SECRET));
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_trusted_gets_nothing() {
    let (server, _) = start().await;
    let destination = Destination::new(&https(&server), SECRET).unwrap();
    let error = client().try_once(&destination, &report()).await.unwrap_err();
    assert!(matches!(error, AttemptError::Network(_)), "{error:?}");
    assert_eq!(error.try_again(), TryAgain::Later, "certificates are renewed");
    assert_eq!(server.requests(), [""; 0], "neither the secret nor the report was sent");
}
