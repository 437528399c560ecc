//! A user's own model in the simulated world: which of its attributes can spell words, and a world about one of its entity
//! types.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use accordant::bytes::Bytes;
use accordant::model::{
    Cardinality, CompiledEntity, EntityModel, Mistakes, Model, OnDelete, Path, Presence, SystemObject, Unit,
};
use accordant::value::{Field, Native, split};
use serde_json::{Map, Value};

use super::Change;
use super::values::Values;
use crate::design::{ATTRIBUTES, Attribute, Policy};
use crate::rng::Rng;
use crate::word::Word;

/// How many systems and attributes a world has at most.
const MOST: usize = ATTRIBUTES.len();

/// What of a model's entity types can be simulated.
#[derive(Debug)]
pub struct Catalogue {
    models: Vec<EntityModel>,
    topics: Vec<Topic>,
}

/// One entity type.
#[derive(Debug)]
struct Topic {
    entity: String,
    systems: Vec<SystemObject>,
    key: Spelled,
    attributes: Vec<Spelled>,
    /// The system whose deletions archive records elsewhere.
    existence: Option<usize>,
    left_out: Vec<(String, &'static str)>,
}

/// One unit, spelled by words.
#[derive(Debug)]
struct Spelled {
    unit: String,
    members: Vec<Values>,
    needed: bool,
    attribute: Attribute,
}

impl Catalogue {
    /// What can be simulated of models.
    ///
    /// # Errors
    ///
    /// If the models do not compile.
    pub fn of(models: Vec<EntityModel>) -> Result<Self, Mistakes> {
        let compiled = Model::compile(models.clone())?;
        let topics = models.iter().zip(&compiled.entities).filter_map(|(model, entity)| topic(model, entity)).collect();
        Ok(Self { models, topics })
    }

    /// Whether no entity type can be simulated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// A world about one of the entity types, with some of its attributes.
    #[must_use]
    pub fn own(self: &Arc<Self>, rng: &mut Rng) -> Own {
        let topic = rng.below(self.topics.len());
        let of = &self.topics[topic];
        let mut free: Vec<usize> = (0..of.attributes.len()).filter(|place| !of.attributes[*place].needed).collect();
        let mut chosen: Vec<usize> = (0..of.attributes.len()).filter(|place| of.attributes[*place].needed).collect();
        let more = 1 + rng.below(3);
        for _ in 0..more {
            if chosen.len() < MOST && !free.is_empty() {
                chosen.push(free.swap_remove(rng.below(free.len())));
            }
        }
        chosen.truncate(MOST);
        Own { catalogue: Arc::clone(self), topic, chosen }
    }
}

impl fmt::Display for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for topic in &self.topics {
            let units: Vec<&str> = topic.attributes.iter().map(|attribute| attribute.unit.as_str()).collect();
            let systems: Vec<&str> = topic.systems.iter().map(|system| system.system.as_str()).collect();
            writeln!(
                f,
                "{}, known by {}, in {}: {}",
                topic.entity,
                topic.key.unit,
                systems.join(", "),
                units.join(", ")
            )?;
            let mut why: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (unit, reason) in &topic.left_out {
                why.entry(reason).or_default().push(unit);
            }
            for (reason, units) in why {
                writeln!(f, "  left out: {} ({reason})", units.join(", "))?;
            }
        }
        Ok(())
    }
}

fn topic(model: &EntityModel, entity: &CompiledEntity) -> Option<Topic> {
    let mut left_out = Vec::new();
    let mut spelled = Vec::new();
    for unit in &entity.units {
        match spell(entity, unit) {
            Ok(members) => spelled.push((unit, members)),
            Err(why) => left_out.push((unit.id.to_string(), why)),
        }
    }
    let is_key = |unit: &Unit| unit.members.iter().any(|member| entity.attributes[usize::from(*member)].identity);
    let (unit, members) = spelled.iter().find(|(unit, _)| is_key(unit))?;
    let mut systems: Vec<SystemObject> = Vec::new();
    for object in &model.objects {
        let one = object.cardinality == Cardinality::One && object.creates_entities;
        let new = !systems.iter().any(|known| known.system == object.system);
        if one && new && systems.len() < MOST && members[0].place(object.key.as_str()).is_some() {
            systems.push(object.clone());
        }
    }
    let key = attribute(unit, members.clone(), &systems, true);
    let needed = |unit: &Unit| {
        let of = unit.members.iter().map(|member| &entity.attributes[usize::from(*member)].id);
        systems.iter().any(|system| of.clone().any(|id| system.create_needs.contains(id)))
    };
    let mut attributes = Vec::new();
    for (unit, members) in spelled.iter().filter(|(unit, _)| !is_key(unit)) {
        let holders = systems.iter().filter(|system| members[0].place(system.key.as_str()).is_some()).count();
        match holders {
            0 | 1 => left_out.push((unit.id.to_string(), "fewer than two systems hold it")),
            _ => attributes.push(attribute(unit, members.clone(), &systems, needed(unit))),
        }
    }
    let owner = model.existence_owners.first().filter(|_| model.on_delete == OnDelete::Archive);
    let existence = owner.and_then(|owner| systems.iter().position(|system| system.system == *owner));
    let entity = model.entity.to_string();
    (systems.len() > 1 && !attributes.is_empty()).then_some(Topic {
        entity,
        systems,
        key,
        attributes,
        existence,
        left_out,
    })
}

