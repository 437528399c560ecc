//! Reading the past of an entity: its entries and those of its records, in the order of the journal, a page at a time; and
//! where readings were left off, so that the next page does not begin at the beginning.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::engine::Tenant;
use crate::engine::persist::ALSO_ABOUT;
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::Restated;
use crate::engine::tenant::history::words::Teller;
use crate::engine::tenant::replay::read;
use crate::error::Error;
use crate::fact::stored::StoredFact;
use crate::id::{RecordRef, TenantId};
use crate::journal::{Entry, Payload};
use crate::text::Text;

/// How many entries about one subject are read at once.
const PAGE: usize = 64;

/// How many readings that were left off are remembered.
const MOST_LEFT_OFF: usize = 64;

/// A reading of an entity's past.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// How far the entity's own entries were looked through for records that it gained or lost.
    known: u64,
    pub(super) walks: Vec<Walk>,
    pub(super) teller: Teller,
}

/// A walk through the entries about one subject, a page at a time.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    subject: Text,
    /// Where the subject went elsewhere: what is told of it from there on is another entity's.
    until: Option<u64>,
    /// The last entry that was read.
    after: u64,
    /// The last entry that was given.
    given: u64,
    read: VecDeque<(Entry, Option<Payload>)>,
    ended: bool,
}

impl Walk {
    const fn new(subject: Text, until: Option<u64>, after: u64) -> Self {
        Self { subject, until, after, given: after, read: VecDeque::new(), ended: false }
    }
}

impl Reading {
    /// The reading as it stands, without what was read ahead: to go on from here.
    pub(super) fn bookmark(&self) -> Self {
        let left = |walk: &Walk| Walk::new(walk.subject.clone(), walk.until, walk.given);
        Self { known: self.known, walks: self.walks.iter().map(left).collect(), teller: self.teller.clone() }
    }
}

/// The readings that were left off lately, by the entity and the place at which they go on. It holds nothing that the journal
/// does not, and whoever finds none begins at the beginning.
#[derive(Debug, Default)]
pub(crate) struct Histories(Mutex<VecDeque<LeftOff>>);

/// A reading that was left off.
#[derive(Debug)]
struct LeftOff {
    tenant: TenantId,
    /// The entity, as the journal names it.
    own: Text,
    /// The last place that was told.
    place: u64,
    reading: Reading,
}

impl Histories {
    /// Forgets where histories of a tenant were left off, and what was told last there.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|left_off| left_off.tenant != *tenant);
    }
}

impl LeftOff {
    fn is(&self, tenant: &TenantId, own: &Text, place: u64) -> bool {
        self.tenant == *tenant && self.own == *own && self.place == place
    }
}

impl Histories {
    /// Remembers where a reading was left off, and forgets the one that was for longest.
    pub(super) fn keep(&self, tenant: &TenantId, own: Text, place: u64, reading: Reading) {
        // Nothing panics between two changes of the list.
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|known| !known.is(tenant, &own, place));
        if left.len() >= MOST_LEFT_OFF {
            left.pop_front();
        }
        left.push_back(LeftOff { tenant: tenant.clone(), own, place, reading });
    }

    fn find(&self, tenant: &TenantId, own: &Text, place: u64) -> Option<Reading> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.iter().find(|known| known.is(tenant, own, place)).map(|known| known.reading.clone())
    }
}

impl Tenant {
    /// The reading that was left off at a place; `None`: there is none, or the entity has gained or lost records since.
    pub(super) async fn read_on(&self, own: &Text, place: u64) -> Result<Option<Reading>, Error> {
        let Some(mut reading) = self.core.memory.histories.find(&self.id, own, place) else { return Ok(None) };
        let (_, records, known) = self.records_behind(own, reading.known).await?;
        // What a new record said before it was linked belongs to pages that were read already: the past is told anew.
        if !records.is_empty() {
            return Ok(None);
        }
        reading.known = known;
        Ok(Some(reading))
    }

