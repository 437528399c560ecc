//! Plans: every write before it happens, inert until approved and applied.
//!
//! Planning is level-triggered: the same function plans after every reply, timeout, restart and decision, and a quiet
//! world plans nothing.

mod text;

use serde::{Deserialize, Serialize};

use crate::classify::{Classification, LinkState, Standing, classify};
use crate::entity::{Entity, HUB_OBJECT, REACTIONS_TO_FREEZE};
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::{GoldenLife, Status};
use crate::id::{ConnectionName, EntityId, EntityType, ObjectType, RecordRef, SystemName, TenantId};
use crate::model::{CompiledEntity, CompiledObject, EXISTS, OnDelete, Unit, UnitIndex, UnitKey};
use crate::ownership::{Authority, Strength};
use crate::representation::{Life, Representation};
use crate::settle::existence::{has_value, is_expected};
use crate::sight::{Ground, Shown, keys, reference_object, shown, sides};
use crate::text::Text;
use crate::value::Field;
use crate::write_access::{WriteAccess, write_access};

/// The hash that names a plan: approvals and applications refer to it, from whatever process.
pub type PlanHash = Digest;

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// Mends what differs where a common ancestor is known. Refuses units without base.
    #[default]
    Regular,
    /// First contact: fills what a system never had. Overwrites no value, except an observer's of an owned unit.
    Bootstrap,
}

/// What a plan covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Scope {
    /// The entities; `None`: all.
    pub entities: Option<Vec<EntityId>>,
    /// The connections or systems written to; `None`: all.
    pub toward: Option<Vec<Text>>,
    /// The units, by name; `None`: all.
    pub units: Option<Vec<Text>>,
}

/// A hash-identified, ordered set of intended writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub hash: PlanHash,
    /// What it is for.
    pub kind: PlanKind,
    /// What it covers.
    pub scope: Scope,
    /// The writes, in the order in which they run.
    pub operations: Vec<Operation>,
    /// What a limit, a missing link or a missing right keeps out, and why.
    pub parked: Vec<Parked>,
}

/// One intended write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The identity of target, unit, expectation and intent: what an approval names. The same intent planned again has
    /// the same key and stays approved.
    pub key: Digest,
    /// The entity.
    pub entity: EntityId,
    /// Its type.
    pub entity_type: EntityType,
    /// The record to write, or where to create one.
    pub target: Target,
    /// The unit, by name; `$exists` for creates and archives.
    pub unit: Text,
    /// What to do.
    pub intent: Intent,
    /// What the unit must still hold there.
    pub expect: Field,
    /// A hash of the golden value and of ownership and policy: if it differs when applied, the plan is superseded.
    pub basis: Digest,
    /// Why, in words.
    pub reason: Text,
}

/// Where an operation writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An existing record.
    Record(RecordRef),
    /// A record to be created.
    New {
        /// The connection.
        connection: ConnectionName,
        /// The native type.
        object: ObjectType,
        /// Which create this is: raised when a created record is gone for good.
        generation: u32,
    },
}

impl Target {
    /// The connection written to.
    #[must_use]
    pub const fn connection(&self) -> &ConnectionName {
        match self {
            Target::Record(record) => &record.connection,
            Target::New { connection, .. } => connection,
        }
    }

    /// The native type written to.
    #[must_use]
    pub const fn object(&self) -> &ObjectType {
        match self {
            Target::Record(record) => &record.object,
            Target::New { object, .. } => object,
        }
    }
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Sets the unit to the golden value.
    Set(Field),
    /// Creates a record with these units.
    Create(Vec<(Text, Field)>),
    /// Archives the record.
    Archive,
}

/// An operation that is kept out of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// What would be done.
    pub operation: Operation,
    /// Why it is not.
    pub why: Text,
}

/// The limits that a plan keeps before any write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Deletes per connection and object type.
    pub deletes: u32,
    /// Deletes in percent of the active links there, from three deletes on.
    pub delete_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deletes: 25, delete_percent: 5 }
    }
}

/// What planning must be told besides the ground rules.
pub struct Surroundings<'a> {
    /// The record of an entity in a connection's object type.
    pub native: &'a dyn Fn(EntityId, &ConnectionName, &ObjectType) -> Option<RecordRef>,
    /// The connection in which records of a system are created.
    pub creates_in: &'a dyn Fn(&SystemName) -> Option<ConnectionName>,
    /// Whether a create for the entity is under way there.
    pub creating: &'a dyn Fn(EntityId, &ObjectType) -> bool,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Surroundings")
    }
}

/// Collects the operations of one entity into `plan`.
pub fn plan_entity(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    plan: &mut PlanDraft,
) {
    for (index, unit) in ground.model.units.iter().enumerate() {
        let Ok(index) = UnitIndex::try_from(index) else { break };
        for key in keys(ground.model, entity, representations, index) {
            plan_unit(ground, surroundings, entity, representations, unit, &key, plan);
        }
    }
    plan_presence(ground, surroundings, entity, representations, plan);
}

