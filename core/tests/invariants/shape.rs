//! Random models: 2 to 25 systems, and attributes of every ownership, strength, policy and shape.

use accordant::model::{At, EntityModel, GroupModel, Shape, SystemObject, TypedAttribute};
use accordant::ownership::OnClear;
use accordant::policy::builtin;
use proptest::collection::vec;
use proptest::prelude::*;

/// One attribute, or group of two, of a random model.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) kind: Kind,
    /// The system that owns it, if one does.
    pub(crate) owner: Option<usize>,
    /// Two bits per system: weak, normal, normal, strong if it is an observer.
    pub(crate) strengths: u64,
    /// One bit per system: not mapped there.
    pub(crate) unmapped: u32,
    pub(crate) policy: Policy,
    pub(crate) on_clear: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    One,
    Group,
    Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    None,
    Latest,
    Priority,
    Consensus,
    ThreeWay,
}

/// A random model of one entity type.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    pub(crate) systems: usize,
    pub(crate) attributes: Vec<Attribute>,
}

pub(crate) fn design() -> impl Strategy<Value = Design> {
    let systems = prop_oneof![24 => 2..=3_usize, 6 => 4..=6_usize, 2 => 7..=25_usize];
    (systems, vec(attribute(), 1..=2)).prop_map(|(systems, attributes)| Design { systems, attributes })
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        3 => Just(Policy::None),
        1 => Just(Policy::Latest),
        1 => Just(Policy::Priority),
        1 => Just(Policy::Consensus),
        1 => Just(Policy::ThreeWay),
    ]
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let kind = prop_oneof![3 => Just(Kind::One), 1 => Just(Kind::Group), 1 => Just(Kind::Set)];
    let policy = policy();
    let owner = proptest::option::of(0..25_usize);
    let unmapped = prop_oneof![2 => Just(0), 1 => any::<u32>()];
    (kind, owner, any::<u64>(), unmapped, policy, any::<Option<bool>>()).prop_map(
        |(kind, owner, strengths, unmapped, policy, on_clear)| Attribute {
            kind,
            owner,
            strengths,
            unmapped,
            policy,
            on_clear,
        },
    )
}

impl Design {
    pub(crate) fn owner(&self, attribute: usize) -> Option<usize> {
        self.attributes[attribute].owner.map(|owner| owner % self.systems)
    }

    /// Whether a system holds an attribute. The first two always do, and so does the owner.
    pub(crate) fn maps(&self, attribute: usize, system: usize) -> bool {
        let hidden = self.attributes[attribute].unmapped >> system & 1 == 1;
        system < 2 || !hidden || self.owner(attribute) == Some(system)
    }

    pub(crate) fn model(&self) -> EntityModel {
        self.with_objects(|object| object)
    }

    /// The same, and every system must have every entity.
    pub(crate) fn model_required_everywhere(&self) -> EntityModel {
        self.with_objects(SystemObject::required)
    }

    fn with_objects(&self, presence: impl Fn(SystemObject) -> SystemObject) -> EntityModel {
        let mut model = EntityModel::new("thing");
        let mut key = TypedAttribute::<String>::new("key").identity().required(true);
        for system in 0..self.systems {
            model.object(presence(SystemObject::new(&name(system), "things")));
            key = key.at(At::path(&name(system), "key"));
        }
        model.attribute(key);
        for (index, attribute) in self.attributes.iter().enumerate() {
            let id = format!("a{index}");
            let paths = match attribute.kind {
                Kind::One | Kind::Set => vec![(id.clone(), id.clone())],
                Kind::Group => vec![(format!("{id}x"), format!("{id}.x")), (format!("{id}y"), format!("{id}.y"))],
            };
            for (member, path) in paths {
                model.attribute(self.typed(index, &member, &path));
            }
            if attribute.kind == Kind::Group {
                model.group(self.settings(index, &id));
            }
        }
        model
    }

    fn typed(&self, index: usize, id: &str, path: &str) -> TypedAttribute<String> {
        let attribute = &self.attributes[index];
        let mut typed = TypedAttribute::<String>::new(id);
        for system in (0..self.systems).filter(|system| self.maps(index, *system)) {
            let at = At::path(&name(system), path);
            typed = typed.at(match attribute.strengths >> (2 * system) & 3 {
                0 => at.weak(),
                3 if self.owner(index).is_some_and(|owner| owner != system) => at.strong(),
                _ => at,
            });
        }
        match attribute.kind {
            Kind::Group => return typed.group(&format!("a{index}")),
            Kind::Set => typed = typed.shape(Shape::Set),
            Kind::One => {}
        }
        if let Some(owner) = self.owner(index) {
            typed = typed.owner(&name(owner));
        }
        if let Some(clear) = attribute.on_clear {
            typed = typed.on_clear(if clear { OnClear::Propagate } else { OnClear::Hold });
        }
        match attribute.policy {
            Policy::None => typed,
            Policy::Latest => typed.resolve(builtin::latest()),
            Policy::Priority => typed.resolve(builtin::source_priority(&["s1", "s0"])).resolve(builtin::latest()),
            Policy::Consensus => typed.resolve(builtin::consensus()).resolve(builtin::latest()),
            Policy::ThreeWay => typed.resolve(builtin::three_way()),
        }
    }

    fn settings(&self, index: usize, id: &str) -> GroupModel {
        let attribute = &self.attributes[index];
        let mut group = GroupModel::new(id);
        if let Some(owner) = self.owner(index) {
            group = group.owner(&name(owner));
        }
        if let Some(clear) = attribute.on_clear {
            group = group.on_clear(if clear { OnClear::Propagate } else { OnClear::Hold });
        }
        match attribute.policy {
            Policy::None => group,
            Policy::Latest | Policy::Priority | Policy::Consensus => group.resolve(builtin::latest()),
            Policy::ThreeWay => group.resolve(builtin::three_way()),
        }
    }
}

pub(crate) fn name(system: usize) -> String {
    format!("s{system}")
}
