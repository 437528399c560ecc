//! Plans: every write before it happens, inert until approved and applied.
//!
//! Planning is level-triggered: the same function plans after every reply, timeout, restart and decision, and a quiet
//! world plans nothing.

mod diff;
mod draft;
mod limits;
mod presence;
mod standing;
mod text;

use serde::{Deserialize, Serialize};

use crate::classify::{Classification, LinkState, Standing, classify};
use crate::entity::Entity;
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::{GoldenLife, Status};
use crate::id::{ConnectionName, EntityId, EntityType, ObjectType, RecordRef, SystemName, TenantId};
use crate::model::{CompiledEntity, Unit, UnitIndex, UnitKey};
use crate::ownership::{Authority, Strength};
use crate::representation::Representation;
use crate::sight::{Ground, Shown, keys, reference_object, shown, sides};
use crate::spelling;
use crate::text::Text;
use crate::value::Field;
use crate::write_access::{Asked, WriteAccess, asked, write_access};

pub use diff::PlanDiff;
pub use draft::PlanDraft;
pub use limits::{Counted, CountedPlace, Deletes, Limits, WritePlace};
use presence::plan_presence;
pub(crate) use presence::why_archive;
pub use standing::{GivenStanding, StandingApproval, StandingId};

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
    /// The entity types; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<EntityType>>,
}

impl Scope {
    /// Adds what the plan covers to its name: what is approved within a scope is planned again within it.
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fn list<T>(fingerprint: &mut Fingerprint, list: Option<&[T]>, text: impl Fn(&T) -> String) {
            fingerprint.number(list.map_or(-1, |list| i64::try_from(list.len()).unwrap_or(i64::MAX)));
            for item in list.unwrap_or_default() {
                fingerprint.text(&text(item));
            }
        }
        list(fingerprint, self.entities.as_deref(), ToString::to_string);
        list(fingerprint, self.toward.as_deref(), ToString::to_string);
        list(fingerprint, self.units.as_deref(), ToString::to_string);
        if self.types.is_some() {
            list(fingerprint, self.types.as_deref(), ToString::to_string);
        }
    }
}

/// A hash-identified, ordered set of intended writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Plan {
    /// The plan that plans nothing: of one kind, always the same.
    #[must_use]
    pub fn empty(tenant: &TenantId, kind: PlanKind) -> Self {
        PlanDraft::new(kind, Scope::default()).finish(tenant)
    }

    /// Whether it plans nothing, and keeps nothing out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.parked.is_empty()
    }
}

/// One intended write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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
    /// A hash of what is written and of ownership and policy: of a create every value that it sends, of an archive what
    /// decided it. If it differs when applied, the operation is superseded.
    pub basis: Digest,
    /// Why, in words.
    pub reason: Text,
}

/// Where an operation writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Parked {
    /// What would be done.
    pub operation: Operation,
    /// Why it is not.
    pub why: Text,
    /// Whether a limit keeps it out: then a person may confirm it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
}

impl Parked {
    /// An operation that something other than a limit keeps out.
    #[must_use]
    pub const fn new(operation: Operation, why: Text) -> Self {
        Self { operation, why, limited: false }
    }

