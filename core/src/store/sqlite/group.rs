//! Group commit: several commits share one transaction and one flush.

use std::fmt;
use std::sync::Arc;

use futures::channel::oneshot;
use rusqlite::{Connection, TransactionBehavior};

use super::super::{Commit, Committed, StoreError};
use super::{entries, refused, rows};
use crate::id::TenantId;

const DOING: &str = "commit";

/// A commit and who waits for it.
pub(super) struct Waiting {
    pub(super) tenant: TenantId,
    pub(super) commit: Commit,
    pub(super) reply: oneshot::Sender<Result<Committed, StoreError>>,
}

/// Runs the commits in order, and answers all of them once they are durable.
///
/// Even a lost race is answered only then: it may have been lost to another commit of the same group.
pub(super) fn commit(connection: &mut Connection, group: Vec<Waiting>) {
    let (commits, replies): (Vec<_>, Vec<_>) =
        group.into_iter().map(|waiting| ((waiting.tenant, waiting.commit), waiting.reply)).unzip();
    match transact(connection, commits) {
        Ok(outcomes) => {
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // A waiter that is gone needs no answer; its commit happened.
                drop(reply.send(outcome.map_err(refused(DOING))));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for reply in replies {
                drop(reply.send(Err(refused(DOING)(Shared(Arc::clone(&error))))));
            }
        }
    }
}

type Outcome = rusqlite::Result<Committed>;

/// One outcome for each commit; or the error that undid the transaction, and every commit with it.
fn transact(connection: &mut Connection, commits: Vec<(TenantId, Commit)>) -> rusqlite::Result<Vec<Outcome>> {
    // Immediate: the write lock is taken before expectations are read, so none of them is out of date when it counts.
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(commits.len());
    // A commit by itself is undone with its transaction. A savepoint would have SQLite keep a copy of every page that the
    // commit changes, in a file of its own: about half of the time of a large one.
    let alone = commits.len() == 1;
    for (tenant, commit) in commits {
        if alone {
            outcomes.push(Ok(apply(&transaction, &tenant, commit)?));
            break;
        }
        let savepoint = transaction.savepoint()?;
        match apply(&savepoint, &tenant, commit) {
            Ok(done @ Committed::Done { .. }) => {
                savepoint.commit()?;
                outcomes.push(Ok(done));
            }
            // A full disk and the like make SQLite undo the whole transaction on its own.
            Err(error) if savepoint.is_autocommit() => return Err(error),
            other => {
                // The default end of a savepoint is to be undone.
                savepoint.finish()?;
                outcomes.push(other);
            }
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

/// Carries out a commit whose expectations hold; one that lost a race changes nothing.
fn apply(connection: &Connection, tenant: &TenantId, commit: Commit) -> Outcome {
    let Commit { expect, put, delete, journal } = commit;
    for (key, expected) in expect {
        if rows::revision(connection, tenant, &key)? != expected {
            return Ok(Committed::Lost { key });
        }
    }
    for (key, value) in Commit::changes(put, delete) {
        match value {
            Some(value) => rows::put(connection, tenant, &key, &value)?,
            None => rows::delete(connection, tenant, &key)?,
        }
    }
    let head = entries::append(connection, tenant, journal)?;
    Ok(Committed::Done { head })
}

/// One error, told to everybody whom it hit.
#[derive(Debug)]
pub(super) struct Shared(pub(super) Arc<rusqlite::Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
