//! Examples: which two records people looked at when they said that two are one entity, or none.
//!
//! What stands about two entities is said by facts, and by nothing else. Those are about entities, and an entity has several records: of
//! which two a person spoke, the facts do not tell, and only those two are an example of how such records agree. So the commit by which a
//! person answers a match, merges, takes apart, links or unlinks notes the two records in a row. An example teaches as long as the facts
//! say the same as it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::match_index::{MatchedEntity, in_order};
use crate::engine::persist::{Changes, SEPARATOR, record_key};
use crate::engine::suppression::Pending;
use crate::engine::tenant::matching::held::Everyone;
use crate::engine::tenant::pages::Pages;
use crate::entity::{Entity, HUB_OBJECT};
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{EntityId, EntityType, RecordRef};
use crate::matching::Judged;
use crate::store::{RowKey, Table};

/// What the keys of the rows begin with.
const EXAMPLES: &str = "matcher-example\u{1f}";

/// The row of an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExampleRow {
    /// The two, the lesser first.
    pub(super) records: [RecordRef; 2],
    /// Whether a person said that they are one entity.
    pub(super) same: bool,
}

fn examples_of(entity_type: &EntityType) -> String {
    format!("{EXAMPLES}{entity_type}{SEPARATOR}")
}

/// The row of two records, the lesser first: of a name that cannot grow beyond what stores take.
fn example_row(entity_type: &EntityType, [one, other]: &[RecordRef; 2]) -> RowKey {
    let pair = Digest::of(format!("{}{SEPARATOR}{}", record_key(one), record_key(other)).as_bytes());
    RowKey::new(Table::Meta, format!("{}{pair}", examples_of(entity_type)))
}

/// The record of an entity that is the only one which a system has of it: whoever speaks of the entity speaks of that.
pub(in crate::engine::tenant) fn only_record(entity: &Entity) -> Option<&RecordRef> {
    let mut native = entity.links.iter().filter(|link| link.object != HUB_OBJECT);
    let only = native.next()?;
    native.next().is_none().then_some(&*only.record)
}

impl Tenant {
    /// Notes of which two records a person says that they are one entity, or none. Where nothing is matched, nothing is noted.
    pub(in crate::engine::tenant) fn note_example(
        &self,
        changes: &mut Changes<'_>,
        (one, other): (&RecordRef, &RecordRef),
        same: bool,
    ) {
        let place = self.core.place(one).zip(self.core.place(other)).filter(|(one, other)| one.0 == other.0);
        let Some((of, _)) = place.map(|(one, _)| one) else { return };
        if one == other || self.core.matching.get(usize::from(of)).is_none_or(Option::is_none) {
            return;
        }
        let records: [RecordRef; 2] = in_order(one, other).into();
        changes.put(example_row(&self.core.model.entity(of).name, &records), &ExampleRow { records, same });
    }

    /// The examples of an entity type.
    pub(super) async fn examples(&self, of: u16) -> Result<Vec<ExampleRow>, Error> {
        let prefix = examples_of(&self.core.model.entity(of).name);
        let (mut examples, mut rows) = (Vec::new(), Pages::of(self, Table::Meta, &prefix, "list examples of matchers"));
        while let Some(row) = rows.next().await? {
            examples.push(parse(Table::Meta, &row)?);
        }
        Ok(examples)
    }

    /// Deletes the examples that name a record of whoever is erased, of whatever entity type.
    pub(in crate::engine::tenant) async fn forget_examples(
        &self,
        pending: &Pending,
        changes: &mut Changes<'_>,
    ) -> Result<(), Error> {
        let mut rows = Pages::of(self, Table::Meta, EXAMPLES, "list examples of matchers");
        while let Some(row) = rows.next().await? {
            let ExampleRow { records, .. } = parse(Table::Meta, &row)?;
            if records.iter().any(|record| pending.records.contains(record)) {
                let key = RowKey::new(Table::Meta, row.key);
                changes.commit.expect.push((key.clone(), Some(row.revision)));
                changes.delete(key);
            }
        }
        Ok(())
    }
}

/// What can be learned of people.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lessons {
    /// What they said of two records that speak.
    pub(super) judged: Vec<Judged>,
    /// How often they said something that stands, of records that say nothing now or of which nobody knows which were meant.
    pub(super) unused: usize,
}