/// The members of a unit, each with values for words.
fn spell(entity: &CompiledEntity, unit: &Unit) -> Result<Vec<Values>, &'static str> {
    let letters = ['w', 'x', 'y', 'z', 'v', 'u', 't', 's'];
    let members = unit.members.iter().zip(letters);
    let values: Result<Vec<Values>, _> =
        members.map(|(member, letter)| Values::of(&entity.attributes[usize::from(*member)], letter)).collect();
    let values = values?;
    match values.len() == unit.members.len() && !values.is_empty() {
        true => Ok(values),
        false => Err("it has too many members"),
    }
}

fn attribute(unit: &Unit, members: Vec<Values>, systems: &[SystemObject], needed: bool) -> Spelled {
    let owner = unit.owners.first().and_then(|owner| systems.iter().position(|system| system.system == *owner));
    let strength =
        |system: &SystemObject| members[0].place(system.key.as_str()).map_or(0, super::values::Place::strength);
    let names: Vec<String> = unit.chain.iter().map(|policy| policy.name().into_owned()).collect();
    let policy = match names.as_slice() {
        [] => Policy::Undeclared,
        [one] if one == "latest" => Policy::Latest,
        _ => Policy::Other,
    };
    let strength = systems.iter().map(strength).collect();
    Spelled { unit: unit.id.to_string(), members, needed, attribute: Attribute { owner, strength, policy } }
}

/// A world about one entity type of a user's model.
#[derive(Clone)]
pub struct Own {
    catalogue: Arc<Catalogue>,
    topic: usize,
    chosen: Vec<usize>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Own").field(&self.entity()).field(&self.chosen).finish()
    }
}

impl Own {
    fn about(&self) -> &Topic {
        &self.catalogue.topics[self.topic]
    }

    fn spelled(&self, attribute: usize) -> Option<&Spelled> {
        self.about().attributes.get(*self.chosen.get(attribute)?)
    }

    pub(super) fn models(&self) -> Vec<EntityModel> {
        self.catalogue.models.clone()
    }

    pub(super) fn entity(&self) -> &str {
        &self.about().entity
    }

    pub(super) fn object(&self, system: usize) -> &str {
        self.about().systems[system].object.as_str()
    }

    pub(super) fn beside(&self) -> BTreeMap<String, Vec<String>> {
        let about = self.about();
        let mut beside: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for object in self.catalogue.models.iter().flat_map(|model| &model.objects) {
            let objects = beside.entry(object.system.to_string()).or_default();
            let known = about.systems.iter().any(|of| of.system == object.system && of.object == object.object);
            if !known && !objects.iter().any(|other| other == object.object.as_str()) {
                objects.push(object.object.to_string());
            }
        }
        beside
    }

    pub(super) fn unit(&self, attribute: usize) -> &str {
        self.spelled(attribute).map_or("", |spelled| &spelled.unit)
    }

    pub(super) fn needs(&self, attribute: usize) -> bool {
        self.spelled(attribute).is_some_and(|spelled| spelled.needed)
    }

    pub(super) fn holds(&self, system: usize, attribute: usize) -> bool {
        let object = self.about().systems[system].key.as_str();
        self.spelled(attribute).is_some_and(|spelled| spelled.members[0].place(object).is_some())
    }

    /// The systems: their names, and whether a record is expected in each.
    #[must_use]
    pub fn systems(&self) -> Vec<(&str, bool)> {
        let systems = self.about().systems.iter();
        systems.map(|system| (system.system.as_str(), system.presence == Presence::Required)).collect()
    }

