//! TLS for those who have no proxy that does it: the certificate and the key, read from files, and read again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate and its key. Clones share them.
#[derive(Clone, Debug)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    certificates: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

/// Why there is no TLS. Never shows a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of the certificates can't be used.
    #[error("no certificate can be read from {0}")]
    Certificate(PathBuf, #[source] pem::Error),
    /// The file of the key can't be used.
    #[error("no private key can be read from {0}")]
    Key(PathBuf, #[source] pem::Error),
    /// They don't belong together, or are of a kind that can't be used.
    #[error("the certificate and its key can't be used")]
    Pair(#[source] rustls::Error),
}

impl Tls {
    /// Reads a certificate with those that vouch for it, and its private key, both in PEM.
    ///
    /// # Errors
    /// [`TlsError`] when either can't be read, or they don't belong together.
    pub fn read(certificates: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificates, key) = (certificates.into(), key.into());
        let config = RwLock::new(Arc::new(config(&certificates, &key)?));
        Ok(Self { shared: Arc::new(Shared { certificates, key, config }) })
    }

    /// Reads both files again, for connections from now on.
    ///
    /// # Errors
    /// As [`read`](Self::read); then what was valid before stays so.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Shared { certificates, key, config: current } = &*self.shared;
        let new = Arc::new(config(certificates, key)?);
        *current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.shared.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn config(certificates: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let refused = |error| TlsError::Certificate(certificates.into(), error);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificates).map_err(refused)?.collect();
    let chain = chain.map_err(refused)?;
    if chain.is_empty() {
        return Err(refused(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key(key.into(), error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
