//! TLS to PostgreSQL servers, for the store and for the connector of tables: rustls with ring.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
pub use tokio_postgres_rustls::MakeRustlsConnect;

/// TLS that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// An authority's certificate cannot be read.
    #[error("an authority's certificate is no PEM")]
    Authority(#[source] rustls::pki_types::pem::Error),
    /// The provider of cryptography does not do what is asked of it.
    #[error("TLS cannot be set up")]
    SetUp(#[source] rustls::Error),
}

/// Checks a server's certificate, and its name, against the platform's authorities and these (PEM).
///
/// # Errors
///
/// If one of them cannot be read. What of the platform's cannot be read is not trusted; that a server's authority is among
/// it shows when it connects.
pub fn connector(authorities: &[Vec<u8>]) -> Result<MakeRustlsConnect, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in authorities {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(TlsError::Authority)?).map_err(TlsError::SetUp)?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::SetUp)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