    /// The attributes, as the model declares them.
    #[must_use]
    pub fn attributes(&self) -> Vec<Attribute> {
        (0..self.chosen.len()).filter_map(|place| Some(self.spelled(place)?.attribute.clone())).collect()
    }

    /// The system whose deletions archive records elsewhere, if the model says so.
    #[must_use]
    pub fn existence(&self) -> Option<usize> {
        self.about().existence
    }

    pub(super) fn canonical(&self, attribute: usize, word: Word) -> String {
        let Some(spelled) = self.spelled(attribute).filter(|_| word.is_some()) else { return String::new() };
        let texts = spelled.members.iter().map(|values| Field::Value(values.canonical(word.number()).into()));
        let fields: Vec<Field> = texts.collect();
        let field = if let [one] = fields.as_slice() { one.clone() } else { accordant::value::join(&fields) };
        field.as_value().unwrap_or_default().to_owned()
    }

    pub(super) fn word(&self, attribute: usize, canonical: &str) -> Option<Word> {
        let spelled = self.spelled(attribute)?;
        if canonical.is_empty() {
            return Some(Word::NONE);
        }
        let first = match spelled.members.len() {
            1 => Field::Value(canonical.into()),
            arity => split(&Field::Value(canonical.into()), arity)?.swap_remove(0),
        };
        Some(Word::new(spelled.members[0].number(first.as_value()?)?))
    }

    /// The record of somebody in a system's own shape.
    pub(super) fn record(
        &self,
        system: usize,
        subject: Option<usize>,
        fields: impl Iterator<Item = (usize, Word)>,
    ) -> Value {
        let mut record = Value::Object(Map::new());
        let object = self.about().systems[system].key.as_str();
        let mut spell = |spelled: &Spelled, number: Option<u32>| {
            for values in &spelled.members {
                let Some(place) = values.place(object) else { continue };
                for (path, native) in values.leaves(place, number) {
                    set(&mut record, path, json(&native));
                }
            }
        };
        if let Some(subject) = subject {
            // No word is number 0: the subjects follow one another from 1.
            spell(&self.about().key, u32::try_from(subject + 1).ok());
        }
        for (attribute, word) in fields {
            if let Some(spelled) = self.spelled(attribute) {
                spell(spelled, word.is_some().then(|| word.number()));
            }
        }
        record
    }

    pub(super) fn misshapen(&self, system: usize, body: &Bytes) -> Bytes {
        let object = self.about().systems[system].key.as_str();
        let place = self.spelled(0).and_then(|spelled| spelled.members[0].place(object));
        let (Some(place), Ok(mut whole)) = (place, serde_json::from_slice::<Value>(body)) else { return body.clone() };
        let Some(path) = place.mapping.read.first() else { return body.clone() };
        let Some(record) = whole.get_mut("record") else { return body.clone() };
        if path.keys().iter().try_fold(&*record, |at, key| at.get(key.as_str())).is_none() {
            return body.clone();
        }
        set(record, path, serde_json::json!({ "of": 1 }));
        Bytes::from(whole.to_string())
    }

    pub(super) fn change(&self, system: usize, path: &Path, native: &Native) -> Option<Change> {
        let topic = self.about();
        let object = topic.systems[system].key.as_str();
        let attributes = (0..self.chosen.len()).filter_map(|place| Some((Some(place), self.spelled(place)?)));
        for (attribute, spelled) in std::iter::once((None, &topic.key)).chain(attributes) {
            for values in &spelled.members {
                let Some(place) = values.place(object) else { continue };
                let Some(leaf) = place.mapping.write.iter().position(|written| written == path) else { continue };
                if leaf > 0 {
                    return Some(Change::Beside);
                }
                let number = values.read(place, native)?;
                return Some(match attribute {
                    None => Change::Key(usize::try_from(number?).ok()?.checked_sub(1)?),
                    Some(attribute) => Change::Set(attribute, number.map_or(Word::NONE, Word::new)),
                });
            }
        }
        None
    }
}

/// Sets a leaf in a record, making the objects that lead to it.
fn set(record: &mut Value, path: &Path, leaf: Value) {
    let mut at = record;
    for key in path.keys() {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[key.as_str()];
    }
    *at = leaf;
}

fn json(native: &Native) -> Value {
    match native {
        Native::Bool(value) => Value::Bool(*value),
        Native::Text(text) => Value::String(text.to_string()),
        Native::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}
