//! The design of one world: its systems, its attributes, who owns what. A seed determines it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use accordant::Limits;
use accordant::connector::CreateSafety;
use accordant::model::{At, EntityModel, OnDelete, SystemObject, TypedAttribute};
use accordant::policy::builtin;

use crate::dialect::Dialect;
use crate::dialect::own::Own;
use crate::fault::{Fault, Faults};
use crate::house::{Guard, House};
use crate::office::PERSONAL;
use crate::rng::Rng;

/// The native object type of every system.
pub const OBJECT: &str = "things";

/// What a system tells of changes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// That something happened to a record.
    Hint,
    /// The whole record.
    Full,
    /// What changed of it.
    Changed,
}

/// One system.
#[derive(Debug, Clone)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    /// What its webhooks carry.
    pub told: Told,
    /// How safe its creates are.
    pub safety: CreateSafety,
    /// Whether a record is expected for every entity.
    pub required: bool,
    /// Whether writes carry their expectation, and are refused if it does not hold.
    pub compares: bool,
    /// Whether a write's answer carries the record.
    pub answers: bool,
    /// Whether tokens are versions rather than times.
    pub versions: bool,
    /// The grain of its times, in milliseconds.
    pub grain: i64,
    /// How far its clock is off, in milliseconds.
    pub skew: i64,
    /// Whether it keeps words in capitals.
    pub capitals: bool,
    /// Whether two records of one key are refused.
    pub unique: bool,
    /// Whether polls tell of deletions.
    pub tells_deletes: bool,
    /// Whether a program in it puts back what we change.
    pub restores: bool,
    /// Whether it tells nobody of what we change.
    pub mute: bool,
}

/// One attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// The system that owns it, if one does.
    pub owner: Option<usize>,
    /// How hard each system's mapping pushes: 0 weak, 1 normal, 2 strong.
    pub strength: Vec<u8>,
    /// The policy chain.
    pub policy: Policy,
}

/// Policy chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// None declared: the owner, else three-way merge, then a person.
    Undeclared,
    /// The latest.
    Latest,
    /// Systems in an order, then the latest.
    Priority,
    /// What more than half of those say who said it themselves, then a person.
    Consensus,
    /// Others, of a user's own model.
    Other,
}

/// The design of one world.
#[derive(Debug, Clone)]
pub struct Design {
    /// Its systems.
    pub systems: Vec<System>,
    /// Its attributes, without the key.
    pub attributes: Vec<Attribute>,
    /// How many people and companies it speaks of at first.
    pub subjects: usize,
    /// The system whose deletions retire an entity everywhere, if there is one.
    pub existence: Option<usize>,
    /// How many records of a system may be archived before somebody confirms.
    pub limit: u32,
    /// How often, in a thousand, somebody edits a record that is just being read, or corrects what we have just written.
    pub hasty: usize,
    /// The rules of the house.
    pub house: House,
    /// How its words are spelled.
    pub dialect: Dialect,
}

const NAMES: [&str; 4] = ["hubspot", "shopify", "netsuite", "ledger"];

/// The name of the system at a place.
#[must_use]
pub fn name_of(place: usize) -> Option<&'static str> {
    NAMES.get(place).copied()
}

/// A name that lives as long as the process.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let kept: &'static str = name.to_owned().leak();
    names.insert(kept);
    kept
}

/// Names of attributes.
pub const ATTRIBUTES: [&str; 4] = ["a0", "a1", "a2", "a3"];

impl Design {
    /// The design of a seed, with the faults that are switched on.
    #[must_use]
    pub fn of(rng: &mut Rng, faults: Faults) -> Self {
        let count = match rng.below(10) {
            0 => 2,
            1 => 4,
            _ => 3,
        };
        let systems: Vec<System> = NAMES.iter().take(count).map(|name| system(rng, name, faults)).collect();
        let attributes = (0..1 + rng.below(3)).map(|_| attribute(rng, count)).collect();
        let mut design = Self {
            systems,
            attributes,
            subjects: 1 + rng.below(3),
            existence: None,
            limit: 25,
            hasty: 0,
            house: House::default(),
            dialect: Dialect::Plain,
        };
        design.settle_capitals();
        design
    }

