//! The stored form of a representation: JSON, keyed by attribute id, so that a model may change around it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::AttributeId;
use crate::model::CompiledObject;
use crate::model::change::Step;
use crate::observation::{DeathEvidence, SlotIndex};
use crate::representation::Representation;
use crate::representation::cell::Cell;
use crate::representation::existence::{Existence, Gone};
use crate::stamp::Stamp;
use crate::text::Text;
use crate::value::{Field, Malformed};

/// The version of this form.
const FORMAT: u16 = 1;

type StoredStamp = (i64, u64);
type StoredCell = Vec<(i64, u64, Field)>;

/// A representation as a row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRepresentation {
    format: u16,
    /// Per attribute: what was said, ascending by stamp.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    cells: BTreeMap<Text, StoredCell>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    elements: BTreeMap<Text, BTreeMap<Text, StoredCell>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    covered: BTreeMap<Text, Vec<StoredStamp>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    denied: BTreeMap<Text, StoredStamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirects: Vec<(i64, u64, Text)>,
    existence: StoredExistence,
    /// Per attribute: how its leaves were read. A cell read otherwise than today's mapping reads is not compared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    read_by: BTreeMap<Text, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct StoredExistence {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<StoredStamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full: Option<StoredStamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead: Option<(i64, u64, DeathEvidence)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    absences: Vec<(u64, i64)>,
    #[serde(default)]
    met_by: u64,
}

/// How an object type's slots are named in stored state. The hub's own records have one slot per attribute.
#[derive(Debug, Clone)]
pub struct SlotNames {
    names: Vec<(Text, u64)>,
    former: BTreeMap<Text, SlotIndex>,
}

impl SlotNames {
    /// Names the slots: `(attribute id, fingerprint, former ids)` each.
    #[must_use]
    pub fn new(slots: impl IntoIterator<Item = (Text, u64, Vec<Text>)>) -> Self {
        let mut names = Vec::new();
        let mut former = BTreeMap::new();
        for (id, fingerprint, was) in slots {
            if let Ok(slot) = SlotIndex::try_from(names.len()) {
                former.extend(was.into_iter().chain([id.clone()]).map(|name| (name, slot)));
            }
            names.push((id, fingerprint));
        }
        Self { names, former }
    }

    /// The names of a compiled object's slots.
    #[must_use]
    pub fn of(object: &CompiledObject, attributes: &[crate::model::AttributeModel]) -> Self {
        Self::new(object.slots.iter().map(|slot| {
            let attribute = &attributes[usize::from(slot.attribute)];
            let was = attribute.was.iter().map(|was| was.as_str().into()).collect();
            (attribute.id.as_str().into(), slot.fingerprint.short_number(), was)
        }))
    }

    /// The slot of a stored attribute id, current or former.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<SlotIndex> {
        self.former.get(name).copied()
    }

    /// The attribute id of a slot.
    #[must_use]
    pub fn name(&self, slot: SlotIndex) -> Option<&Text> {
        self.names.get(usize::from(slot)).map(|(name, _)| name)
    }

    /// Every slot.
    pub(crate) fn slots(&self) -> impl Iterator<Item = SlotIndex> + use<> {
        (0..self.names.len()).filter_map(|slot| SlotIndex::try_from(slot).ok())
    }

    pub(crate) fn fingerprint(&self, slot: SlotIndex) -> Option<u64> {
        self.names.get(usize::from(slot)).map(|(_, fingerprint)| *fingerprint)
    }
}

impl Representation {
    /// The form that a row holds.
    #[must_use]
    pub fn to_stored(&self, names: &SlotNames) -> StoredRepresentation {
        let named = |slot: usize| names.names.get(slot).map(|(name, _)| name.clone());
        let mut stored = StoredRepresentation {
            format: FORMAT,
            cells: BTreeMap::new(),
            elements: BTreeMap::new(),
            covered: BTreeMap::new(),
            denied: BTreeMap::new(),
            redirects: self.rare.redirects.iter().map(|(stamp, to)| (stamp.token, stamp.read, to.clone())).collect(),
            existence: store_existence(&self.existence),
            read_by: BTreeMap::new(),
        };
        for (slot, cell) in self.cells.iter() {
            if let Some(name) = named(usize::from(slot)) {
                stored.cells.insert(name, store_cell(cell.history()));
            }
        }
        for ((slot, element), cell) in &self.rare.elements {
            if let Some(name) = named(usize::from(*slot)) {
                stored.elements.entry(name).or_default().insert(element.clone(), store_cell(cell.history()));
            }
        }
        for (slot, stamps) in &self.rare.covered {
            if let Some(name) = named(usize::from(*slot)) {
                stored.covered.insert(name, stamps.iter().map(|stamp| pair(*stamp)).collect());
            }
        }
        for (slot, stamp) in &self.rare.denied {
            if let Some(name) = named(usize::from(*slot)) {
                stored.denied.insert(name, pair(*stamp));
            }
        }
        for name in stored.cells.keys().chain(stored.covered.keys()) {
            if let Some(fingerprint) = names.slot(name).and_then(|slot| names.fingerprint(slot)) {
                stored.read_by.insert(name.clone(), fingerprint);
            }
        }
        stored
    }

