//! Comparing what is stored with what the journal adds up to, part by part.

use std::collections::BTreeSet;

use crate::engine::Core;
use crate::engine::tenant::replay::Replayed;
use crate::engine::tenant::verify::allowed::differing;
use crate::engine::tenant::verify::{Compared, Difference};
use crate::entity::{Entity, Link};
use crate::golden::PerUnit;
use crate::id::{EntityId, RecordRef};
use crate::model::{CompiledEntity, UnitKey};
use crate::representation::Representation;
use crate::representation::stored::SlotNames;
use crate::text::Text;

/// What has not been met yet.
pub(super) struct Left<'a, T>(BTreeSet<&'a T>);

impl<'a, T: Ord> Left<'a, T> {
    pub(super) fn new(all: impl Iterator<Item = &'a T>) -> Self {
        Self(all.collect())
    }

    pub(super) fn met(&mut self, one: &T) {
        self.0.remove(one);
    }

    pub(super) fn left(self) -> impl Iterator<Item = &'a T> {
        self.0.into_iter()
    }
}

/// Compares an entity.
pub(super) fn entity(core: &Core, replayed: Option<&Entity>, stored: &Entity, found: &mut Vec<Difference>) {
    let id = stored.id;
    let add = |part, name: Text, compared| Difference::Entity { id, part, name, compared };
    let Some(replayed) = replayed else {
        found.push(add("the whole", Text::default(), Compared::Unaccounted));
        return;
    };
    let of = core.model.entity(stored.entity);
    if replayed.entity != stored.entity {
        found.push(add("type", Text::default(), Compared::Differs));
        return;
    }
    if replayed.life != stored.life {
        found.push(add("life", Text::default(), Compared::Differs));
    }
    if replayed.merged_into != stored.merged_into {
        found.push(add("merge", Text::default(), Compared::Differs));
    }
    if replayed.cannot_link != stored.cannot_link {
        found.push(add("entities held apart", Text::default(), Compared::Differs));
    }
    if replayed.held_apart != stored.held_apart {
        found.push(add("records held apart", Text::default(), Compared::Differs));
    }
    if (replayed.generation, &replayed.creates_sent) != (stored.generation, &stored.creates_sent) {
        found.push(add("generation of creates", Text::default(), Compared::Differs));
    }
    units(of, id, "golden value", &replayed.golden, &stored.golden, found);
    units(of, id, "decision", &replayed.decisions, &stored.decisions, found);
    if replayed.lapses != stored.lapses {
        found.push(add("ended decision", Text::default(), Compared::Differs));
    }
    if replayed.proposals != stored.proposals {
        found.push(add("proposed decision", Text::default(), Compared::Differs));
    }
    for link in &stored.links {
        match replayed.link_of(&link.record).map(|place| &replayed.links[place]) {
            None => found.push(add("link", link.record.to_string().into(), Compared::Unaccounted)),
            Some(known) => links(of, id, known, link, found),
        }
    }
    for link in replayed.links.iter().filter(|link| stored.link_of(&link.record).is_none()) {
        found.push(add("link", link.record.to_string().into(), Compared::Missing));
    }
    for standing in stored.discrepancies.values() {
        match replayed.discrepancies.get(&standing.id) {
            Some(known) if known == standing => {}
            Some(_) => found.push(add("discrepancy", standing.unit.clone(), Compared::Differs)),
            None => found.push(add("discrepancy", standing.unit.clone(), Compared::Unaccounted)),
        }
    }
    for standing in replayed.discrepancies.values() {
        if stored.discrepancies.get(&standing.id).is_none() {
            found.push(add("discrepancy", standing.unit.clone(), Compared::Missing));
        }
    }
}

fn links(of: &CompiledEntity, id: EntityId, replayed: &Link, stored: &Link, found: &mut Vec<Difference>) {
    let alike = |link: &Link| {
        (link.object, link.order, link.evidence.clone(), link.existed, link.to_restore, link.reactions.clone())
    };
    if alike(replayed) != alike(stored)
        || (&replayed.divergences, &replayed.sent) != (&stored.divergences, &stored.sent)
    {
        let name = stored.record.to_string().into();
        found.push(Difference::Entity { id, part: "link", name, compared: Compared::Differs });
    }
    let mut bases = Vec::new();
    units(of, id, "base", &replayed.bases, &stored.bases, &mut bases);
    for difference in &mut bases {
        if let Difference::Entity { name, .. } = difference {
            *name = format!("{name} on {}", stored.record).into();
        }
    }
    found.append(&mut bases);
}