    /// What worlds have gained since: drawn from a sequence of its own, so that what was there before stays as it was.
    #[must_use]
    pub fn enriched(mut self, rng: &mut Rng) -> Self {
        for system in &mut self.systems {
            if system.told == Told::Full && rng.chance(300) {
                system.told = Told::Changed;
            }
            system.restores = rng.chance(60);
        }
        self.existence = rng.chance(300).then(|| rng.below(self.systems.len()));
        self.limit = if rng.chance(500) { 1 } else { 25 };
        self
    }

    /// What worlds have gained after that: people who do not wait, systems that tell nobody of what we write, and the rules of a
    /// house.
    #[must_use]
    pub fn enlivened(mut self, rng: &mut Rng) -> Self {
        self.hasty = if rng.chance(250) { 300 } else { 0 };
        for system in &mut self.systems {
            system.mute = rng.chance(250);
        }
        self.house = House::of(rng, self.attributes.len());
        self
    }

    /// What worlds have gained last: in one of eight, whatever nobody owns is put to the vote.
    #[must_use]
    pub fn voting(mut self, rng: &mut Rng) -> Self {
        if rng.chance(125) {
            for attribute in self.attributes.iter_mut().filter(|attribute| attribute.owner.is_none()) {
                attribute.policy = Policy::Consensus;
            }
        }
        self
    }

    /// The same world, about an entity type of a user's own model: its systems keep their habits, and its attributes are what
    /// the model says.
    #[must_use]
    pub fn about(mut self, own: Own) -> Self {
        let named = own.systems();
        let habits = self.systems.clone();
        self.systems = named
            .into_iter()
            .zip(habits.into_iter().cycle())
            // Names live as long as the process: there are as many as the model has systems.
            .map(|((name, required), habit)| System { name: interned(name), required, capitals: false, ..habit })
            .collect();
        self.attributes = own.attributes();
        self.existence = own.existence();
        self.dialect = Dialect::Own(Arc::new(own));
        self
    }

    /// A system rewrites only what it observes: what it decided in another spelling would be a change of its own.
    fn settle_capitals(&mut self) {
        for index in 0..self.systems.len() {
            let observes = |attribute: &Attribute| attribute.owner.is_some_and(|owner| owner != index);
            if !self.attributes.iter().all(observes) {
                self.systems[index].capitals = false;
            }
        }
    }

    /// The model as the engine is given it.
    #[must_use]
    pub fn model(&self) -> EntityModel {
        let mut model = EntityModel::new("thing");
        let mut key = TypedAttribute::<String>::new("key").identity().required(true);
        if self.house.roles {
            key = key.pii();
        }
        for system in &self.systems {
            let object = SystemObject::new(system.name, OBJECT);
            model.object(if system.required { object.required() } else { object });
            key = key.at(At::path(system.name, "key"));
        }
        model.attribute(key);
        for (index, attribute) in self.attributes.iter().enumerate() {
            let id = ATTRIBUTES[index];
            let mut typed = TypedAttribute::<String>::new(id);
            if self.house.roles && index == PERSONAL {
                typed = typed.pii();
            }
            for (system, strength) in self.systems.iter().zip(&attribute.strength) {
                let at = At::path(system.name, id);
                typed = typed.at(match strength {
                    0 => at.weak(),
                    1 => at,
                    _ => at.strong(),
                });
            }
            if let Some(owner) = attribute.owner {
                typed = typed.owner(self.systems[owner].name);
            }
            model.attribute(match attribute.policy {
                Policy::Latest => typed.resolve(builtin::latest()),
                Policy::Priority => {
                    let order: Vec<&str> = self.systems.iter().rev().map(|system| system.name).collect();
                    typed.resolve(builtin::source_priority(&order)).resolve(builtin::latest())
                }
                Policy::Consensus => typed.resolve(builtin::consensus()),
                Policy::Undeclared | Policy::Other => typed,
            });
        }
        if let Some(owner) = self.existence {
            model.existence_owners = vec![self.systems[owner].name.into()];
            model.on_delete = OnDelete::Archive;
        }
        model
    }

