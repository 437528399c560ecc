//! The journal: an append-only, hash-chained record of everything observed, decided and done.
//!
//! An entry holds who, when, what kind and about whom, and a salted commitment to its payload. Payload and salt stand in
//! a row of their own: erasure destroys both, and the chain still verifies.

use serde::{Deserialize, Serialize};

use crate::fingerprint::{Digest, Fingerprint};
use crate::id::Actor;
use crate::seal::mark;
use crate::text::Text;

/// The version of the entry format.
pub const FORMAT: u16 = 1;

/// An entry that has not been appended yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Milliseconds since the epoch, by the engine's clock.
    pub at: i64,
    /// Who did it.
    pub actor: Actor,
    /// The kind of fact: `observed`, `linked`, `settled`, ...
    pub kind: &'static str,
    /// The record or entity that it is about: what erasure looks for.
    pub subject: Text,
    /// The fact as JSON.
    pub payload: Vec<u8>,
    /// Random, one per entry.
    pub salt: [u8; 16],
}

/// One entry of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: u64,
    /// The format version.
    pub format: u16,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// Who did it.
    pub actor: Actor,
    /// The kind of fact.
    pub kind: Text,
    /// The record or entity that it is about.
    pub subject: Text,
    /// The salted commitment to the payload.
    pub commitment: Digest,
    /// The digest of this entry and, through the former head, of all before it.
    pub digest: Digest,
}

impl Entry {
    /// How many bytes it holds with what is left of its payload, without what a store adds: 82 of numbers and digests, its
    /// names, and the payload with its salt.
    #[must_use]
    pub fn size(&self, payload: Option<&Payload>) -> u64 {
        let names = self.actor.as_str().len() + self.kind.len() + self.subject.len();
        let payload = payload.map_or(0, |payload| payload.bytes.len() + payload.salt.len());
        (82 + names + payload) as u64
    }
}

/// An entry's payload and salt, until they are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The fact as JSON.
    pub bytes: Vec<u8>,
    /// The salt of the commitment.
    pub salt: [u8; 16],
}

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The last entry's place; 0 for an empty journal.
    pub seq: u64,
    /// The last entry's digest.
    pub digest: Digest,
}

/// Chains drafts behind `head`. Stores call it inside the transaction that appends.
#[must_use]
pub fn seal(head: Head, drafts: Vec<Draft>) -> (Head, Vec<(Entry, Payload)>) {
    let mut head = head;
    let sealed = drafts
        .into_iter()
        .map(|draft| {
            let payload = Payload { bytes: draft.payload, salt: draft.salt };
            let commitment = commit(&payload);
            let mut entry = Entry {
                seq: head.seq + 1,
                format: FORMAT,
                at: draft.at,
                actor: draft.actor,
                kind: Text::new(draft.kind),
                subject: draft.subject,
                commitment,
                digest: Digest::default(),
            };
            entry.digest = chain(&head.digest, &entry);
            head = Head { seq: entry.seq, digest: entry.digest };
            (entry, payload)
        })
        .collect();
    (head, sealed)
}

/// Checks that `entry` follows `head` and, if its payload is still there, that it is the one committed to. Of one that is
/// [sealed](crate::seal), that it carries that commitment; whether it holds to it, only the keys can tell.
///
/// # Errors
///
/// [`Broken`] names the entry and what does not hold.
pub fn verify(head: Head, entry: &Entry, payload: Option<&Payload>) -> Result<Head, Broken> {
    let broken = |what| Broken { seq: entry.seq, what };
    if head.seq.checked_add(1) != Some(entry.seq) {
        return Err(broken(Break::Gap));
    }
    if entry.digest != chain(&head.digest, entry) {
        return Err(broken(Break::Altered));
    }
    if payload.is_some_and(|payload| commit(payload) != entry.commitment) {
        return Err(broken(Break::Payload));
    }
    Ok(Head { seq: entry.seq, digest: entry.digest })
}

/// Where entries lead that have to follow `head` and each other, with what is left of their payloads.
///
/// # Errors
///
/// [`Broken`] names the first entry that does not, and what does not hold.
pub fn verify_all<'e>(
    head: Head,
    entries: impl IntoIterator<Item = &'e (Entry, Option<Payload>)>,
) -> Result<Head, Broken> {
    entries.into_iter().try_fold(head, |head, (entry, payload)| verify(head, entry, payload.as_ref()))
}

/// The chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {seq}: {what}")]
pub struct Broken {
    /// The entry at which it breaks.
    pub seq: u64,
    /// What does not hold.
    pub what: Break,
}

/// How a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// An entry is missing, doubled or out of place.
    #[error("it does not follow the one before it")]
    Gap,
    /// The entry was altered.
    #[error("its digest is not that of its content")]
    Altered,
    /// The payload was altered.
    #[error("its payload is not the one it committed to")]
    Payload,
}

/// What an entry commits to with a payload that is not sealed.
pub(crate) fn commitment(payload: &Payload) -> Digest {
    Fingerprint::new().bytes(&payload.salt).bytes(&payload.bytes).finish()
}

/// What an entry commits to: the fact, sealed or not. A sealed payload carries its commitment in front, and is bound to it.
fn commit(payload: &Payload) -> Digest {
    mark::commitment(&payload.bytes).unwrap_or_else(|| commitment(payload))
}

fn chain(previous: &Digest, entry: &Entry) -> Digest {
    let Entry { seq, format, at, actor, kind, subject, commitment, digest: _ } = entry;
    Fingerprint::new()
        .bytes(&previous.0)
        .bytes(&seq.to_be_bytes())
        .bytes(&format.to_be_bytes())
        .bytes(&at.to_be_bytes())
        .text(actor.as_str())
        .text(kind)
        .text(subject)
        .bytes(&commitment.0)
        .finish()
}
