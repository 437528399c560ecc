//! Intake: what a surface said becomes observations, merges, hints to read, or dead letters. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;

use crate::card::{self, CardNumbers};
use crate::connector::{Item, Says};
use crate::decode::{Batch, FaultKind, Reach};
use crate::engine::Connection;
use crate::id::{ConnectionName, RecordRef, SurfaceName};
use crate::model::{CompiledEntity, UnitIndex};
use crate::observation::{Coverage, DeathEvidence, Observation, Said, Sighting, SlotIndex};
use crate::stamp::Stamp;
use crate::surface::{Channel, Completeness, Order};
use crate::text::Text;
use crate::value::Field;

/// What became of a delivery, page or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TakenIn {
    /// Observations that changed something.
    pub observed: usize,
    /// Observations that said nothing new: repetitions and echoes.
    pub known: usize,
    /// Records that are now waiting to be read.
    pub hinted: usize,
    /// Items, or single attributes, that could not be decoded: kept as dead letters.
    pub dead_letters: usize,
    /// What was said of persons who were erased: nothing of it was kept.
    pub suppressed: usize,
}

impl std::ops::AddAssign for TakenIn {
    fn add_assign(&mut self, other: Self) {
        self.observed += other.observed;
        self.known += other.known;
        self.hinted += other.hinted;
        self.dead_letters += other.dead_letters;
        self.suppressed += other.suppressed;
    }
}

/// What one item turned out to be.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    /// Something was said of a record.
    Observed { observation: Observation, surface: SurfaceName, body: Bytes },
    /// A death that a read found, to be stamped with the last token known of the record: the answer gave none.
    Gone { record: RecordRef, evidence: DeathEvidence, read: u64, surface: SurfaceName },
    /// A person entered something. If the clock stepped back, it is still later than what was entered before.
    Entered {
        observation: Observation,
        /// What was entered, and why; for the journal.
        entry: Box<Entry>,
    },
    /// A complete scan did not meet the record.
    Absent { record: RecordRef, scan: u64 },
    /// A merge inside the system.
    Merged { loser: RecordRef, survivor: Text, token: Option<i64> },
    /// A record to be read, and why what was said of it is not believed. What a scan asks for, no other scan makes up for.
    Hint { record: RecordRef, why: &'static str, by_scan: bool },
    /// Bytes that could not be understood, or a part of them.
    Dead(DeadLetter),
}

/// A person's own entry, as the journal holds it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    /// The attribute.
    pub(crate) attribute: Text,
    /// Why, in the person's words.
    pub(crate) reason: String,
}

/// An input that could not be processed, with its cause.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) connection: ConnectionName,
    /// The record, where it is known.
    pub(crate) record: Option<RecordRef>,
    /// What was expected, and where. Never what was found.
    pub(crate) cause: String,
    /// The item, as it came.
    pub(crate) item: Item,
    /// The number of the read that answered with it.
    pub(crate) read: u64,
}

const ONLY_HINTS: &str = "the surface only hints";
const NO_TOKEN: &str = "it carries no ordering token";
const HELD_A_CARD: &str = "it held a card number, which is kept nowhere";

/// Sorts the items of one delivery, page or read. `read` is the number that the store issued when the read started; 0 for
/// push, and for polls whose tokens order what they carry.
pub(crate) fn sort(
    name: &ConnectionName,
    connection: &Connection,
    model: &crate::model::Model,
    items: &[Item],
    read: u64,
    batch: &mut Batch,
) -> Vec<Input> {
    let mut inputs = Vec::with_capacity(items.len());
    let mut reached = Reached::default();
    for item in items {
        let item = &*without_cards(connection, model, item, batch);
        let reach = reached.by(connection, item);
        sort_one(name, connection, model, (item, reach), read, batch, &mut inputs);
    }
    inputs
}

/// An item without the card numbers in its body. Ids of records, tokens and references are none, whatever they look like.
pub(crate) fn without_cards<'i>(
    connection: &Connection,
    model: &crate::model::Model,
    item: &'i Item,
    batch: &mut Batch,
) -> Cow<'i, Item> {
    if connection.cards == CardNumbers::Kept || card::find(&card::unescaped(&item.body)).is_empty() {
        return Cow::Borrowed(item);
    }
    let spared = spared(connection, model, item, batch);
    match card::without(&item.body, &|digits| spared.contains(digits)) {
        Some(body) => Cow::Owned(Item { body: body.into(), ..item.clone() }),
        None => Cow::Borrowed(item),
    }
}