    /// The limits that plans keep.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits { deletes: self.limit, delete_percent: 100, writes: self.house.writes }
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for system in &self.systems {
            let told = match system.told {
                Told::Nothing => "no webhooks",
                Told::Hint => "webhooks that hint",
                Told::Full => "webhooks with the record",
                Told::Changed => "webhooks with what changed",
            };
            write!(f, "{}: {told}, creates {:?}", system.name, system.safety)?;
            let habits = [
                (system.required, "required"),
                (system.compares, "compares before it writes"),
                (system.answers, "answers with the record"),
                (system.versions, "counts versions"),
                (system.grain > 1, "tells time by the second"),
                (system.capitals, "writes in capitals"),
                (system.unique, "keys are unique"),
                (system.tells_deletes, "polls tell of deletions"),
                (system.restores, "a program puts back what we change"),
                (system.mute, "tells nobody of what we change"),
            ];
            for (_, habit) in habits.iter().filter(|(has, _)| *has) {
                write!(f, ", {habit}")?;
            }
            writeln!(f)?;
        }
        for (name, attribute) in ATTRIBUTES.iter().zip(&self.attributes) {
            let owner = attribute.owner.map_or("nobody", |owner| self.systems[owner].name);
            let strengths =
                attribute.strength.iter().map(|strength| ["weak", "normal", "strong"][usize::from(*strength)]);
            let strengths: Vec<&str> = strengths.collect();
            writeln!(f, "{name}: owned by {owner}, {:?}, mapped {}", attribute.policy, strengths.join(", "))?;
        }
        if let Some(owner) = self.existence {
            let name = self.systems[owner].name;
            writeln!(f, "{name} owns existence; {} records may be archived unconfirmed", self.limit)?;
        }
        if let Some((attribute, guard)) = self.house.rule {
            let verb = if guard == Guard::Hold { "holds" } else { "forbids" };
            writeln!(f, "a rule {verb} one word in four of {}", ATTRIBUTES[attribute])?;
        }
        if let Some(attribute) = self.house.two {
            writeln!(f, "two people decide {}", ATTRIBUTES[attribute])?;
        }
        if let Some(writes) = self.house.writes {
            writeln!(f, "{writes} writes of an attribute into a system are enough unconfirmed")?;
        }
        if self.house.forgets {
            writeln!(f, "the journal is kept for hours")?;
        }
        if self.house.roles {
            writeln!(f, "roles are asked for")?;
        }
        if self.house.sealed {
            writeln!(f, "the store is sealed")?;
        }
        if self.hasty > 0 {
            writeln!(f, "people do not wait: {} of 1000", self.hasty)?;
        }
        Ok(())
    }
}

fn system(rng: &mut Rng, name: &'static str, faults: Faults) -> System {
    let versions = rng.chance(150);
    System {
        name,
        told: match rng.below(4) {
            0 => Told::Nothing,
            1 => Told::Hint,
            _ => Told::Full,
        },
        safety: match rng.below(5) {
            0 => CreateSafety::DetectAndMerge,
            1 => CreateSafety::DrainThenConsistentLookup { drain_seconds: 900 },
            _ => CreateSafety::RemoteKey,
        },
        required: rng.chance(400),
        compares: rng.chance(700),
        answers: rng.chance(600),
        versions,
        grain: if faults.has(Fault::TimeEqual) && !versions && rng.chance(600) { 1000 } else { 1 },
        skew: if faults.has(Fault::ClockSkewed) { rng.between(-600_000, 600_000) } else { 0 },
        capitals: rng.chance(300),
        unique: rng.chance(300),
        tells_deletes: rng.chance(700),
        restores: false,
        mute: false,
    }
}

fn attribute(rng: &mut Rng, systems: usize) -> Attribute {
    let owner = rng.chance(500).then(|| rng.below(systems));
    let strength = (0..systems)
        .map(|system| match rng.below(10) {
            0 => 0,
            1..=3 if owner.is_some_and(|owner| owner != system) => 2,
            _ => 1,
        })
        .collect();
    let policy = match rng.below(5) {
        0 => Policy::Latest,
        1 => Policy::Priority,
        _ => Policy::Undeclared,
    };
    Attribute { owner, strength, policy }
}