/// A plan being put together.
#[derive(Debug, Clone, Default)]
pub struct PlanDraft {
    kind: PlanKind,
    scope: Scope,
    operations: Vec<Operation>,
    parked: Vec<Parked>,
}

impl PlanDraft {
    /// Starts a plan.
    #[must_use]
    pub fn new(kind: PlanKind, scope: Scope) -> Self {
        Self { kind, scope, ..Self::default() }
    }

    /// What has been planned so far.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The connections and object types in which records would be archived.
    #[must_use]
    pub fn archive_places(&self) -> std::collections::BTreeSet<(ConnectionName, ObjectType)> {
        let archives = self.operations.iter().filter(|operation| operation.intent == Intent::Archive);
        archives.map(|operation| (operation.target.connection().clone(), operation.target.object().clone())).collect()
    }

    /// Orders the operations, holds deletes to the limits, and names the plan. `active(connection, object)` counts the
    /// active links there and the deletes since the last approval.
    #[must_use]
    pub fn finish(
        mut self,
        tenant: &TenantId,
        limits: Limits,
        active: &dyn Fn(&ConnectionName, &ObjectType) -> (usize, usize),
    ) -> Plan {
        self.hold_deletes(limits, active);
        // Creates first, so that references to what they create can follow; archives last. Within each, a total order.
        let rank = |operation: &Operation| match operation.intent {
            Intent::Create(_) => 0,
            Intent::Set(_) => 1,
            Intent::Archive => 2,
        };
        self.operations
            .sort_by(|a, b| (rank(a), &a.target, a.entity, &a.unit).cmp(&(rank(b), &b.target, b.entity, &b.unit)));
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(tenant.as_str()).number(self.kind as i64);
        for operation in &self.operations {
            fingerprint.bytes(&operation.key.0).bytes(&operation.basis.0);
        }
        Plan {
            hash: fingerprint.finish(),
            kind: self.kind,
            scope: self.scope,
            operations: self.operations,
            parked: self.parked,
        }
    }

    /// Parks the whole delete part of an object type whose deletes exceed a limit; the rest goes on.
    fn hold_deletes(&mut self, limits: Limits, active: &dyn Fn(&ConnectionName, &ObjectType) -> (usize, usize)) {
        for (connection, object) in self.archive_places() {
            let here = |operation: &Operation| {
                operation.intent == Intent::Archive
                    && *operation.target.connection() == connection
                    && *operation.target.object() == object
            };
            let planned = self.operations.iter().filter(|operation| here(operation)).count();
            let (links, before) = active(&connection, &object);
            let deletes = planned + before;
            let count = deletes > limits.deletes as usize;
            let share = deletes >= 3 && deletes * 100 > links * limits.delete_percent as usize;
            if !(count || share) {
                continue;
            }
            let why: Text = format!(
                "{deletes} deletes of {links} records exceed the limit of {} or {} %",
                limits.deletes, limits.delete_percent
            )
            .into();
            let (parked, kept) = std::mem::take(&mut self.operations).into_iter().partition(|o| here(o));
            self.operations = kept;
            let parked: Vec<Operation> = parked;
            self.parked.extend(parked.into_iter().map(|operation| Parked { operation, why: why.clone() }));
        }
    }

    fn covers(&self, connection: &ConnectionName, system: &SystemName, unit: &Text) -> bool {
        let toward = self.scope.toward.as_ref().is_none_or(|toward| {
            toward.iter().any(|name| **name == *connection.as_str() || **name == *system.as_str())
        });
        toward && self.scope.units.as_ref().is_none_or(|units| units.contains(unit))
    }
}

