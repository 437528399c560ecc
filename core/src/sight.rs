//! Sight: what each link of an entity shows of one unit, gathered from representations.

use std::borrow::Cow;
use std::collections::BTreeSet;

use smallvec::{SmallVec, smallvec};

use crate::base::{Base, Marked};
use crate::classify::{Hidden, Side, Sight};
use crate::entity::{Entity, HUB_OBJECT, Link};
use crate::hub;
use crate::id::{EntityId, ObjectType, RecordRef, TenantId};
use crate::model::{Cardinality, CompiledEntity, Unit, UnitIndex, UnitKey, UnitShape};
use crate::observation::SlotIndex;
use crate::ownership::Authority;
use crate::representation::{CellRef, Representation};
use crate::spelling::is_form;
use crate::stamp::{Domain, Stamp};
use crate::text::Text;
use crate::value::{Field, join};

/// What settling may know besides the entity and its representations. All of it is given; none of it is asked for.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The entity's type.
    pub model: &'a CompiledEntity,
    /// The rules, per unit.
    pub rules: &'a crate::settle::RuleSet,
    /// The journaled instant of this step, in milliseconds since the epoch.
    pub as_of: i64,
    /// The ordering domain of a connection's object type.
    pub domain: &'a dyn Fn(&RecordRef) -> Domain,
    /// The entity that a record belongs to.
    pub crosswalk: &'a dyn Fn(&RecordRef) -> Option<EntityId>,
    /// Whether resolutions keep every candidate's voice. The stream benchmark, which journals nothing, does without.
    pub keep_voices: bool,
}

impl std::fmt::Debug for Ground<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("entity", &self.model.name).field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

/// What one link shows of one unit.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The link's place in the entity.
    pub link: usize,
    /// What the system is to the unit.
    pub authority: Authority,
    /// What is seen, or why nothing is.
    pub sight: Result<Cow<'a, Field>, Hidden>,
    /// Whether it is the oldest of those that speak in its connection and object type ([`speaks_first`]), where an entity
    /// may have several there.
    pub first: bool,
    when: When<'a>,
}

/// Where the stamps of what is shown are found. Most are never asked for, and lie apart from the value.
#[derive(Debug, Clone, Copy)]
enum When<'a> {
    Unknown,
    Cell(CellRef<'a>),
    Known { since: Stamp, not_before: Option<Stamp> },
}

impl Shown<'_> {
    /// The observed value, if there is one.
    #[must_use]
    pub fn field(&self) -> Option<&Field> {
        self.sight.as_deref().ok()
    }

    /// The same link, as it showed a word of its own that we have overwritten since.
    pub(crate) fn as_it_said(&self, field: Field, since: Stamp) -> Self {
        let when = When::Known { since, not_before: None };
        Self { sight: Ok(Cow::Owned(field)), when, ..self.clone() }
    }

    /// The stamp since which it is so.
    #[must_use]
    pub fn since(&self) -> Stamp {
        match self.when {
            When::Unknown => Stamp::default(),
            When::Cell(cell) => cell.since(),
            When::Known { since, .. } => since,
        }
    }

    /// What was said at a token, latest first, as the record says it; nothing of what is joined or an element.
    pub(crate) fn said_at(&self, token: i64) -> impl Iterator<Item = &Field> {
        let cell = if let When::Cell(cell) = self.when { Some(cell) } else { None };
        let said = cell.into_iter().flat_map(|cell| cell.history().rev());
        said.filter(move |(stamp, _)| stamp.token == token).map(|(_, field)| field)
    }

    /// The last stamp at which it was not.
    #[must_use]
    pub fn not_before(&self) -> Option<Stamp> {
        match self.when {
            When::Unknown => None,
            When::Cell(cell) => cell.not_before(),
            When::Known { not_before, .. } => not_before,
        }
    }
}

/// Per link, what may be looked at: its representation, if there is one, or why all of it is hidden.
///
/// It is the same for every unit, so whoever looks at several units asks once.
pub(crate) type Visible<'a> = SmallVec<[Result<Option<&'a Representation>, Hidden>; 4]>;

/// Which links of an entity may be looked at. `representations` stand in the order of links.
pub(crate) fn visible<'a>(
    model: &CompiledEntity,
    entity: &Entity,
    representations: &[Option<&'a Representation>],
) -> Visible<'a> {
    let mut all = Visible::new();
    for (place, link) in entity.links.iter().enumerate() {
        all.push(match representations.get(place).copied().flatten() {
            Some(representation) if !representation.speaks() => Err(Hidden::Gone),
            Some(_) if counts_once(model, link.object) && !speaks_first(entity, representations, place) => {
                Err(Hidden::Duplicate)
            }
            known => Ok(known),
        });
    }
    all
}

