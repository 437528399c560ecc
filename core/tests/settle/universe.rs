//! A universe of one entity: systems with contents, what was observed of them, and settling under the ground rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use accordant::base::Base;
use accordant::classify::{Classification, Standing, classify};
use accordant::decision::Lifetime;
use accordant::discrepancy::{Discrepancy, DiscrepancyKind, DiscrepancyState};
use accordant::entity::{Entity, Evidence};
use accordant::fact::Fact;
use accordant::golden::{GoldenCell, Status};
use accordant::id::{Actor, EntityId, RecordRef, TenantId};
use accordant::model::{EntityModel, Model, Shape, SystemObject, UnitIndex, UnitKey};
use accordant::observation::{Coverage, DeathEvidence, Observation, Said, Sighting};
use accordant::plan::{PlanDraft, PlanKind, Scope, Surroundings, plan_entity};
use accordant::representation::Representation;
use accordant::rule::{AnyRule, Rule, erase};
use accordant::settle::{Choice, RuleSet, Ruling, Touched, rule_on, settle};
use accordant::sight::{Ground, shown, sides};
use accordant::stamp::{Domain, Stamp, TimeKind, TimeScale};
use accordant::value::{Field, Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};
use accordant::write_access::{WriteAccess, write_access};

/// A text as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Word(pub(crate) String);

impl Value for Word {
    const KIND: Kind = Kind { name: "word", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        leaf.as_text().map(|text| Self(text.to_owned())).ok_or(Malformed::new("not a word"))
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.to_owned()))
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.as_str().into())
    }
}

impl OneLeaf for Word {}

/// An entity type over the named systems, each with one object type of the same name.
pub(crate) fn customer(systems: &[&str]) -> EntityModel {
    let mut model = EntityModel::new("customer");
    for system in systems {
        model.object(SystemObject::new(system, "records"));
    }
    model
}

/// What a system holds: per attribute and element.
type Content = BTreeMap<(String, Option<String>), Field>;

#[derive(Clone)]
pub(crate) struct Universe {
    pub(crate) model: Arc<Model>,
    pub(crate) entity: Entity,
    pub(crate) representations: BTreeMap<RecordRef, Representation>,
    pub(crate) rules: RuleSet,
    pub(crate) clock: i64,
    /// What the stamps of all systems are the time of.
    pub(crate) times: TimeKind,
    /// Everything that a record was ever seen to hold of a unit.
    pub(crate) held: BTreeMap<(RecordRef, UnitKey), BTreeSet<Field>>,
    contents: BTreeMap<RecordRef, Content>,
    denied: BTreeSet<(RecordRef, String)>,
    tenant: TenantId,
}

pub(crate) fn record(system: &str) -> RecordRef {
    let (system, id) = system.split_once('/').unwrap_or((system, "1"));
    RecordRef::new(system, "records", id)
}

pub(crate) fn text(text: &str) -> Field {
    if text.is_empty() { Field::Null } else { Field::value(text) }
}

impl Universe {
    pub(crate) fn new(model: EntityModel) -> Self {
        Self {
            model: Arc::new(Model::compile(vec![model]).expect("the model compiles")),
            entity: Entity::new(EntityId::from_parts(1, [7; 10]), 0),
            representations: BTreeMap::new(),
            rules: RuleSet::new(),
            clock: 0,
            times: TimeKind::FieldModified,
            held: BTreeMap::new(),
            contents: BTreeMap::new(),
            denied: BTreeSet::new(),
            tenant: TenantId::new("acme"),
        }
    }

    /// Guards an attribute.
    pub(crate) fn guard<R: Rule<Word>>(mut self, attribute: &str, rule: R) -> Self {
        let erased: Arc<dyn AnyRule> = erase::<Word, R>(rule);
        self.rules.entry(self.unit(attribute)).or_default().push(accordant::rule::Guard { member: None, rule: erased });
        self
    }

    pub(crate) fn unit(&self, attribute: &str) -> UnitIndex {
        self.model.entity(0).unit_index(attribute).expect("the attribute exists")
    }

    pub(crate) fn key(&self, name: &str) -> UnitKey {
        self.model.entity(0).unit_key(name).expect("the unit exists")
    }

    fn object(&self, record: &RecordRef) -> u16 {
        let system = record.connection.as_str().into();
        self.model.object(&system, &record.object).expect("the system is declared").1
    }