fn units<T: PartialEq>(
    of: &CompiledEntity,
    id: EntityId,
    part: &'static str,
    replayed: &PerUnit<T>,
    stored: &PerUnit<T>,
    found: &mut Vec<Difference>,
) {
    let mut add = |key: &UnitKey, compared| {
        found.push(Difference::Entity { id, part, name: of.unit_name(key), compared });
    };
    for (key, value) in stored.iter() {
        match replayed.get(&key) {
            Some(known) if known == value => {}
            Some(_) => add(&key, Compared::Differs),
            None => add(&key, Compared::Unaccounted),
        }
    }
    for (key, _) in replayed.iter().filter(|(key, _)| stored.get(key).is_none()) {
        add(&key, Compared::Missing);
    }
}

/// Compares a record.
pub(super) fn record(
    names: &SlotNames,
    record: &RecordRef,
    replayed: Option<&Representation>,
    stored: &Representation,
    found: &mut Vec<Difference>,
) {
    let Some(replayed) = replayed else {
        let whole =
            Difference::Record { record: record.clone(), part: "the whole".into(), compared: Compared::Unaccounted };
        found.push(whole);
        return;
    };
    let (replayed, stored) = (replayed.to_stored(names), stored.to_stored(names));
    found.extend(replayed.differing(&stored).into_iter().map(|part| Difference::Record {
        record: record.clone(),
        part,
        compared: Compared::Differs,
    }));
}

impl Replayed {
    /// Where another replay of the same journal ends otherwise: `other` is taken for what is stored. What only the other tells
    /// of cases is what earlier versions did not journal; what only this one counts against limits, as well.
    pub(in crate::engine::tenant) fn differing_from(&self, core: &Core, other: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        for stored in other.entities.values() {
            entity(core, self.entities.get(&stored.id), stored, &mut found);
        }
        for id in self.entities.keys().filter(|id| !other.entities.contains_key(id)) {
            let name = Text::default();
            found.push(Difference::Entity { id: *id, part: "the whole", name, compared: Compared::Missing });
        }
        for (id, stored) in &other.representations {
            let Some((of, object)) = core.place(id) else { continue };
            record(core.slot_names(of, object), id, self.representations.get(id), stored, &mut found);
        }
        for id in self.representations.keys().filter(|id| !other.representations.contains_key(id)) {
            let part = "the whole".into();
            found.push(Difference::Record { record: id.clone(), part, compared: Compared::Missing });
        }
        let connections = differing(&self.connections, &other.connections);
        found.extend(connections.map(|(connection, compared)| Difference::Connection { connection, compared }));
        let standing = differing(&self.standing, &other.standing);
        found.extend(standing.map(|(id, compared)| Difference::StandingApproval { id, compared }));
        let counts = differing(&self.counts, &other.counts).filter(|(_, compared)| *compared != Compared::Missing);
        let place = |key: Text| key.replace('\u{1f}', "/").into();
        found.extend(counts.map(|(key, compared)| Difference::Counted { place: place(key), compared }));
        let letters = differing(&self.letters, &other.letters);
        found.extend(letters.map(|(key, compared)| Difference::DeadLetter { key, compared }));
        let desks = differing(&self.desks, &other.desks);
        found.extend(desks.map(|(key, compared)| Difference::Case { key, part: "what is noted", compared }));
        let cases = differing(&self.cases, &other.cases).filter(|(_, compared)| *compared != Compared::Unaccounted);
        found.extend(cases.map(|(key, compared)| Difference::Case { key, part: "the case", compared }));
        let roles = differing(&self.roles, &other.roles);
        found.extend(roles.map(|(actor, compared)| Difference::Granted { actor, compared }));
        let gone = self.suppressed.difference(&other.suppressed).map(|digest| (*digest, Compared::Missing));
        let more = other.suppressed.difference(&self.suppressed).map(|digest| (*digest, Compared::Unaccounted));
        found.extend(gone.chain(more).map(|(digest, compared)| Difference::Suppressed { digest, compared }));
        found.sort();
        found
    }

    /// Which entity each record that is still looked at belongs to.
    pub(super) fn links(&self, core: &Core) -> std::collections::BTreeMap<RecordRef, EntityId> {
        let links = self.entities.values().flat_map(|entity| entity.links.iter().map(move |link| (link, entity.id)));
        links
            .filter(|(link, _)| core.place(&link.record).is_some())
            .map(|(link, id)| ((*link.record).clone(), id))
            .collect()
    }
}