/// What an entity's links show, link by link. `representations` stand in the order of links.
pub fn shown<'a>(
    ground: &Ground<'_>,
    entity: &Entity,
    representations: &[Option<&'a Representation>],
    key: &UnitKey,
) -> SmallVec<[Shown<'a>; 4]> {
    shown_by(ground, entity, &visible(ground.model, entity, representations), key)
}

/// As [`shown`], by what may be looked at.
pub(crate) fn shown_by<'a>(
    ground: &Ground<'_>,
    entity: &Entity,
    all_visible: &Visible<'a>,
    key: &UnitKey,
) -> SmallVec<[Shown<'a>; 4]> {
    let mut all: SmallVec<[Shown<'a>; 4]> = SmallVec::new();
    let Some(index) = key.index() else { return all };
    for (place, (link, visible)) in entity.links.iter().zip(all_visible).enumerate() {
        let Some((slots, authority)) = part_in(ground.model, link.object, index) else { continue };
        let first = counts_once(ground.model, link.object) || is_first(entity, all_visible, place);
        let mut shown = Shown { link: place, authority, sight: Err(Hidden::Unobserved), first, when: When::Unknown };
        match visible {
            Ok(None) => {}
            Ok(Some(representation)) => look(ground, entity, place, representation, slots, key, &mut shown),
            Err(why) => shown.sight = Err(*why),
        }
        all.push(shown);
    }
    all
}

/// As [`speaks_first`], by what may be looked at.
fn is_first(entity: &Entity, visible: &Visible<'_>, place: usize) -> bool {
    let link = &entity.links[place];
    !entity.links.iter().zip(visible).any(|(other, visible)| {
        matches!(visible, Ok(Some(_)))
            && other.object == link.object
            && other.record.connection == link.record.connection
            && (other.order, &other.record.id) < (link.order, &link.record.id)
    })
}

/// The slots by which a link's object type holds a unit, and its authority; `None` if it does not hold it.
fn part_in(model: &CompiledEntity, object: u16, unit: UnitIndex) -> Option<(&[SlotIndex], Authority)> {
    if object == HUB_OBJECT {
        let unit = model.units.get(usize::from(unit))?;
        if unit.derived.is_some() {
            return None;
        }
        let authority = if unit.owners.iter().any(|owner| owner.as_str() == hub::SYSTEM) {
            Authority::Owner
        } else if unit.owners.is_empty() {
            Authority::CoOwner
        } else {
            Authority::Observer
        };
        return Some((&unit.members, authority));
    }
    let object = model.objects.get(usize::from(object))?;
    let slots = object.unit_slots.get(usize::from(unit))?;
    if slots.is_empty() && object.writes.get(usize::from(unit))?.is_none() {
        return None;
    }
    let authority = *object.authority.get(usize::from(unit))?;
    if planted!(ObserverDecides) && authority == Authority::Observer {
        return Some((slots, Authority::Owner));
    }
    Some((slots, authority))
}

fn look<'a>(
    ground: &Ground<'_>,
    entity: &Entity,
    place: usize,
    representation: &'a Representation,
    slots: &[SlotIndex],
    key: &UnitKey,
    shown: &mut Shown<'a>,
) {
    let Some(first) = slots.first().copied() else {
        // Written but never read: what we wrote is all that can be known.
        let base = entity.links[place].bases.get(key);
        shown.sight = Ok(Cow::Owned(base.map_or(Field::Null, |base| base.seen.clone())));
        return;
    };
    if slots.iter().any(|slot| representation.is_denied(*slot)) {
        shown.sight = Err(Hidden::Denied);
        return;
    }
    if let UnitKey::Element(_, element) = key {
        if let Some(said) = representation.element(first, element) {
            shown.sight = Ok(Cow::Borrowed(said.field));
            shown.when = When::Known { since: said.since, not_before: said.not_before };
        }
        return;
    }
    if let [slot] = slots {
        let Some(cell) = representation.cell(*slot) else { return };
        shown.when = When::Cell(cell);
        shown.sight = translate(ground, entity, place, key, cell.field());
        return;
    }
    let cells: SmallVec<[_; 4]> = slots.iter().filter_map(|slot| representation.cell(*slot)).collect();
    if cells.len() < slots.len() {
        // A group with one hidden member is hidden.
        return;
    }
    shown.when = When::Known {
        since: cells.iter().map(|cell| cell.since()).max().unwrap_or_default(),
        not_before: cells.iter().filter_map(|cell| cell.not_before()).max(),
    };
    shown.sight = Ok(Cow::Owned(join(cells.iter().map(|cell| cell.field()))));
}

