//! How a store is opened.

use std::time::Duration;

use accordant::store::{StoreError, StoreFault};
use tokio_postgres::Config;

/// Where the database is, and how it is used.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    pub(crate) config: Config,
    pub(crate) schema: String,
    pub(crate) connections: usize,
    pub(crate) patience: Duration,
    #[cfg(feature = "tls")]
    pub(crate) authorities: Vec<Vec<u8>>,
}

impl PostgresOptions {
    /// By URL (`postgres://user:password@host/database`) or by words (`host=... user=...`), as `libpq` reads them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if it cannot be read. The error quotes nothing of it.
    pub fn new(address: &str) -> Result<Self, StoreError> {
        let mut config: Config = address.parse().map_err(|_: tokio_postgres::Error| {
            StoreError::database("read its address", StoreFault::Refused, "it is no URL and no list of words")
        })?;
        if config.get_application_name().is_none() {
            config.application_name("accordant");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        Ok(Self {
            config,
            schema: "accordant".to_owned(),
            connections: 16,
            patience: Duration::from_secs(30),
            #[cfg(feature = "tls")]
            authorities: Vec::new(),
        })
    }

    /// The schema of the tables; `accordant` unless said otherwise. It is created if there is none.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// How many connections are kept at most; 16 unless said otherwise, and at least 1.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How long a statement may take, or wait for others, before it fails; 30 seconds unless said otherwise.
    ///
    /// The wait for a connection of the pool is bounded by it, too.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Trusts servers whose certificates these authorities (PEM) have signed, beside those that the platform trusts.
    ///
    /// TLS is spoken, and the server's certificate and name are checked, where the address says `sslmode=require`.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }
}