/// The digits of what looks like a card number and names records, or orders them.
fn spared(connection: &Connection, model: &crate::model::Model, item: &Item, batch: &mut Batch) -> BTreeSet<String> {
    let mut spared: BTreeSet<String> = BTreeSet::new();
    // An id may have more to it than digits: a prefix, hyphens.
    let mut spare = |text: &str| spared.extend(card::digits_in(text));
    match &item.says {
        Says::Hint { id } | Says::Deleted { id } => spare(id),
        Says::Merged { survivor, losers } => losers.iter().chain([survivor]).for_each(|id| spare(id)),
        Says::Record => {}
    }
    let Some(bound) = connection.surfaces.iter().find(|bound| bound.surface.name == item.surface) else {
        return spared;
    };
    let object = &bound.surface.object;
    let (Some(table), Some((entity, of, _))) = (&bound.decodes, connection.objects.get(object)) else { return spared };
    batch.clear();
    // What cannot be decoded names nobody: it becomes a letter without its card numbers.
    if table.decode_within(&item.body, false, &[], batch).is_ok() {
        let model = model.entity(*entity);
        let units = &model.objects[usize::from(*of)].slot_unit;
        for decoded in batch.records() {
            spare(decoded.id());
            decoded.token().iter().for_each(|token| spare(&token.to_string()));
            let observation = decoded.to_observation(&ConnectionName::new(""), object, Stamp::default());
            let cells = observation.cells.iter().filter(|said| refers(model, units, said.slot));
            cells.filter_map(|said| said.field.as_value()).for_each(&mut spare);
        }
    }
    batch.clear();
    spared
}

/// Whether a slot holds a reference.
fn refers(model: &CompiledEntity, units: &[UnitIndex], slot: SlotIndex) -> bool {
    let unit = units.get(usize::from(slot)).and_then(|unit| model.units.get(usize::from(*unit)));
    unit.is_some_and(|unit| unit.reference.is_some())
}

/// Removes card numbers from what was read of a record. Says whether there were any.
fn remove_from(observation: &mut Observation, is_spared: impl Fn(SlotIndex) -> bool) -> bool {
    let mut removed = false;
    for said in observation.cells.iter_mut().filter(|said| !is_spared(said.slot)) {
        if let Some(cleaned) = said.field.as_value().and_then(card::without_in_text) {
            said.field = Field::value(&cleaned);
            removed = true;
        }
        if let Some(cleaned) = said.element.as_deref().and_then(card::without_in_text) {
            said.element = Some(cleaned.into());
            removed = true;
        }
    }
    removed
}

/// Takes identity values out that lost a card number: what is left is the same for everybody, and tells nobody from another. Gives
/// their slots.
fn take_out_unnamed(observation: &mut Observation, is_identity: impl Fn(SlotIndex) -> bool) -> Vec<SlotIndex> {
    let lost = |said: &Said| {
        is_identity(said.slot) && said.field.as_value().is_some_and(|value| value.contains(card::REMOVED))
    };
    let out: Vec<SlotIndex> = observation.cells.iter().filter(|said| lost(said)).map(|said| said.slot).collect();
    observation.cells.retain(|said| !lost(said));
    if let Coverage::AllBut(uncovered) = &mut observation.coverage {
        for slot in &out {
            if let Err(place) = uncovered.binary_search(slot) {
                uncovered.insert(place, *slot);
            }
        }
    }
    out
}

/// How far the last item could be believed: those that were asked for together say the same.
#[derive(Default)]
struct Reached {
    last: Option<Item>,
    slots: Vec<Reach>,
}

impl Reached {
    fn by(&mut self, connection: &Connection, item: &Item) -> &[Reach] {
        if item.covers.is_none() && item.denied.is_empty() {
            return &[];
        }
        let same =
            |last: &Item| (&last.surface, &last.covers, &last.denied) == (&item.surface, &item.covers, &item.denied);
        if !self.last.as_ref().is_some_and(same) {
            let bound = connection.surfaces.iter().find(|bound| bound.surface.name == item.surface);
            let table = bound.and_then(|bound| bound.decodes.as_ref());
            self.slots = table.map(|table| table.reach(item.covers.as_deref(), &item.denied)).unwrap_or_default();
            self.last = Some(item.clone());
        }
        &self.slots
    }
}