    /// The representation that a row holds, under today's model: attributes that are gone, or are read otherwise by now,
    /// are unobserved.
    #[must_use]
    pub fn from_stored(stored: StoredRepresentation, names: &SlotNames) -> Self {
        let read_alike = |name: &Text| {
            let slot = names.slot(name)?;
            let then = stored.read_by.get(name)?;
            (Some(*then) == names.fingerprint(slot)).then_some(slot)
        };
        let mut representation = Self::new();
        for (name, said) in &stored.cells {
            let Some(slot) = read_alike(name) else { continue };
            for (token, read, field) in said {
                representation.cells.say(slot, Stamp { token: *token, read: *read }, field.borrowed());
            }
        }
        for (name, elements) in &stored.elements {
            let Some(slot) = read_alike(name) else { continue };
            for (element, said) in elements {
                if let Some(cell) = load_cell(said) {
                    representation.rare.make().elements.insert((slot, element.clone()), cell);
                }
            }
        }
        for (name, stamps) in &stored.covered {
            if let Some(slot) = read_alike(name) {
                representation.rare.make().covered.insert(slot, stamps.iter().copied().map(stamp).collect());
            }
        }
        for (name, at) in &stored.denied {
            if let Some(slot) = names.slot(name) {
                representation.rare.make().denied.insert(slot, stamp(*at));
            }
        }
        if !stored.redirects.is_empty() {
            let redirects = stored.redirects.into_iter().map(|(token, read, to)| (Stamp { token, read }, to));
            representation.rare.make().redirects = redirects.collect();
        }
        representation.existence = load_existence(stored.existence);
        representation
    }
}

impl StoredRepresentation {
    /// Makes the cells of an attribute of those that it is migrated from, where an object type reads both from one leaf.
    /// Says whether there were any; `today` is the attribute's id.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if nothing can be made of what the record says now. What it said before is left out then.
    pub(crate) fn migrate(&mut self, step: &Step, object: &str, today: &AttributeId) -> Result<bool, Malformed> {
        let Some((before, now)) = step.read_at(object) else { return Ok(false) };
        let today = Text::new(today.as_str());
        let read_alike = |name: &&Text| step.is_stored_as(name) && self.read_by.get(*name) == Some(&before);
        let Some(from) = self.cells.keys().find(read_alike).cloned() else { return Ok(false) };
        // Made already, by whoever was cut off.
        if from != today && self.read_by.get(&today) == Some(&now) {
            return Ok(false);
        }
        let Some(said) = self.cells.get(&from) else { return Ok(false) };
        let last = said.len().saturating_sub(1);
        let mut cell = StoredCell::new();
        for (place, (token, read, field)) in said.iter().enumerate() {
            // Of equal stamps the last one won; by what is made of them, another might.
            if said.get(place + 1).is_some_and(|(later, again, _)| (later, again) == (token, read)) {
                continue;
            }
            match step.field(field) {
                Ok(field) => cell.push((*token, *read, field)),
                Err(malformed) if place == last => return Err(malformed),
                Err(_) => {}
            }
        }
        self.cells.insert(today.clone(), cell);
        if let Some(denied) = self.denied.get(&from).copied() {
            self.denied.insert(today.clone(), denied);
        }
        self.read_by.insert(today, now);
        Ok(true)
    }

    /// The attributes, and other parts, in which two differ. Names, never values.
    pub(crate) fn differing(&self, other: &Self) -> Vec<Text> {
        let mut parts: std::collections::BTreeSet<Text> = std::collections::BTreeSet::new();
        differ(&self.cells, &other.cells, &mut parts);
        differ(&self.elements, &other.elements, &mut parts);
        differ(&self.covered, &other.covered, &mut parts);
        differ(&self.denied, &other.denied, &mut parts);
        if self.redirects != other.redirects {
            parts.insert("$redirects".into());
        }
        if self.existence != other.existence {
            parts.insert("$exists".into());
        }
        parts.into_iter().collect()
    }
}

fn differ<T: PartialEq>(
    one: &BTreeMap<Text, T>,
    other: &BTreeMap<Text, T>,
    parts: &mut std::collections::BTreeSet<Text>,
) {
    let names = one.keys().chain(other.keys());
    parts.extend(names.filter(|name| one.get(*name) != other.get(*name)).cloned());
}

const fn pair(stamp: Stamp) -> StoredStamp {
    (stamp.token, stamp.read)
}

const fn stamp((token, read): StoredStamp) -> Stamp {
    Stamp { token, read }
}

fn store_cell<'a>(history: impl Iterator<Item = (Stamp, &'a Field)>) -> StoredCell {
    history.map(|(stamp, field)| (stamp.token, stamp.read, field.clone())).collect()
}

fn store_existence(existence: &Existence) -> StoredExistence {
    let gone = existence.gone();
    StoredExistence {
        live: existence.live.map(pair),
        full: existence.full.map(pair),
        dead: gone.dead.map(|(stamp, evidence)| (stamp.token, stamp.read, evidence)),
        absences: gone.absences.iter().map(|(scan, token)| (*scan, *token)).collect(),
        met_by: existence.met_by,
    }
}

fn load_existence(stored: StoredExistence) -> Existence {
    let StoredExistence { live, full, dead, absences, met_by } = stored;
    let dead = dead.map(|(token, read, evidence)| (Stamp { token, read }, evidence));
    Existence::of(live.map(stamp), full.map(stamp), met_by, Gone { dead, absences: absences.into_iter().collect() })
}

fn load_cell(said: &StoredCell) -> Option<Cell> {
    let mut said = said.iter().map(|(token, read, field)| (Stamp { token: *token, read: *read }, field.borrowed()));
    let (at, field) = said.next()?;
    let mut cell = Cell::new(at, field);
    for (at, field) in said {
        cell.insert(at, field);
    }
    Some(cell)
}