    /// An operation that a limit keeps out.
    #[must_use]
    pub const fn limited(operation: Operation, why: Text) -> Self {
        Self { operation, why, limited: true }
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
    /// Whether an object type could be read to its end, and never was: what is not known there may be there unseen.
    pub unread: &'a dyn Fn(&ConnectionName, &ObjectType) -> bool,
    /// Why an entity may be another one, in words, and what is to be done about it: what it lacks may be the other's.
    pub shared: &'a dyn Fn(EntityId) -> Option<&'static str>,
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
    if !plan.covers_type(&ground.model.name) {
        return;
    }
    for (index, unit) in ground.model.units.iter().enumerate() {
        let Ok(index) = UnitIndex::try_from(index) else { break };
        for key in keys(ground.model, entity, representations, index) {
            plan_unit(ground, surroundings, entity, representations, unit, &key, plan);
        }
    }
    plan_presence(ground, surroundings, entity, representations, plan);
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
    // A held or parked unit is written nowhere; but an owner may be asked to follow a decision, whatever stands.
    let golden = entity.golden.get(key).filter(|cell| cell.status == Status::Settled).map(|cell| &cell.field);
    let decision = entity.decisions.get(key).filter(|_| !unit.owners.is_empty());
    let oscillates = entity.oscillates(key);
    if (golden.is_none() && decision.is_none()) || oscillates || entity.life == GoldenLife::Retired {
        return;
    }
    if entity.decisions.get(key).is_some_and(|decision| decision.lifetime.is_over(ground.as_of)) {
        // Its date has come: the unit is settled first, and golden may be another then.
        return;
    }
    let shown = shown(ground, entity, representations, key);
    let standing = Standing { golden, frozen: false, owned: !unit.owners.is_empty() || unit.derived.is_some() };
    let classification = classify(&sides(ground.model, entity, unit, &shown, key, golden), standing, unit);
    let name = ground.model.unit_name(key);
    // While an owner is asked to follow a decision, golden is about to move: nobody else is written what it holds still.
    let asks = |shown: &Shown<'_>| asked(ground.model, entity, unit, key, shown) == Asked::Owed;
    let asked = shown.iter().any(asks);
    for (place, shown) in shown.iter().enumerate() {
        let Some(field) = shown.field() else { continue };
        let access = write_access(ground.model, entity, shown, key);
        // An owner is written only what a person decided; everyone else what golden holds.
        let wanted = match access {
            WriteAccess::ByDecision => decision.map(|decision| &decision.chosen).filter(|_| asks(shown)),
            WriteAccess::Yes(_) | WriteAccess::No => golden.filter(|_| !asked),
        };
        let Some(wanted) = wanted
            .filter(|wanted| !spelling::holds(ground.model, entity.links[shown.link].object, unit, key, field, wanted))
        else {
            continue;
        };
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
        let waits = unresolved(ground, surroundings, link.object, &link.record.connection, key, wanted)
            .map(|target| Text::from(format!("waits until entity {target} has a record there")));
        let held = representations.get(shown.link).copied().flatten();
        match waits.or_else(|| unspellable(ground.model, link.object, key, wanted, field, held)) {
            None => plan.operations.push(operation),
            Some(why) => plan.parked.push(Parked::new(operation, why)),
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
    if entity.links[shown.link].divergences.contains_key(key) {
        return None;
    }
    let golden = &entity.golden.get(key)?.field;
    let had_value = shown.field().is_some_and(Field::is_value);
    match classification.states[place] {
        LinkState::Hidden(_) => None,
        LinkState::Same => {
            let adopted = classification.adopts.iter().find(|(adopting, _)| *adopting == place).map(|(_, a)| a);
            let base = entity.links[shown.link].bases.get(key);
            let agreed = adopted.or(base.map(|base| &base.agreed));
            let owed = match (adopted, base) {
                (None, Some(_)) if planted!(RewriteFought) => true,
                (None, Some(base)) => base.is_behind(golden, |agreed, golden| unit.same(agreed, golden)),
                _ => agreed.is_none_or(|agreed| !unit.same(agreed, golden)),
            };
            // Weak fills what never had a value, not what was cleared.
            let never_had = !had_value && agreed.is_none_or(|agreed| !agreed.is_value()) && golden.is_value();
            match strength {
                Strength::Weak if planted!(WeakRefills) => owed.then_some("propagates the golden value"),
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
        LinkState::NoBase if planted!(FirstContactOverwrites) => Some("propagates the golden value"),
        LinkState::NoBase => None,
    }
}

/// Why a write cannot be spelled in the system, if it cannot: then it is kept out, and the record's other units go on.
fn unspellable(
    model: &CompiledEntity,
    object: u16,
    key: &UnitKey,
    wanted: &Field,
    before: &Field,
    held: Option<&Representation>,
) -> Option<Text> {
    if let Err(malformed) = spelling::can_spell(model, object, key, wanted) {
        return Some(format!("it cannot be spelled there: {malformed}").into());
    }
    let before = match key {
        UnitKey::Whole(unit) => spelling::expected(model, object, *unit, before, held).map(|_| ()),
        UnitKey::Element(unit, element) => {
            spelling::expected_collection(model, object, *unit, held, std::iter::once(element)).map(|_| ())
        }
        UnitKey::Exists => Ok(()),
    };
    // Without an expectation the write would be unconditional, and lose what somebody else enters meanwhile.
    before.err().map(|malformed| format!("what is held there cannot be expected: {malformed}").into())
}

/// What of an approved operation is still planned today, and on the same basis. A create is sent with the values that
/// were approved: what golden has come to hold beside them follows as a change of its own.
#[must_use]
pub fn still_planned(model: &CompiledEntity, approved: &Operation, today: &[Operation]) -> Option<Operation> {
    let Intent::Create(fields) = &approved.intent else {
        return today.iter().find(|today| today.key == approved.key && today.basis == approved.basis).cloned();
    };
    let holds = |today: &&Operation| match &today.intent {
        Intent::Create(now) => today.target == approved.target && fields.iter().all(|field| now.contains(field)),
        Intent::Set(_) | Intent::Archive => false,
    };
    today.iter().find(holds)?;
    (presence::create_basis(model, fields) == approved.basis).then(|| approved.clone())
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
    let field = |fingerprint: &mut Fingerprint, field: &Field| {
        fingerprint.number(i64::from(field.is_value())).text(field.as_value().unwrap_or(""));
    };
    field(&mut fingerprint, &expect);
    match &intent {
        Intent::Set(value) => field(&mut fingerprint, value),
        // That there is one create per entity, place and generation is the outbox's to see to. An approval names the values.
        Intent::Create(fields) => {
            for (name, value) in fields {
                fingerprint.text(name);
                field(&mut fingerprint, value);
            }
        }
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