fn plan_unit(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    unit: &Unit,
    key: &UnitKey,
    plan: &mut PlanDraft,
) {
    let Some(golden) = entity.golden.get(key) else { return };
    let oscillates =
        entity.links.iter().any(|link| link.reactions.get(key).is_some_and(|count| *count >= REACTIONS_TO_FREEZE));
    if golden.status != Status::Settled || oscillates || entity.life == GoldenLife::Retired {
        return;
    }
    let shown = shown(ground, entity, representations, key);
    let standing = Standing {
        golden: Some(&golden.field),
        frozen: false,
        owned: !unit.owners.is_empty() || unit.derived.is_some(),
    };
    let classification =
        classify(&sides(entity, &shown, key), standing, &|value, reference| unit.same(value, reference));
    let name = ground.model.unit_name(key);
    // While an owner is asked to follow a decision, golden is about to move: nobody else is written what it holds still.
    let asked = entity.decisions.get(key).filter(|_| !unit.owners.is_empty()).is_some_and(|decision| {
        shown.iter().any(|shown| {
            write_access(ground.model, entity, shown.link, key) == WriteAccess::ByDecision
                && shown.field().is_some_and(|field| !unit.same(field, &decision.chosen))
        })
    });
    for (place, shown) in shown.iter().enumerate() {
        let Some(field) = shown.field() else { continue };
        let access = write_access(ground.model, entity, shown.link, key);
        // An owner is written only what a person decided; everyone else what golden holds.
        let wanted = match access {
            WriteAccess::ByDecision => entity.decisions.get(key).map_or(&golden.field, |decision| &decision.chosen),
            WriteAccess::Yes(_) | WriteAccess::No => &golden.field,
        };
        if unit.same(field, wanted) || (asked && access != WriteAccess::ByDecision) {
            continue;
        }
        let Some(reason) = why_write(entity, unit, key, shown, &classification, place, access, plan.kind) else {
            continue;
        };
        let link = &entity.links[shown.link];
        let Some(object) = ground.model.objects.get(usize::from(link.object)) else { continue };
        if !plan.covers(&link.record.connection, &object.declared.system, &name) {
            continue;
        }
        let target = Target::Record((*link.record).clone());
        let operation = operation(
            ground,
            entity,
            target,
            name.clone(),
            Intent::Set(wanted.clone()),
            field.clone(),
            basis(wanted, unit),
            reason,
        );
        match unresolved(ground, surroundings, link.object, &link.record.connection, key, wanted) {
            None => plan.operations.push(operation),
            Some(target) => {
                let why = format!("waits until entity {target} has a record there").into();
                plan.parked.push(Parked { operation, why });
            }
        }
    }
}

/// Why a link is written, or `None` if it is not.
#[expect(clippy::too_many_arguments, reason = "one decision over all that is known of one link's unit")]
pub(crate) fn why_write(
    entity: &Entity,
    unit: &Unit,
    key: &UnitKey,
    shown: &Shown<'_>,
    classification: &Classification,
    place: usize,
    access: WriteAccess,
    kind: PlanKind,
) -> Option<&'static str> {
    let strength = match access {
        WriteAccess::No => return None,
        WriteAccess::ByDecision => return Some("a person decided it; the owner is asked to follow"),
        WriteAccess::Yes(strength) => strength,
    };
    let golden = &entity.golden.get(key)?.field;
    let had_value = shown.field().is_some_and(Field::is_value);
    match classification.states[place] {
        LinkState::Hidden(_) => None,
        LinkState::Same => {
            let adopted = classification.adopts.iter().find(|(adopting, _)| *adopting == place).map(|(_, a)| a);
            let base = entity.links[shown.link].bases.get(key);
            let agreed = adopted.or(base.map(|base| &base.agreed));
            let owed = match (adopted, base) {
                (None, Some(base)) => base.is_behind(golden, |agreed, golden| unit.same(agreed, golden)),
                _ => agreed.is_none_or(|agreed| !unit.same(agreed, golden)),
            };
            // Weak fills what never had a value, not what was cleared.
            let never_had = !had_value && agreed.is_none_or(|agreed| !agreed.is_value()) && golden.is_value();
            match strength {
                Strength::Weak => (owed && never_had).then_some("fills a value that was never there"),
                Strength::Normal | Strength::Strong => owed.then_some("propagates the golden value"),
            }
        }
        LinkState::Moved => {
            let enforce = shown.authority == Authority::Observer && strength == Strength::Strong;
            enforce.then_some("enforces the golden value against an observer's change")
        }
        LinkState::NoBase if kind == PlanKind::Bootstrap => {
            if !had_value && golden.is_value() {
                Some("fills a value at first contact")
            } else if had_value && shown.authority == Authority::Observer && strength > Strength::Weak {
                Some("the owner's value replaces an observer's at first contact")
            } else {
                None
            }
        }
        LinkState::NoBase => None,
    }
}

/// Whether records of an object type are archived when the entity is retired.
pub(crate) fn may_archive(model: &CompiledEntity, object: &CompiledObject) -> bool {
    model.on_delete == OnDelete::Archive && object.existence != Authority::Owner
}

/// Why a record of a retired entity is archived.
pub(crate) const WHY_ARCHIVE: &str = "the entity was retired by the system that owns existence";

