//! What is needed of the system, and no more: the place for its client library.

use async_trait::async_trait;
use serde_json::{Map, Value};

/// A record, as the system has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Its id: the system's own, and never used twice.
    pub id: u64,
    /// Grows with each change.
    pub version: i64,
    /// The key that it was made under, if we made it.
    pub key: Option<String>,
    /// Everything else.
    pub fields: Map<String, Value>,
}

/// Why the system did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The request was not sent, or the system says that it did nothing.
    NotDone,
    /// The request was sent, and no answer came. It may have happened.
    NoAnswer,
    /// The record is at another version, or is not there.
    Moved,
    /// The values are refused. Which rule they break, without the values.
    Refused(String),
}

/// The system's interface.
#[async_trait]
pub trait Api: Send + Sync + 'static {
    /// Contacts behind an id, in the order of their ids: `most` of them, or fewer where the system gives no more at a time.
    /// None: there are no more.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    async fn list(&self, behind: u64, most: usize) -> Result<Vec<Contact>, Failure>;

    /// A contact by its id.
    ///
    /// # Errors
    ///
    /// If there is no answer. A contact that is not there is one.
    async fn get(&self, id: u64) -> Result<Option<Contact>, Failure>;

    /// The contact that was made under a key.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    async fn find(&self, key: &str) -> Result<Option<Contact>, Failure>;

    /// Makes a contact under a key that no other has; if there is one, answers with it as it is.
    ///
    /// # Errors
    ///
    /// If it was not made, or nobody knows.
    async fn create(&self, key: &str, fields: Map<String, Value>) -> Result<Contact, Failure>;

    /// Changes the named fields of a contact that is at `version`.
    ///
    /// # Errors
    ///
    /// If it was not changed, or nobody knows.
    async fn update(&self, id: u64, version: i64, fields: Map<String, Value>) -> Result<Contact, Failure>;

    /// Deletes a contact that is at `version`.
    ///
    /// # Errors
    ///
    /// If it was not deleted, or nobody knows.
    async fn delete(&self, id: u64, version: i64) -> Result<(), Failure>;
}