/// What people said that stands: by the examples, and, of what is no example, where the two records are known because no others are there.
pub(super) fn lessons(everyone: &Everyone, examples: &[ExampleRow]) -> Lessons {
    let Everyone { records, entities, aliases, .. } = everyone;
    let speak: BTreeSet<&RecordRef> = records.iter().map(|(features, _)| &features.record).collect();
    let entity_of: BTreeMap<EntityId, &MatchedEntity> = entities.iter().map(|entity| (entity.id, entity)).collect();
    let links = entities.iter().flat_map(|entity| entity.records().map(move |record| (&**record, entity)));
    let home: BTreeMap<&RecordRef, &MatchedEntity> = links.collect();
    let standing = |mut id: EntityId| {
        let mut steps = 0;
        while let Some(into) = aliases.get(&id).filter(|_| steps <= aliases.len()) {
            (id, steps) = (*into, steps + 1);
        }
        id
    };
    let apart = |one: &MatchedEntity, other: &MatchedEntity| {
        let says = |one: &MatchedEntity, other: EntityId| one.cannot_link.iter().any(|id| standing(*id) == other);
        one.id != other.id && (says(one, other.id) || says(other, one.id))
    };
    let off = |entity: &MatchedEntity, record: &RecordRef| entity.held_apart.iter().any(|held| **held == *record);
    let mut lessons = Lessons::default();
    // What the examples speak of: entities of which people said what is one, and those, and records, that they hold apart.
    let mut linked: BTreeSet<EntityId> = BTreeSet::new();
    let mut parted: BTreeSet<(EntityId, EntityId)> = BTreeSet::new();
    let mut unlinked: BTreeSet<(EntityId, &RecordRef)> = BTreeSet::new();
    let between = |one: EntityId, other: EntityId| (one.min(other), one.max(other));
    let mut learn = |one: Option<&RecordRef>, other: Option<&RecordRef>, same: bool| {
        let speaks = |record: Option<_>| record.filter(|record| speak.contains(record));
        match speaks(one).zip(speaks(other)).filter(|(one, other)| one != other) {
            Some((one, other)) => {
                let (one, other) = in_order(one, other);
                lessons.judged.push(Judged { one, other, same });
            }
            None => lessons.unused += 1,
        }
    };
    for ExampleRow { records: [one, other], same } in examples {
        let (first, second) = (home.get(one).copied(), home.get(other).copied());
        let stands = match first.zip(second) {
            Some((first, second)) if *same => {
                linked.extend((first.id == second.id).then_some(first.id));
                first.id == second.id
            }
            Some((first, second)) if apart(first, second) => {
                parted.insert(between(first.id, second.id));
                true
            }
            _ if *same => false,
            _ => {
                let sides = [(first, other), (second, one)];
                let sides = sides.into_iter().filter_map(|(entity, record)| Some((entity?, record)));
                let held: Vec<_> = sides.filter(|(entity, record)| off(entity, record)).collect();
                unlinked.extend(held.iter().map(|(entity, record)| (entity.id, *record)));
                !held.is_empty()
            }
        };
        if stands {
            learn(Some(one), Some(other), *same);
        }
    }
    for entity in entities {
        let native = || entity.links.iter().filter(|link| link.native);
        let alone = |entity: &MatchedEntity| entity.links.iter().filter(|link| link.native).count() == 1;
        let only = |entity: &MatchedEntity| {
            let found = entity.links.iter().find(|link| link.native).filter(|_| alone(entity));
            found.and_then(|link| speak.get(&*link.record).copied())
        };
        let two: Vec<&RecordRef> = native().map(|link| &*link.record).collect();
        // With a record that people were asked about, they assert those that had come with it.
        let asserted = native().filter(|link| link.asserted && !linked.contains(&entity.id));
        match (&two[..], asserted.count()) {
            (_, 0) | ([] | [_], _) => {}
            ([one, other], _) => learn(Some(one), Some(other), true),
            (_, said) => (0..said).for_each(|_| learn(None, None, true)),
        }
        for record in entity.held_apart.iter().filter(|record| !unlinked.contains(&(entity.id, &***record))) {
            learn(only(entity), Some(record), false);
        }
        for other in entity.cannot_link.iter().map(|other| standing(*other)) {
            if parted.insert(between(entity.id, other)) {
                learn(only(entity), entity_of.get(&other).and_then(|other| only(other)), false);
            }
        }
    }
    lessons.judged.sort_by(|a, b| (&a.one, &a.other, a.same).cmp(&(&b.one, &b.other, b.same)));
    lessons.judged.dedup();
    lessons
}
