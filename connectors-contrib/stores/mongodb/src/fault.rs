//! What MongoDB's errors mean to whoever asked.

use accordant::store::{StoreError, StoreFault};
use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::commit::Unwritten;

/// Says what was being done when the driver reported an error.
pub(crate) fn refused(doing: &'static str) -> impl FnOnce(Error) -> StoreError {
    move |error| match error.kind.as_ref() {
        // That of a key that is there twice quotes it.
        ErrorKind::Command(command) if command.code == DUPLICATE => {
            StoreError::database(doing, fault(&error), Unwritten(command.code))
        }
        _ => StoreError::database(doing, fault(&error), error),
    }
}

pub(crate) fn fault(error: &Error) -> StoreFault {
    match error.kind.as_ref() {
        ErrorKind::Authentication { .. } => StoreFault::Denied,
        ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. } => StoreFault::Unavailable,
        ErrorKind::Command(command) => of_code(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => of_code(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(_)) => StoreFault::Unavailable,
        // What the driver itself finds too large for a message.
        ErrorKind::InvalidArgument { .. } => StoreFault::TooLarge,
        ErrorKind::Custom(custom) => {
            custom.downcast_ref::<Unwritten>().map_or(StoreFault::Refused, |unwritten| of_code(unwritten.0))
        }
        _ => StoreFault::Refused,
    }
}

/// The code for a key that is there twice.
const DUPLICATE: i32 = 11_000;

/// The numbers are those of MongoDB's `error_codes.yml`.
pub(crate) const fn of_code(code: i32) -> StoreFault {
    match code {
        // Unauthorized, authentication failed.
        13 | 18 => StoreFault::Denied,
        // Not the primary, and no primary to be found behind a direct connection.
        10107 | 13435 => StoreFault::ReadOnly,
        // Out of disk space.
        14031 => StoreFault::Full,
        // Object too large, key too long, transaction too large.
        10334 | 17280 | 17420 | 257 => StoreFault::TooLarge,
        // Unreachable or timed out; interrupted; lock or write conflict; shut down, stepped down; no such transaction.
        6 | 7 | 24 | 50 | 89 | 91 | 112 | 189 | 202 | 246 | 251 | 262 | 9001 | 11600 | 11601 | 11602 | 13388
        | 13436 => StoreFault::Unavailable,
        _ => StoreFault::Refused,
    }
}
