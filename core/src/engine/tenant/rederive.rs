//! Rederivation: decodes retained bodies anew under today's mappings, and says what would be read otherwise.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::IgnoredAny;

use crate::decode::Batch;
use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::representation_key;
use crate::engine::tenant::compact::STATE_TOLD;
use crate::engine::tenant::erase::{ERASED, ErasureTold, RESTATED, Restated};
use crate::engine::tenant::replay::{read, shapes};
use crate::engine::tenant::tombstone::TOMBSTONE_EXPIRED;
use crate::error::Error;
use crate::id::{AttributeId, EntityType, RecordRef};
use crate::model::Shape;
use crate::observation::Observation;
use crate::observation::stored::StoredObservation;
use crate::representation::Representation;
use crate::representation::stored::StoredRepresentation;
use crate::stamp::Stamp;
use crate::store::Table;
use crate::text::Text;

/// What decoding the retained bodies anew would change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rederived {
    /// Bodies that were decoded anew.
    pub decoded: u64,
    /// Bodies that today's mappings cannot decode, or whose surface is gone. What was read of them then is kept.
    pub undecodable: u64,
    /// Records that were compared.
    pub records: usize,
    /// What differs, by attribute.
    pub attributes: BTreeMap<(EntityType, AttributeId), Reread>,
}

/// An attribute that would be read otherwise than it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reread {
    /// On how many records.
    pub records: usize,
    /// Some of them.
    pub examples: Vec<RecordRef>,
}

/// How many records an attribute names as examples.
const EXAMPLES: usize = 5;

/// How many representations are loaded at once.
const PAGE: usize = 256;

impl Rederived {
    /// Whether today's mappings read everything as it is stored.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.attributes.is_empty()
    }
}

impl fmt::Display for Rederived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bodies decoded anew, {} records compared", self.decoded, self.records)?;
        for ((entity, attribute), reread) in &self.attributes {
            write!(f, "\n{entity}.{attribute}: read otherwise on {} records", reread.records)?;
        }
        Ok(())
    }
}