    /// Links a record, `crm` or `crm/2`, in the order of calls.
    pub(crate) fn link(&mut self, system: &str) {
        let order = self.entity.links.len() as u64;
        self.link_at(system, order);
    }

    pub(crate) fn link_at(&mut self, system: &str, order: u64) {
        let record = record(system);
        let object = self.object(&record);
        let fact = Fact::Linked { record: Arc::new(record), object, order, evidence: Evidence::FirstSight };
        fact.apply(&mut self.entity);
    }

    /// A person or program sets an attribute, or an element `tags[x]`; `""` clears it. The whole record is then read.
    pub(crate) fn set(&mut self, system: &str, name: &str, value: &str) -> Vec<UnitIndex> {
        self.put(&record(system), name, &text(value));
        self.read(system)
    }

    fn put(&mut self, record: &RecordRef, name: &str, field: &Field) {
        let (attribute, element) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((attribute, element)) => (attribute.to_owned(), Some(element.to_owned())),
            None => (name.to_owned(), None),
        };
        let content = self.contents.entry(record.clone()).or_default();
        match field {
            Field::Null => content.remove(&(attribute, element)),
            field => content.insert((attribute, element), field.clone()),
        };
    }

    /// What a system holds now.
    pub(crate) fn holds(&self, system: &str, name: &str, element: Option<&str>) -> bool {
        let key = (name.to_owned(), element.map(ToOwned::to_owned));
        self.contents.get(&record(system)).is_some_and(|content| content.contains_key(&key))
    }

    /// Whether the link may read the attribute.
    pub(crate) fn deny(&mut self, system: &str, attribute: &str, denied: bool) -> Vec<UnitIndex> {
        let key = (record(system), attribute.to_owned());
        if denied {
            self.denied.insert(key)
        } else {
            self.denied.remove(&key)
        };
        self.read(system)
    }

    /// Reads a record in full. Answers with the units touched.
    pub(crate) fn read(&mut self, system: &str) -> Vec<UnitIndex> {
        let record = record(system);
        let object = usize::from(self.object(&record));
        let model = Arc::clone(&self.model);
        let (object, entity) = (&model.entity(0).objects[object], model.entity(0));
        let content = self.contents.entry(record.clone()).or_default();
        let mut cells = Vec::new();
        let mut denied = Vec::new();
        for (slot, declared) in (0_u16..).zip(&object.slots) {
            let attribute = &entity.attributes[usize::from(declared.attribute)];
            if self.denied.contains(&(record.clone(), attribute.id.as_str().to_owned())) {
                denied.push(slot);
                continue;
            }
            for ((id, element), field) in content.iter() {
                if *id == attribute.id.as_str() {
                    cells.push(Said { slot, element: element.as_deref().map(Into::into), field: field.clone() });
                }
            }
        }
        self.clock += 1;
        let sighting = Sighting::Live { full: true };
        let coverage = Coverage::AllBut(Vec::new());
        let seen = Observation { record, stamp: Stamp::new(self.clock), sighting, coverage, cells, denied };
        self.observe(&seen)
    }

    /// The record is gone.
    pub(crate) fn delete(&mut self, system: &str) {
        self.clock += 1;
        let stamp = Stamp::new(self.clock);
        let sighting = Sighting::Dead(DeathEvidence::Deleted);
        let cells = Vec::new();
        let denied = Vec::new();
        self.observe(&Observation {
            record: record(system),
            stamp,
            sighting,
            coverage: Coverage::Carried,
            cells,
            denied,
        });
    }

    pub(crate) fn observe(&mut self, observation: &Observation) -> Vec<UnitIndex> {
        let model = Arc::clone(&self.model);
        let object = &model.entity(0).objects[usize::from(self.object(&observation.record))];
        let representation = self.representations.entry(observation.record.clone()).or_default();
        let outcome = representation.fold(observation, &object.shapes);
        self.remember(&observation.record);
        let touched: BTreeSet<UnitIndex> =
            outcome.touched.iter().map(|slot| object.slot_unit[usize::from(*slot)]).collect();
        touched.into_iter().collect()
    }

    /// Notes what every unit of a record is seen to be.
    fn remember(&mut self, of: &RecordRef) {
        let Some(place) = self.entity.link_of(of) else { return };
        for key in self.keys() {
            let field = self.seen(&key).into_iter().find_map(|(at, field)| (at == place).then_some(field));
            if let Some(field) = field {
                self.held.entry((of.clone(), key)).or_default().insert(field);
            }
        }
    }

    /// The keys of all units, elements that anyone ever had included.
    pub(crate) fn keys(&self) -> Vec<UnitKey> {
        let model = Arc::clone(&self.model);
        let units = (0_u16..).zip(&model.entity(0).units);
        let representations = self.in_order();
        units
            .flat_map(|(index, _)| accordant::sight::keys(model.entity(0), &self.entity, &representations, index))
            .collect()
    }

    pub(crate) fn in_order(&self) -> Vec<Option<&Representation>> {
        self.entity.links.iter().map(|link| self.representations.get(&*link.record)).collect()
    }

    /// What each link shows of a unit, where anything can be seen.
    pub(crate) fn seen(&self, key: &UnitKey) -> Vec<(usize, Field)> {
        self.under(|ground| {
            let shown = shown(ground, &self.entity, &self.in_order(), key);
            shown.iter().filter_map(|shown| Some((shown.link, shown.field()?.clone()))).collect()
        })
    }

    /// The unit's classification as it stands, with the links that it is about.
    pub(crate) fn classified(&self, key: &UnitKey) -> (Vec<usize>, Classification) {
        let unit = &self.model.entity(0).units[usize::from(key.index().expect("a unit of the model"))];
        self.under(|ground| {
            let shown = shown(ground, &self.entity, &self.in_order(), key);
            let golden = self.entity.golden.get(key);
            let golden = golden.filter(|cell| cell.field.is_value() || cell.status == Status::Settled);
            let owned = !unit.owners.is_empty() || unit.derived.is_some();
            let standing = Standing { golden: golden.map(|cell| &cell.field), frozen: false, owned };
            let sides = sides(ground.model, &self.entity, unit, &shown, key, standing.golden);
            let answer = classify(&sides, standing, unit);
            (shown.iter().map(|shown| shown.link).collect(), answer)
        })
    }

    fn under<T>(&self, run: impl FnOnce(&Ground<'_>) -> T) -> T {
        let scale = TimeScale { kind: self.times, precision_ms: 0, skew_ms: 0 };
        run(&Ground {
            tenant: &self.tenant,
            model: self.model.entity(0),
            rules: &self.rules,
            as_of: self.clock,
            domain: &|_| Domain::Time(scale),
            crosswalk: &|_| None,
            keep_voices: true,
        })
    }

    pub(crate) fn settle(&mut self) -> Vec<Fact> {
        self.settle_touched(&Touched::Everything)
    }

    pub(crate) fn settle_touched(&mut self, touched: &Touched) -> Vec<Fact> {
        let mut entity = self.entity.clone();
        let mut facts = Vec::new();
        self.under(|ground| settle(ground, &mut entity, &self.in_order(), touched, &mut facts));
        self.entity = entity;
        facts
    }

    pub(crate) fn cell(&self, name: &str) -> Option<&GoldenCell> {
        self.entity.golden.get(&self.key(name))
    }

    /// The golden value; `""`: none.
    pub(crate) fn golden(&self, name: &str) -> String {
        self.cell(name).and_then(|cell| cell.field.as_value()).unwrap_or_default().to_owned()
    }

    pub(crate) fn base(&self, system: &str, name: &str) -> Option<Base> {
        let place = self.entity.link_of(&record(system)).expect("the record is linked");
        self.entity.links[place].bases.get(&self.key(name)).cloned()
    }

    /// What stands open of a unit, `$exists` included: kind, and whether it waits for a person.
    pub(crate) fn open(&self, name: &str) -> Vec<(DiscrepancyKind, bool)> {
        let standing = |discrepancy: &&Arc<Discrepancy>| {
            *discrepancy.unit == *name && discrepancy.state != DiscrepancyState::Resolved
        };
        let found = self.entity.discrepancies.values().filter(standing);
        let mut open: Vec<_> = found.map(|found| (found.kind, found.state == DiscrepancyState::Waiting)).collect();
        open.sort_unstable();
        open
    }

    /// A person decides.
    pub(crate) fn decide(&mut self, name: &str, value: &str, lifetime: Lifetime) {
        let choice = Choice::Value(text(value));
        let ruling = Ruling { choice, lifetime, by: Actor::new("ana"), reason: String::new() };
        let (mut entity, mut facts) = (self.entity.clone(), Vec::new());
        self.under(|ground| rule_on(ground, &mut entity, &self.in_order(), &self.key(name), &ruling, &mut facts))
            .expect("a value can always be chosen");
        self.entity = entity;
    }

    /// Writes golden to one system, confirmed by the write's own answer, and observes it there.
    pub(crate) fn write(&mut self, system: &str, name: &str) {
        let record = record(system);
        let unit = self.key(name);
        let place = self.entity.link_of(&record).expect("the record is linked");
        let cell = self.entity.golden.get(&unit).expect("there is something to write").clone();
        let displaced = self.seen(&unit).into_iter().find_map(|(at, field)| (at == place).then_some(field));
        let (wrote, displaced) = (cell.origin.map(Box::new), displaced.map(Box::new));
        let base = Base::accepted(cell.field.clone(), cell.field.clone());
        let base = base.marked(|marks| (marks.wrote, marks.displaced) = (wrote, displaced));
        Fact::Rebased { record: Arc::new(record.clone()), unit: unit.clone(), base: Some(Arc::new(base)) }
            .apply(&mut self.entity);
        let arity = unit.index().map_or(1, |index| self.model.entity(0).units[usize::from(index)].members.len());
        if arity == 1 {
            self.put(&record, name, &cell.field);
        } else {
            let members = self.model.entity(0).units[usize::from(unit.index().unwrap_or(0))].members.clone();
            for (member, field) in members.iter().zip(accordant::value::split(&cell.field, arity).unwrap_or_default()) {
                let id = self.model.entity(0).attributes[usize::from(*member)].id.as_str().to_owned();
                self.put(&record, &id, &field);
            }
        }
        self.read(system);
    }

    /// Writes all that is owed and may be written. Answers with how much that was.
    pub(crate) fn write_all(&mut self) -> usize {
        let mut owed = Vec::new();
        for key in self.keys() {
            let Some(cell) = self.entity.golden.get(&key).filter(|cell| cell.status == Status::Settled) else {
                continue;
            };
            for (link, field) in self.seen(&key) {
                let base = self.entity.links[link].bases.get(&key).cloned();
                // A collection that was seen without an element accepted its absence.
                let absent =
                    (self.is_collection(&key) && !field.is_value()).then(|| Base::accepted(Field::Null, Field::Null));
                let Some(base) = base.or(absent) else { continue };
                let behind = base.lost || base.agreed != cell.field;
                let pending = field == base.seen && behind && field != cell.field;
                let access = self.under(|ground| {
                    let shown = shown(ground, &self.entity, &self.in_order(), &key);
                    let shown = shown.iter().find(|shown| shown.link == link);
                    shown.map_or(WriteAccess::No, |shown| write_access(ground.model, &self.entity, shown, &key))
                });
                if pending && access != WriteAccess::No {
                    let record = &self.entity.links[link].record;
                    owed.push((format!("{}/{}", record.connection, record.id), self.model.entity(0).unit_name(&key)));
                }
            }
        }
        for (system, unit) in &owed {
            self.write(system, unit);
        }
        owed.len()
    }

    /// The records that a regular plan would write.
    pub(crate) fn planned(&self) -> Vec<String> {
        let mut draft = PlanDraft::new(PlanKind::Regular, Scope::default());
        let surroundings = Surroundings {
            native: &|_, _, _| None,
            creates_in: &|_| None,
            creating: &|_, _| false,
            unread: &|_, _| false,
            shared: &|_| None,
        };
        self.under(|ground| plan_entity(ground, &surroundings, &self.entity, &self.in_order(), &mut draft));
        draft.operations().iter().map(|operation| operation.target.connection().to_string()).collect()
    }

    pub(crate) fn is_collection(&self, key: &UnitKey) -> bool {
        let unit = &self.model.entity(0).units[usize::from(key.index().unwrap_or(0))];
        let shape = self.model.entity(0).attributes[usize::from(unit.members[0])].shape;
        matches!(shape, Shape::Set | Shape::Keyed)
    }
}
