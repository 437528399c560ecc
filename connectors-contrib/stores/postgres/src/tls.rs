//! Connections by TLS.

use std::sync::Arc;

use accordant::store::{StoreError, StoreFault};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::options::PostgresOptions;

/// Checks a server's certificate, and its name, against the platform's authorities and those that were given.
pub(crate) fn connector(options: &PostgresOptions) -> Result<MakeRustlsConnect, StoreError> {
    let refused = |error: rustls::Error| StoreError::database("set up TLS", StoreFault::Refused, error);
    let mut roots = RootCertStore::empty();
    // What of the platform's cannot be read is not trusted; that a server's authority is among it shows when it connects.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in &options.authorities {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate
                .map_err(|error| StoreError::database("read an authority's certificate", StoreFault::Refused, error))?;
            roots.add(certificate).map_err(refused)?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