fn sort_one(
    name: &ConnectionName,
    connection: &Connection,
    model: &crate::model::Model,
    (item, reach): (&Item, &[Reach]),
    read: u64,
    batch: &mut Batch,
    inputs: &mut Vec<Input>,
) {
    let dead = |record: Option<RecordRef>, cause: String| {
        Input::Dead(DeadLetter { connection: name.clone(), record, cause, item: item.clone(), read })
    };
    let Some(bound) = connection.surfaces.iter().find(|bound| bound.surface.name == item.surface) else {
        inputs.push(dead(None, format!("surface `{}` is not one of the connector's", item.surface)));
        return;
    };
    let object = &bound.surface.object;
    let (Some(table), Some((entity, of, domain))) = (&bound.decodes, connection.objects.get(object)) else {
        inputs.push(dead(None, format!("object type `{object}` is not in the model")));
        return;
    };
    let record = |id: &str| RecordRef { connection: name.clone(), object: object.clone(), id: id.into() };
    let observes = bound.surface.observes(*domain);
    let by_scan = bound.surface.channel == Channel::Scan;
    let hint = |record, why| Input::Hint { record, why, by_scan };
    match &item.says {
        Says::Hint { id } => inputs.push(hint(record(id), ONLY_HINTS)),
        Says::Deleted { id } if !observes => inputs.push(hint(record(id), ONLY_HINTS)),
        Says::Deleted { id } => {
            let token = table.token(&item.body).ok().flatten();
            let evidence = DeathEvidence::Deleted;
            inputs.push(match token {
                // A push or poll that gives no order cannot say whether the record was sighted before its death or after.
                None if read == 0 => hint(record(id), NO_TOKEN),
                None => Input::Gone { record: record(id), evidence, read, surface: item.surface.clone() },
                Some(token) => Input::Observed {
                    observation: Observation {
                        record: record(id),
                        stamp: Stamp { token, read },
                        sighting: Sighting::Dead(evidence),
                        coverage: Coverage::Carried,
                        cells: Vec::new(),
                        denied: Vec::new(),
                    },
                    surface: item.surface.clone(),
                    body: item.body.clone(),
                },
            });
        }
        Says::Merged { survivor, losers } => {
            let token = table.token(&item.body).ok().flatten();
            for loser in losers {
                inputs.push(Input::Merged { loser: record(loser), survivor: survivor.clone(), token });
            }
            inputs.push(hint(record(survivor), "other records were merged into it"));
        }
        Says::Record => {
            batch.clear();
            let full = bound.surface.semantics.completeness == Completeness::Full || planted!(PartialTakenForWhole);
            if let Err(error) = table.decode_within(&item.body, full, reach, batch) {
                inputs.push(dead(None, error.to_string()));
                return;
            }
            for decoded in batch.records() {
                let record = record(decoded.id());
                if !observes || decoded.incomplete() {
                    let why = if observes { "it carries only some of what makes a value" } else { ONLY_HINTS };
                    inputs.push(hint(record, why));
                    continue;
                }
                let token = match (bound.surface.semantics.order, decoded.token()) {
                    (Order::By(_), Some(token)) => token,
                    // A surface that promises order and gives none is not believed: the record is read instead.
                    (Order::By(_), None) => {
                        inputs.push(hint(record, NO_TOKEN));
                        continue;
                    }
                    (Order::FollowOnly | Order::None, _) => 0,
                };
                let attributes = &model.entity(*entity).attributes;
                let slots = &model.entity(*entity).objects[usize::from(*of)].slots;
                let attribute =
                    |slot: SlotIndex| slots.get(usize::from(slot)).map(|slot| &attributes[usize::from(slot.attribute)]);
                let mut observation = decoded.to_observation(name, object, Stamp { token, read });
                let units = &model.entity(*entity).objects[usize::from(*of)].slot_unit;
                let removes = connection.cards == CardNumbers::Removed;
                let spelled =
                    removes && remove_from(&mut observation, |slot| refers(model.entity(*entity), units, slot));
                let is_identity = |slot| attribute(slot).is_some_and(|attribute| attribute.identity);
                let unnamed = if removes { take_out_unnamed(&mut observation, is_identity) } else { Vec::new() };
                // Written so that its bytes do not show it, as in another notation: then they are not kept. Letters about two
                // records are two.
                let of_letters = if spelled { Bytes::from(record.id.to_string()) } else { item.body.clone() };
                let faults = decoded.faults().filter(|fault| fault.kind != FaultKind::Incomplete);
                let faults = faults.map(|fault| (fault.slot, fault.reason));
                for (slot, reason) in faults.chain(unnamed.iter().map(|slot| (*slot, HELD_A_CARD))) {
                    let cause = format!("{}: {reason}", attribute(slot).map_or("?", |attribute| attribute.id.as_str()));
                    let item = Item { body: of_letters.clone(), ..item.clone() };
                    let (connection, record) = (name.clone(), Some(record.clone()));
                    inputs.push(Input::Dead(DeadLetter { connection, record, cause, item, read }));
                }
                // Read anew, they would say what was taken out.
                let body = if spelled || !unnamed.is_empty() { Bytes::new() } else { item.body.clone() };
                inputs.push(Input::Observed { observation, surface: item.surface.clone(), body });
            }
        }
    }
}