    /// A reading of the whole past; `None`: the journal knows of no such entity.
    pub(super) async fn read_from_the_beginning(&self, own: &Text) -> Result<Option<Reading>, Error> {
        let (is_known, records, known) = self.records_behind(own, 0).await?;
        if !is_known {
            return Ok(None);
        }
        let mut walks = vec![Walk::new(own.clone(), None, 0)];
        walks.extend(records.into_iter().map(|(record, until)| Walk::new(record.to_string().into(), until, 0)));
        Ok(Some(Reading { known, walks, teller: Teller::default() }))
    }

    /// Whether the journal knows of an entity behind a place; every record that it gained or lost there, with the place at
    /// which it went elsewhere, if it did; and how far the journal was looked through.
    async fn records_behind(
        &self,
        own: &Text,
        place: u64,
    ) -> Result<(bool, BTreeMap<RecordRef, Option<u64>>, u64), Error> {
        let (mut known, mut records) = (false, BTreeMap::new());
        let mut walk = [Walk::new(own.clone(), None, place)];
        while let Some((entry, payload)) = self.next_of(&mut walk).await? {
            known |= ["facts", STATE_TOLD].contains(&&*entry.kind);
            if let Some(payload) = payload.as_ref().filter(|_| *entry.kind == *STATE_TOLD) {
                if let Restated::Entity(stored) = read(&entry, payload)? {
                    records.extend(stored.records().map(|record| (record.clone(), None)));
                }
                continue;
            }
            let Some(payload) = payload.as_ref().filter(|_| *entry.kind == *"facts") else { continue };
            let facts: Vec<StoredFact> = read(&entry, payload)?;
            for fact in facts {
                match fact {
                    StoredFact::Linked { record, .. } => drop(records.insert((*record).clone(), None)),
                    StoredFact::Unlinked { record } => drop(records.insert((*record).clone(), Some(entry.seq))),
                    _ => {}
                }
            }
        }
        let [walk] = walk;
        Ok((known, records, walk.given))
    }

    /// The entry that another says is about its subject too, at the place of that other; the entry itself, if it says nothing of the kind;
    /// `None`: one of the walks meets it, or the journal holds it no more.
    pub(super) async fn meant_by(
        &self,
        walks: &[Walk],
        entry: Entry,
        payload: Option<Payload>,
    ) -> Result<Option<(Entry, Option<Payload>)>, Error> {
        if *entry.kind != *ALSO_ABOUT {
            return Ok(Some((entry, payload)));
        }
        let Some(payload) = payload else { return Ok(None) };
        let (before,): (u64,) = read(&entry, &payload)?;
        let Some(behind) = entry.seq.checked_sub(before + 1) else { return Ok(None) };
        let page = self.core.store.journal(&self.id, behind, 1).await.map_err(Error::store("read the journal"))?;
        let Some((meant, payload)) = page.into_iter().next().filter(|(meant, _)| meant.seq == behind + 1) else {
            return Ok(None);
        };
        let is_met = |walk: &Walk| walk.subject == meant.subject && walk.until.is_none_or(|until| meant.seq < until);
        let place = entry.seq;
        Ok((!walks.iter().any(is_met)).then_some((Entry { seq: place, ..meant }, payload)))
    }

    /// The next entry about any of these subjects, in the order of the journal.
    pub(super) async fn next_of(&self, walks: &mut [Walk]) -> Result<Option<(Entry, Option<Payload>)>, Error> {
        for walk in walks.iter_mut().filter(|walk| walk.read.is_empty() && !walk.ended) {
            let page = self.core.store.journal_about(&self.id, &walk.subject, walk.after, PAGE).await;
            let page = page.map_err(Error::store("read the journal by subject"))?;
            walk.ended = page.len() < PAGE;
            walk.after = page.last().map_or(walk.after, |(entry, _)| entry.seq);
            let counts = |entry: &Entry| walk.until.is_none_or(|until| entry.seq < until);
            walk.ended |= page.last().is_some_and(|(entry, _)| !counts(entry));
            walk.read.extend(page.into_iter().filter(|(entry, _)| counts(entry)));
        }
        let first = walks.iter_mut().filter(|walk| !walk.read.is_empty());
        let first = first.min_by_key(|walk| walk.read.front().map(|(entry, _)| entry.seq));
        let Some(walk) = first else { return Ok(None) };
        let next = walk.read.pop_front();
        walk.given = next.as_ref().map_or(walk.given, |(entry, _)| entry.seq);
        Ok(next)
    }
}
