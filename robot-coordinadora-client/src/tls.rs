//! TLS for the client: rustls, with the certificates that the machine trusts.

use std::sync::Arc;

use robot_callback_core::Cause;
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls_platform_verifier::BuilderVerifierExt;

/// Uses the process's cryptography where one was chosen, else ring, and chooses none for the process: that is
/// the program's to do.
pub(crate) fn config() -> Result<ClientConfig, Cause> {
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = versions.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