impl Tenant {
    /// Decodes every retained body anew under today's mappings, and compares what that gives with what is stored.
    /// Changes nothing: an attribute that is listed is one that a change of mapping, or a gained attribute, would fill
    /// from bodies that are at hand.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] if the chain does not hold; [`Error::Contended`] if the journal was compacted meanwhile: ask again.
    pub async fn rederive(&self) -> Result<Rederived, Error> {
        let mut rederived = Rederived::default();
        let mut fresh: BTreeMap<RecordRef, Representation> = BTreeMap::new();
        let mut batch = Batch::new();
        let beginning = self.beginning().await?;
        let read_all = self.each_entry_behind(
            &beginning,
            |_| true,
            |entry, payload| {
                let Some(payload) = payload else { return Ok(()) };
                match entry.kind.as_str() {
                    STATE_TOLD if entry.seq > beginning.told_until() => {}
                    "observed" => {
                        let stored: StoredObservation = read(entry, payload)?;
                        self.observe_anew(stored, &mut batch, &mut fresh, &mut rederived);
                    }
                    "merged" => {
                        let (loser, survivor, stamp): (RecordRef, Text, Stamp) = read(entry, payload)?;
                        fresh.entry(loser).or_default().redirect(stamp, survivor);
                    }
                    RESTATED | STATE_TOLD => {
                        if let Restated::Record(record, stored) = read(entry, payload)?
                            && let Some((entity, object)) = self.core.place(&record)
                        {
                            let names = self.core.slot_names(entity, object);
                            fresh.insert(record, Representation::from_stored(*stored, names));
                        }
                    }
                    TOMBSTONE_EXPIRED => {
                        let (record, _): (RecordRef, IgnoredAny) = read(entry, payload)?;
                        fresh.remove(&record);
                    }
                    ERASED => {
                        let told: ErasureTold = read(entry, payload)?;
                        fresh.retain(|record, _| !told.records.contains(record));
                        for (record, stored) in told.merged {
                            let Some((entity, object)) = self.core.place(&record) else { continue };
                            let names = self.core.slot_names(entity, object);
                            fresh.insert(record, Representation::from_stored(*stored, names));
                        }
                    }
                    _ => {}
                }
                Ok(())
            },
        );
        read_all.await?;
        let fresh: Vec<(RecordRef, Representation)> = fresh.into_iter().collect();
        for page in fresh.chunks(PAGE) {
            let keys: Vec<_> = page.iter().map(|(record, _)| representation_key(record)).collect();
            let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("load representations"))?;
            for ((record, fresh), row) in page.iter().zip(rows) {
                let (Some((entity, object)), Some(row)) = (self.core.place(record), row) else { continue };
                let stored: StoredRepresentation = parse(Table::Representation, &row)?;
                let stored = Representation::from_stored(stored, self.core.slot_names(entity, object));
                rederived.records += 1;
                self.compare(record, entity, object, fresh, &stored, &mut rederived);
            }
        }
        Ok(rederived)
    }

    fn observe_anew(
        &self,
        stored: StoredObservation,
        batch: &mut Batch,
        fresh: &mut BTreeMap<RecordRef, Representation>,
        rederived: &mut Rederived,
    ) {
        let Some((entity, object)) = self.core.place(&stored.record) else { return };
        let of = self.core.model.entity(entity);
        let names = self.core.slot_names(entity, object);
        let anew = self.decode_anew(&stored, batch);
        match (&anew, stored.speaks() && stored.body.is_some()) {
            (Some(_), _) => rederived.decoded += 1,
            (None, true) => rederived.undecodable += 1,
            (None, false) => {}
        }
        let then = stored.into_observation(names);
        let observation = match anew {
            // What was read is new; when, and whether the record was there, is not.
            Some(anew) => Observation { cells: anew.cells, coverage: anew.coverage, ..then },
            None => then,
        };
        let representation = fresh.entry(observation.record.clone()).or_default();
        representation.fold(&observation, &shapes(of, object));
    }

    pub(super) fn decode_anew(&self, stored: &StoredObservation, batch: &mut Batch) -> Option<Observation> {
        let body = stored.body.as_ref().filter(|_| stored.speaks())?;
        let connection = self.core.connections.get(&stored.record.connection)?;
        let bound = connection.surfaces.iter().find(|bound| bound.surface.name == stored.surface)?;
        let full = bound.surface.semantics.completeness == crate::surface::Completeness::Full;
        batch.clear();
        let (entity, object) = self.core.place(&stored.record)?;
        let reach = stored.reach(self.core.slot_names(entity, object));
        bound.decodes.as_ref()?.decode_within(body.as_bytes(), full, &reach, batch).ok()?;
        let decoded = batch.records().find(|decoded| *decoded.id() == *stored.record.id)?;
        Some(decoded.to_observation(&stored.record.connection, &stored.record.object, Stamp::default()))
    }

    fn compare(
        &self,
        record: &RecordRef,
        entity: u16,
        object: u16,
        fresh: &Representation,
        stored: &Representation,
        rederived: &mut Rederived,
    ) {
        let of = self.core.model.entity(entity);
        let names = self.core.slot_names(entity, object);
        let shapes = shapes(of, object);
        for slot in names.slots() {
            let collection = matches!(shapes.get(usize::from(slot)), Some(Shape::Set | Shape::Keyed));
            let same = if collection {
                let keys = fresh.element_keys(slot).chain(stored.element_keys(slot));
                let field = |of: &Representation, key| of.element(slot, key).map(|said| said.field.clone());
                fresh.collection_seen(slot) == stored.collection_seen(slot)
                    && keys.into_iter().all(|key| field(fresh, key) == field(stored, key))
            } else {
                fresh.cell(slot).map(|cell| cell.field()) == stored.cell(slot).map(|cell| cell.field())
            };
            let Some(name) = names.name(slot).filter(|_| !same) else { continue };
            let attribute = rederived.attributes.entry((of.name.clone(), name.as_str().into())).or_default();
            attribute.records += 1;
            if attribute.examples.len() < EXAMPLES {
                attribute.examples.push(record.clone());
            }
        }
    }
}
