//! What PostgreSQL's errors mean to whoever asked.

use accordant::store::{StoreError, StoreFault};
use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Says what was being done when the driver reported an error.
pub(crate) fn refused(doing: &'static str) -> impl FnOnce(Error) -> StoreError {
    move |error| match error.as_db_error().map(Answer::of) {
        Some(answer) => StoreError::database(doing, fault(&error), answer),
        None => StoreError::database(doing, fault(&error), error),
    }
}

/// What the server answered, without what it quotes of keys and values.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL answered {state}{}{message}", if message.is_empty() { "" } else { ": " })]
struct Answer {
    state: String,
    message: String,
}

impl Answer {
    fn of(error: &DbError) -> Self {
        let state = error.code().code().to_owned();
        // Errors about data and constraints quote what they are about; details and hints of others may.
        let quotes = state.starts_with("22") || state.starts_with("23");
        Self { message: if quotes { String::new() } else { error.message().to_owned() }, state }
    }
}

/// The same, of the pool of connections.
pub(crate) fn no_connection(doing: &'static str) -> impl FnOnce(PoolError) -> StoreError {
    move |error| match error {
        PoolError::Backend(error) => refused(doing)(error),
        error => StoreError::database(doing, StoreFault::Unavailable, error),
    }
}

pub(crate) fn fault(error: &Error) -> StoreFault {
    let Some(state) = error.code() else {
        // The server said nothing: the connection is gone, or what it said could not be understood.
        return if error.is_closed() || is_io(error) { StoreFault::Unavailable } else { StoreFault::Refused };
    };
    if *state == SqlState::READ_ONLY_SQL_TRANSACTION {
        return StoreFault::ReadOnly;
    }
    if *state == SqlState::DISK_FULL || *state == SqlState::OUT_OF_MEMORY {
        return StoreFault::Full;
    }
    if *state == SqlState::PROGRAM_LIMIT_EXCEEDED {
        return StoreFault::TooLarge;
    }
    if *state == SqlState::INSUFFICIENT_PRIVILEGE || *state == SqlState::INVALID_CATALOG_NAME {
        return StoreFault::Denied;
    }
    if *state == SqlState::LOCK_NOT_AVAILABLE || *state == SqlState::QUERY_CANCELED {
        return StoreFault::Unavailable;
    }
    match &state.code()[..2] {
        // Connections; shut down, crashed, starting up; rolled back because of others; too many connections.
        "08" | "57" | "40" | "53" => StoreFault::Unavailable,
        // Authorization, and the plea to connect as somebody else.
        "28" => StoreFault::Denied,
        "54" => StoreFault::TooLarge,
        _ => StoreFault::Refused,
    }
}

fn is_io(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}
