//! What a checkpoint comes to, compared with what the journal adds up to without it.

use std::collections::BTreeSet;

use crate::checkpoint::{Checkpoint, Compaction};
use crate::engine::Tenant;
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_GONE};
use crate::engine::tenant::compact::{Beginning, JournalSize};
use crate::engine::tenant::dead_letter::LETTER_SETTLED;
use crate::engine::tenant::erase::{DESK_RESTATED, RESTATED, Restated};
use crate::engine::tenant::replay::{Replay, Replayed, read};
use crate::engine::tenant::verify::Difference;
use crate::error::Error;
use crate::id::{EntityId, RecordRef};
use crate::journal::{Entry, Head, Payload};
use crate::text::Text;

/// What a checkpoint comes to.
pub(super) struct ComesTo {
    /// What it tells otherwise than the journal adds up to there, without what checkpoints tell.
    pub(super) differences: Vec<Difference>,
    /// How much of the journal stands before it.
    pub(super) gone: JournalSize,
    /// How much stands from it on.
    pub(super) left: JournalSize,
}

/// What was told anew behind a checkpoint, because an erasure took what led there: from before the checkpoint it may have taken more
/// than from what that tells, or less.
#[derive(Debug, Default)]
struct ToldAnew {
    entities: BTreeSet<EntityId>,
    records: BTreeSet<RecordRef>,
    /// Cases, by name: their rows, and what is noted on them.
    cases: BTreeSet<Text>,
    letters: BTreeSet<Text>,
}

impl ToldAnew {
    fn note(&mut self, entry: &Entry, payload: Option<&Payload>) -> Result<(), Error> {
        use serde::de::IgnoredAny as Any;
        let Some(payload) = payload else { return Ok(()) };
        match entry.kind.as_str() {
            RESTATED => match read(entry, payload)? {
                Restated::Entity(stored) => drop(self.entities.insert(stored.id)),
                Restated::Record(record, _) => drop(self.records.insert(record)),
                _ => {}
            },
            CASE_GONE => {
                let (case,): (Text,) = read(entry, payload)?;
                self.cases.insert(case);
            }
            DESK_RESTATED | CASE_CHANGED => {
                let (case, _): (Text, Any) = read(entry, payload)?;
                self.cases.insert(case);
            }
            LETTER_SETTLED => {
                let (key, _): (Text, Any) = read(entry, payload)?;
                self.letters.insert(key);
            }
            _ => {}
        }
        Ok(())
    }

    fn explains(&self, difference: &Difference) -> bool {
        match difference {
            Difference::Entity { id, .. } => self.entities.contains(id),
            Difference::Record { record, .. } => self.records.contains(record),
            Difference::Case { key, .. } => self.cases.contains(key),
            Difference::DeadLetter { key, .. } => self.letters.contains(key),
            _ => false,
        }
    }
}

impl Tenant {
    /// Compares, at the checkpoint and at the journal's end. Where an erasure took payloads from before the checkpoint's end, the two
    /// may differ there in what it told anew behind; at the end, they may in nothing.
    ///
    /// Where what systems said has expired up to a later checkpoint, and with it what this one told, whoever begins here takes the state
    /// from that one: then it is compared there.
    pub(super) async fn comes_to(&self, at: &Checkpoint) -> Result<ComesTo, Error> {
        let beginning = self.beginning().await?;
        self.require_signed(at)?;
        let alone = Beginning { compaction: Compaction { begins: Some(at.clone()), ..Compaction::default() } };
        let mut whole = Replay::new(&self.core, beginning.told_until());
        let told_until = at.end.seq.max(beginning.told_until());
        let mut from = Replay::new(&self.core, told_until);
        let (mut gone, mut left) = (JournalSize::default(), JournalSize::default());
        let mut there: Option<(Vec<Difference>, bool)> = None;
        let mut told_anew = ToldAnew::default();
        let compared = |whole: &Replayed, from: &Replayed| (whole.differing_from(&self.core, from), whole.erased > 0);
        let walked = self.each_entry_behind(
            &beginning,
            |_| true,
            |entry, payload| {
                alone.reached(Head { seq: entry.seq, digest: entry.digest })?;
                if entry.seq <= at.start.seq {
                    gone.add(entry, payload);
                } else {
                    left.add(entry, payload);
                }
                if entry.seq > told_until {
                    if there.is_none() {
                        there = Some(compared(&whole.done, &from.done));
                    }
                    told_anew.note(entry, payload)?;
                }
                whole.entry(entry, payload)?;
                if entry.seq > at.start.seq {
                    from.entry(entry, payload)?;
                }
                Ok(())
            },
        );
        alone.ended(walked.await?)?;
        let (at_the_end, erased) = compared(&whole.done, &from.done);
        let (mut differences, erased) = there.unwrap_or((at_the_end.clone(), erased));
        if erased {
            differences.retain(|difference| !told_anew.explains(difference));
        }
        differences.extend(at_the_end);
        differences.sort();
        differences.dedup();
        Ok(ComesTo { differences, gone, left })
    }
}