/// Native ids become entity ids through the crosswalk. What leads nowhere yet is hidden, and wakes when it is linked.
fn translate<'a>(
    ground: &Ground<'_>,
    entity: &Entity,
    place: usize,
    key: &UnitKey,
    field: &'a Field,
) -> Result<Cow<'a, Field>, Hidden> {
    let link = &entity.links[place];
    let Some(object) = reference_object(ground.model, link.object, key) else { return Ok(Cow::Borrowed(field)) };
    let Some(id) = field.as_value() else { return Ok(Cow::Borrowed(field)) };
    let record = RecordRef { connection: link.record.connection.clone(), object: object.clone(), id: id.into() };
    match (ground.crosswalk)(&record) {
        Some(target) => Ok(Cow::Owned(Field::Value(target.to_string().into()))),
        None => Err(Hidden::Unresolved),
    }
}

/// The object type whose native ids a unit holds in a link's system, if the unit is a reference.
#[must_use]
pub fn reference_object<'m>(model: &'m CompiledEntity, object: u16, key: &UnitKey) -> Option<&'m ObjectType> {
    model.objects.get(usize::from(object))?.references.get(usize::from(key.index()?))?.as_ref()
}

fn counts_once(model: &CompiledEntity, object: u16) -> bool {
    model.objects.get(usize::from(object)).is_none_or(|object| matches!(object.declared.cardinality, Cardinality::One))
}

/// Whether a link is the oldest confirmed of those that speak in its connection and object type.
#[must_use]
pub fn speaks_first(entity: &Entity, representations: &[Option<&Representation>], place: usize) -> bool {
    let link = &entity.links[place];
    !entity.links.iter().enumerate().any(|(other_place, other)| {
        other_place != place
            && other.object == link.object
            && other.record.connection == link.record.connection
            && (other.order, &other.record.id) < (link.order, &link.record.id)
            && representations.get(other_place).copied().flatten().is_some_and(Representation::speaks)
    })
}

/// Pairs what is shown with bases: the input of classification.
pub fn sides<'a>(
    model: &CompiledEntity,
    entity: &'a Entity,
    unit: &Unit,
    shown: &'a [Shown<'_>],
    key: &UnitKey,
    golden: Option<&Field>,
) -> SmallVec<[Side<'a>; 4]> {
    let mut sides = SmallVec::new();
    // Whatever an owner says is its own word, and golden follows it to the letter.
    let spelled = |link: &Link, authority: Authority, field: &Field| {
        unit.rounds
            && authority != Authority::Owner
            && golden.is_some_and(|golden| is_form(model, link.object, unit, key, field, golden))
    };
    for shown in shown {
        let link = &entity.links[shown.link];
        sides.push(Side {
            sight: match &shown.sight {
                Ok(_) if unit.summed && shown.authority == Authority::Owner => Sight::Hidden(Hidden::Summand),
                Ok(field) => Sight::Seen(field),
                Err(_) if planted!(HiddenTakenForMissing) => Sight::Seen(&Field::Null),
                Err(why) => Sight::Hidden(*why),
            },
            base: link.bases.get(key).or_else(|| absent_element(key, shown)),
            authority: shown.authority,
            diverges: link.divergences.contains_key(key),
            spelled: shown.field().is_some_and(|field| spelled(link, shown.authority, field)),
        });
    }
    sides
}

/// A collection that was seen without an element accepted its absence: adding the element is a change like any other.
fn absent_element(key: &UnitKey, shown: &Shown<'_>) -> Option<&'static Base> {
    static ABSENT: Base = Base { seen: Field::Null, agreed: Field::Null, lost: false, marks: Marked::NOT };
    let absent = || shown.field().is_some_and(|field| !field.is_value());
    (matches!(key, UnitKey::Element(..)) && absent()).then_some(&ABSENT)
}

/// The keys of a unit: itself, or its elements that anyone holds or golden has.
#[must_use]
pub fn keys(
    model: &CompiledEntity,
    entity: &Entity,
    representations: &[Option<&Representation>],
    unit: UnitIndex,
) -> SmallVec<[UnitKey; 1]> {
    let Some(declared) = model.units.get(usize::from(unit)) else { return SmallVec::new() };
    if !matches!(declared.shape, UnitShape::Set | UnitShape::Keyed) {
        return smallvec![UnitKey::Whole(unit)];
    }
    let mut elements: BTreeSet<&Text> = entity.golden.element_keys(unit).collect();
    for (link, representation) in entity.links.iter().zip(representations) {
        let Some(representation) = representation else { continue };
        let Some((slots, _)) = part_in(model, link.object, unit) else { continue };
        for slot in slots {
            elements.extend(representation.element_keys(*slot));
        }
    }
    elements.into_iter().map(|element| UnitKey::Element(unit, element.clone())).collect()
}