fn plan_presence(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    representations: &[Option<&Representation>],
    plan: &mut PlanDraft,
) {
    let unit = Text::new(EXISTS);
    if entity.life == GoldenLife::Retired {
        for (place, link) in entity.links.iter().enumerate() {
            let Some(object) = ground.model.objects.get(usize::from(link.object)) else { continue };
            let speaks = representations.get(place).copied().flatten().is_some_and(Representation::speaks);
            if link.object == HUB_OBJECT
                || !speaks
                || !may_archive(ground.model, object)
                || !plan.covers(&link.record.connection, &object.declared.system, &unit)
            {
                continue;
            }
            plan.operations.push(operation(
                ground,
                entity,
                Target::Record((*link.record).clone()),
                unit.clone(),
                Intent::Archive,
                Field::value("live"),
                Digest::of(b"retired"),
                WHY_ARCHIVE,
            ));
        }
        return;
    }
    // Nothing is created for an entity whose records were all merged into another's, or are gone.
    let stands = entity.links.iter().enumerate().any(|(place, link)| {
        let representation = representations.get(place).copied().flatten();
        link.object != HUB_OBJECT
            && representation.is_none_or(|known| {
                known.redirected_to().is_none() && !matches!(known.existence().life(), Life::Dead(_))
            })
    });
    if !stands {
        return;
    }
    for (index, object) in ground.model.objects.iter().enumerate() {
        let ever = entity.links.iter().any(|link| usize::from(link.object) == index);
        let needs = object.declared.create_needs.iter().all(|needed| has_value(ground, entity, needed.as_str()));
        if ever || !needs || !is_expected(ground, entity, object) {
            continue;
        }
        let Some(connection) = (surroundings.creates_in)(&object.declared.system) else { continue };
        if !plan.covers(&connection, &object.declared.system, &unit)
            || (surroundings.creating)(entity.id, &object.declared.object)
        {
            continue;
        }
        let target = Target::New {
            connection: connection.clone(),
            object: object.declared.object.clone(),
            generation: entity.generation,
        };
        let fields = creatable(ground, surroundings, entity, index, object, &connection);
        plan.operations.push(operation(
            ground,
            entity,
            target,
            unit.clone(),
            Intent::Create(fields),
            Field::Null,
            Digest::of(b"live"),
            "a record is expected here, and none ever existed",
        ));
    }
}

/// The settled golden values that a new record can carry. A reference that leads nowhere yet is left out, and follows
/// as a change of its own: that is how circles of references come to be written.
fn creatable(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    entity: &Entity,
    index: usize,
    object: &CompiledObject,
    connection: &ConnectionName,
) -> Vec<(Text, Field)> {
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    entity
        .golden
        .iter()
        .filter(|(key, cell)| {
            cell.status == Status::Settled
                && cell.field.is_value()
                && key.index().is_some_and(|unit| object.writes.get(usize::from(unit)).is_some_and(Option::is_some))
                && unresolved(ground, surroundings, index, connection, key, &cell.field).is_none()
        })
        .map(|(key, cell)| (ground.model.unit_name(&key), cell.field.clone()))
        .collect()
}

/// The entity that a reference names, if it has no record in the connection yet.
fn unresolved(
    ground: &Ground<'_>,
    surroundings: &Surroundings<'_>,
    object: u16,
    connection: &ConnectionName,
    key: &UnitKey,
    golden: &Field,
) -> Option<EntityId> {
    let native_type = reference_object(ground.model, object, key)?;
    let target: EntityId = golden.as_value()?.parse().ok()?;
    (surroundings.native)(target, connection, native_type).is_none().then_some(target)
}

/// The hash of a golden value and of what it was resolved under.
#[must_use]
pub fn basis(golden: &Field, unit: &Unit) -> Digest {
    let mut fingerprint = Fingerprint::new();
    fingerprint.number(i64::from(golden.is_value())).text(golden.as_value().unwrap_or("")).bytes(&unit.fingerprint.0);
    fingerprint.finish()
}

#[expect(clippy::too_many_arguments, reason = "an operation is made of just these parts")]
fn operation(
    ground: &Ground<'_>,
    entity: &Entity,
    target: Target,
    unit: Text,
    intent: Intent,
    expect: Field,
    basis: Digest,
    reason: &str,
) -> Operation {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text(ground.tenant.as_str()).bytes(&entity.id.as_u128().to_be_bytes());
    match &target {
        Target::Record(record) => fingerprint.text("record").text(&record.to_string()),
        Target::New { connection, object, generation } => {
            fingerprint.text("new").text(connection.as_str()).text(object.as_str()).number(i64::from(*generation))
        }
    };
    fingerprint.text(&unit);
    let mut field = |field: &Field| {
        fingerprint.number(i64::from(field.is_value())).text(field.as_value().unwrap_or(""));
    };
    field(&expect);
    match &intent {
        Intent::Set(value) => field(value),
        // A create is the same create whatever golden says by the time it runs: one per entity, place and generation.
        Intent::Create(_) => {}
        Intent::Archive => {
            fingerprint.text("archive");
        }
    }
    Operation {
        key: fingerprint.finish(),
        entity: entity.id,
        entity_type: ground.model.name.clone(),
        target,
        unit,
        intent,
        expect,
        basis,
        reason: reason.into(),
    }
}
