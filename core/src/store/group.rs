//! Group commit, for authors of stores: several commits of one tenant in one transaction of a database.
//!
//! A database on the other end of a wire takes as long for one commit as for a hundred, and the chain of a tenant's
//! journal lets no two transactions of that tenant go side by side. So commits wait in a [`Queue`]; whoever finds nobody
//! serving the tenant starts to, and takes all that wait at once. [`combine`] says what they come to, one after the
//! other, as if each had been a transaction of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;

use super::{Commit, Committed, RowKey, StoreError};
use crate::id::TenantId;
use crate::journal::{self, Entry, Head, Payload};

/// What a group of commits comes to. The database changes in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combined {
    /// How each commit ends, in their order. To be told once all is durable: a race may have been lost to another
    /// commit of the group.
    pub outcomes: Vec<Committed>,
    /// Rows to delete, in the order of keys. Some are put again below, and start over.
    pub delete: Vec<RowKey>,
    /// Rows to insert or replace, in the order of keys, which keeps transactions that meet from waiting for each other
    /// in a circle.
    pub put: Vec<Raise>,
    /// Entries to append.
    pub journal: Vec<(Entry, Payload)>,
    /// Where the journal ends then.
    pub head: Head,
}

/// A row that gets a value. A missing row has revision 0 before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// The row.
    pub key: RowKey,
    /// By how much its revision rises: by one for each commit that put it.
    pub by: u64,
    /// Its last value.
    pub value: Vec<u8>,
}

/// The rows whose revisions [`combine`] has to be told.
#[must_use]
pub fn expected(commits: &[Commit]) -> BTreeSet<&RowKey> {
    commits.iter().flat_map(|commit| &commit.expect).map(|(key, _)| key).collect()
}

/// What became of a row in the commits so far.
#[derive(Default)]
struct Fate {
    deleted: bool,
    raised: u64,
    value: Option<Vec<u8>>,
}

/// Carries out `commits` one after the other on a tenant whose journal ends at `head`.
///
/// `revisions` are those of the rows that [`expected`] names; one that is not in it does not exist. Both have to be read
/// in the transaction that writes, after it has made sure that no other writes for this tenant.
#[must_use]
pub fn combine(head: Head, revisions: &BTreeMap<RowKey, u64>, commits: Vec<Commit>) -> Combined {
    let mut fates: BTreeMap<RowKey, Fate> = BTreeMap::new();
    let mut combined =
        Combined { outcomes: Vec::with_capacity(commits.len()), delete: vec![], put: vec![], journal: vec![], head };
    for Commit { expect, put, delete, journal } in commits {
        let revision = |key: &RowKey| {
            let stored = revisions.get(key).copied().unwrap_or(0);
            let revision = fates.get(key).map_or(stored, |fate| if fate.deleted { 0 } else { stored } + fate.raised);
            (revision > 0).then_some(revision)
        };
        if let Some((key, _)) = expect.into_iter().find(|(key, expected)| revision(key) != *expected) {
            combined.outcomes.push(Committed::Lost { key });
            continue;
        }
        for (key, value) in Commit::changes(put, delete) {
            let fate = fates.entry(key).or_default();
            match value {
                Some(value) => {
                    fate.raised += 1;
                    fate.value = Some(value);
                }
                None => *fate = Fate { deleted: true, ..Fate::default() },
            }
        }
        let (head, sealed) = journal::seal(combined.head, journal);
        combined.head = head;
        combined.journal.extend(sealed);
        combined.outcomes.push(Committed::Done { head });
    }
    for (key, Fate { deleted, raised, value }) in fates {
        if deleted {
            combined.delete.push(key.clone());
        }
        if let Some(value) = value {
            combined.put.push(Raise { key, by: raised, value });
        }
    }
    combined
}

/// A commit, and who waits for it.
#[derive(Debug)]
pub struct Waiting {
    /// What is to be committed.
    pub commit: Commit,
    reply: oneshot::Sender<Result<Committed, StoreError>>,
}

impl Waiting {
    /// Tells each of a group how it ended: the outcome at its place, or the error that hit all of them.
    pub fn answer(group: Vec<Self>, result: Result<Vec<Committed>, StoreError>) {
        match result {
            Ok(outcomes) => {
                for (waiting, outcome) in group.into_iter().zip(outcomes) {
                    // A waiter that is gone needs no answer; its commit happened.
                    drop(waiting.reply.send(Ok(outcome)));
                }
            }
            Err(error) => {
                for (waiting, error) in group.into_iter().zip(error.for_each()) {
                    drop(waiting.reply.send(Err(error)));
                }
            }
        }
    }
}

type Lines = BTreeMap<TenantId, VecDeque<Waiting>>;

/// Where commits wait, a line for each tenant.
#[derive(Clone, Default)]
pub struct Queue {
    lines: Arc<Mutex<Lines>>,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a commit in its tenant's line. Whoever is handed a [`Serving`] has to serve that line.
    #[must_use]
    pub fn push(&self, tenant: &TenantId, commit: Commit) -> (Answer, Option<Serving>) {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { commit, reply };
        let mut lines = lock(&self.lines);
        let serving = match lines.get_mut(tenant) {
            Some(line) => {
                line.push_back(waiting);
                None
            }
            None => {
                lines.insert(tenant.clone(), VecDeque::from([waiting]));
                Some(Serving { tenant: tenant.clone(), lines: Arc::clone(&self.lines), over: false })
            }
        };
        (Answer(answer), serving)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// How a commit in the queue will end.
#[derive(Debug)]
pub struct Answer(oneshot::Receiver<Result<Committed, StoreError>>);

impl Answer {
    /// Waits for it.
    ///
    /// # Errors
    ///
    /// What the store answered; [`StoreError::Closed`] if whoever served the line is gone.
    pub async fn wait(self) -> Result<Committed, StoreError> {
        self.0.await.map_err(|_| StoreError::Closed)?
    }
}

/// The right, and the duty, to serve one tenant's line: only one has it at a time.
///
/// Dropped before the line is empty, it fails whatever still waits there: nobody waits for ever.
#[derive(Debug)]
pub struct Serving {
    tenant: TenantId,
    lines: Arc<Mutex<Lines>>,
    /// The line was closed. One that was opened since is somebody else's.
    over: bool,
}

impl Serving {
    /// Whose line it is.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The next group: at most `limit` commits, and of more than one at most `bytes` bytes of values and payloads.
    /// `None` once nobody waits; then the line is closed, and a later commit finds nobody serving.
    #[must_use]
    pub fn next_group(&mut self, limit: usize, bytes: usize) -> Option<Vec<Waiting>> {
        let mut lines = lock(&self.lines);
        let line = if self.over { None } else { lines.get_mut(&self.tenant) }?;
        let (mut group, mut size) = (Vec::new(), 0);
        while group.len() < limit.max(1)
            && let Some(waiting) = line.pop_front()
        {
            if waiting.reply.is_canceled() {
                // Whoever asked is gone: it has not happened.
                continue;
            }
            size += weight(&waiting.commit);
            if size > bytes && !group.is_empty() {
                line.push_front(waiting);
                break;
            }
            group.push(waiting);
        }
        if group.is_empty() {
            lines.remove(&self.tenant);
            self.over = true;
            return None;
        }
        Some(group)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if !self.over {
            lock(&self.lines).remove(&self.tenant);
        }
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    // Nothing panics while it is held.
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

fn weight(commit: &Commit) -> usize {
    let values = commit.put.iter().map(|(_, value)| value.len());
    values.chain(commit.journal.iter().map(|draft| draft.payload.len())).sum()
}
