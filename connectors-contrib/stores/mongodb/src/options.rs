//! How a store is opened.

use std::time::Duration;

use accordant::store::{StoreError, StoreFault};
use mongodb::options::ClientOptions;

/// Where the database is, and how it is used.
#[derive(Debug, Clone)]
pub struct MongoOptions {
    pub(crate) client: ClientOptions,
    pub(crate) database: String,
    pub(crate) patience: Duration,
}

impl MongoOptions {
    /// By URL: `mongodb://user:password@host/?replicaSet=...`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] if it cannot be read. The error quotes nothing of it.
    pub async fn new(address: &str) -> Result<Self, StoreError> {
        let mut client = ClientOptions::parse(address).await.map_err(|_| {
            StoreError::database(
                "read its address",
                StoreFault::Refused,
                "it is no URL of MongoDB, or cannot be resolved",
            )
        })?;
        client.app_name.get_or_insert_with(|| "accordant".to_owned());
        let options = Self { client, database: "accordant".to_owned(), patience: Duration::from_secs(30) };
        Ok(options.patience(Duration::from_secs(90)))
    }

    /// The database of the collections; `accordant` unless said otherwise. It is created if there is none.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = database.into();
        self
    }

    /// How long a commit that others get in the way of is tried again, and how long a server is looked for; 90 seconds
    /// unless said otherwise, since MongoDB lets the transaction of a worker that was stopped stand for 60.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self.client.server_selection_timeout = Some(patience);
        self
    }
}
