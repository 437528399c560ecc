//! Attributes: the typed builder that the derive calls, and the erased entry that the engine holds.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::equivalence::{Equivalence, Normalizer};
use crate::fingerprint::Fingerprint;
use crate::id::{AttributeId, EntityType, GroupId, ObjectKey, SystemName};
use crate::model::codec::{LeafCodec, TransformCodec};
use crate::model::{At, Codec, Derivation, Inputs, Migrated, Migration, Part, Path, Shape, migration};
use crate::ownership::{Direction, OnClear, Strength};
use crate::policy::{AnyPolicy, Policy, erase};
use crate::rule::AnyRule;
use crate::value::{Field, Hints, Kind, Leaf, Malformed, Value};

/// Where one object type holds an attribute, erased.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The object type, by its key.
    pub object: ObjectKey,
    /// The paths read, one leaf each.
    pub read: Vec<Path>,
    /// The paths written, one leaf each.
    pub write: Vec<Path>,
    /// Which way the mapping works.
    pub direction: Direction,
    /// How hard it pushes.
    pub strength: Strength,
    /// The currency, region, zone, format that it gives its leaves.
    pub hints: Hints,
    /// What separates the values of a set that the system keeps in one text: `a;b;c`.
    pub separator: Option<char>,
    /// Of a reference: the target's object type, by its key, whose native ids stand here. `None`: the only one that the
    /// target has in this system.
    pub via_object: Option<ObjectKey>,
    /// The way between leaves and canonical text.
    pub codec: Arc<dyn Codec>,
}

/// One attribute of an entity type, its value type erased.
#[derive(Debug, Clone)]
pub struct AttributeModel {
    /// The stable id: state and journal are keyed by it.
    pub id: AttributeId,
    /// Former ids.
    pub was: Vec<AttributeId>,
    /// The value type.
    pub kind: Kind,
    /// One value, or how its elements are told apart.
    pub shape: Shape,
    /// Whether a golden record without it is incomplete.
    pub required: bool,
    /// Whether equal values mean the same entity.
    pub identity: bool,
    /// Whether it holds personal data.
    pub pii: bool,
    /// Whether it is the hub's own: operators enter it, no system holds it.
    pub hub: bool,
    /// The group that it resolves with.
    pub group: Option<GroupId>,
    /// Its owners, in order of authority. None: every mapped system is a co-owner.
    pub owners: Vec<SystemName>,
    /// When two of its values are the same.
    pub equivalence: Equivalence,
    /// What clearing does; `None`: propagate for an owner, hold for a co-owner.
    pub on_clear: Option<OnClear>,
    /// The entity type that its value names.
    pub reference: Option<EntityType>,
    /// Where each object type holds it.
    pub mappings: Vec<Mapping>,
    /// Its policy chain. Empty: owner if there is one; else three-way merge, then park.
    pub chain: Vec<Arc<dyn AnyPolicy>>,
    /// The rules that a file gives it; those of code go to [`Builder::rule`](crate::Builder::rule), and come after them.
    pub rules: Vec<Arc<dyn AnyRule>>,
    /// How it is computed, if it is.
    pub derived: Option<Arc<dyn AnyDerivation>>,
    /// What its stored values are made of, in a store that was written before it had its type, or was split off.
    pub migrated: Option<Migrated>,
    /// The members of an element, for a keyed collection; the first is the key.
    pub members: Vec<MemberModel>,
    /// Canonical texts of the type that the mapping laws try; empty: those of the built-in types.
    pub samples: &'static [&'static str],
    /// The canonical text of what a system might say, if it is a value of the type.
    pub canonical: fn(&str) -> Option<String>,
    /// Whether canonical text reads as a value of the type.
    pub check: fn(&str) -> Result<(), Malformed>,
}

/// A member of a part: an attribute whose id and paths are relative to the part's.
#[derive(Debug, Clone)]
pub struct MemberModel(pub AttributeModel);

impl MemberModel {
    /// A member, described as an attribute.
    #[must_use]
    pub fn new<T: Value>(member: TypedAttribute<T>) -> Self {
        Self(member.erase())
    }
}

/// A derivation whose type parameter has been erased.
pub trait AnyDerivation: Send + Sync {
    /// The attributes that it reads.
    fn inputs(&self) -> &[AttributeId];
    /// As [`Derivation::name`].
    fn name(&self) -> Cow<'static, str>;
    /// As [`Derivation::fingerprint`].
    fn fingerprint(&self, fingerprint: &mut Fingerprint);
    /// The canonical field.
    fn derive(&self, inputs: &Inputs<'_>) -> Field;
}

impl std::fmt::Debug for dyn AnyDerivation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

struct ErasedDerivation<T, D> {
    inputs: Vec<AttributeId>,
    derivation: D,
    _type: PhantomData<fn() -> T>,
}

impl<T: Value, D: Derivation<T>> AnyDerivation for ErasedDerivation<T, D> {
    fn inputs(&self) -> &[AttributeId] {
        &self.inputs
    }
    fn name(&self) -> Cow<'static, str> {
        self.derivation.name()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(&self.derivation.name());
        self.derivation.fingerprint(fingerprint);
        for input in &self.inputs {
            fingerprint.text(input.as_str());
        }
    }
    fn derive(&self, inputs: &Inputs<'_>) -> Field {
        self.derivation.derive(inputs).map_or(Field::Null, |value| {
            let mut text = String::new();
            value.canonical(&mut text);
            if text.is_empty() { Field::Empty } else { Field::Value(text.into()) }
        })
    }
}

/// One attribute of type `T`, while its type is known: a wrong policy does not compile.
pub struct TypedAttribute<T> {
    model: AttributeModel,
    normalizers: Vec<Arc<dyn Normalizer>>,
    at: Vec<At<T>>,
}

impl<T> std::fmt::Debug for TypedAttribute<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TypedAttribute").field(&self.model.id).finish()
    }
}

impl<T: Value> TypedAttribute<T> {
    /// An optional attribute with one value, owned by nobody, mapped nowhere: the hub's own until `at` is called.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            model: AttributeModel {
                id: id.into(),
                was: Vec::new(),
                kind: T::KIND,
                shape: Shape::One,
                required: false,
                identity: false,
                pii: false,
                hub: false,
                group: None,
                owners: Vec::new(),
                equivalence: Equivalence::Exact,
                on_clear: None,
                reference: T::reference().map(EntityType::from),
                mappings: Vec::new(),
                chain: Vec::new(),
                derived: None,
                migrated: None,
                members: Vec::new(),
                samples: T::samples(),
                rules: Vec::new(),
                canonical: said::<T>,
                check: |text| T::from_canonical(text).map(|_| ()),
            },
            normalizers: Vec::new(),
            at: Vec::new(),
        }
    }

    /// A former id.
    #[must_use]
    pub fn was(mut self, id: &str) -> Self {
        self.model.was.push(id.into());
        self
    }

    /// Whether a golden record without it is incomplete.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.model.required = required;
        self
    }

    /// Equal values mean the same entity.
    #[must_use]
    pub fn identity(mut self) -> Self {
        self.model.identity = true;
        self
    }

    /// Holds personal data.
    #[must_use]
    pub fn pii(mut self) -> Self {
        self.model.pii = true;
        self
    }

    /// Operators alone enter it: that no system holds it is meant.
    #[must_use]
    pub fn hub(mut self) -> Self {
        self.model.hub = true;
        self
    }

    /// Resolves with the other members of a group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.model.group = Some(group.into());
        self
    }

    /// Names an owner; the order of calls is the order of authority.
    #[must_use]
    pub fn owner(mut self, system: &str) -> Self {
        self.model.owners.push(system.into());
        self
    }

    /// Several values: a list, or a set.
    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.model.shape = shape;
        self
    }

    /// Rewrites every value that is read, in the order of calls.
    #[must_use]
    pub fn normalize<N: Normalizer>(mut self, normalizer: N) -> Self {
        self.normalizers.push(Arc::new(normalizer));
        self
    }

    /// When two values are the same.
    #[must_use]
    pub fn equivalence(mut self, equivalence: Equivalence) -> Self {
        self.model.equivalence = equivalence;
        self
    }

    /// What clearing does.
    #[must_use]
    pub fn on_clear(mut self, on_clear: OnClear) -> Self {
        self.model.on_clear = Some(on_clear);
        self
    }

    /// Where an object type holds it.
    #[must_use]
    pub fn at(mut self, at: At<T>) -> Self {
        self.at.push(at);
        self
    }

    /// Appends a policy to the chain.
    #[must_use]
    pub fn resolve<P: Policy<T>>(mut self, policy: P) -> Self {
        self.model.chain.push(erase::<T, P>(policy));
        self
    }

    /// Computes it from other attributes.
    #[must_use]
    pub fn derived<D: Derivation<T>>(mut self, inputs: &[&str], derivation: D) -> Self {
        self.model.derived = Some(Arc::new(ErasedDerivation {
            inputs: inputs.iter().map(|id| AttributeId::from(*id)).collect(),
            derivation,
            _type: PhantomData,
        }));
        self
    }

    /// Makes its stored values of those of attribute `from`, in a store that was written under a model that did not have it,
    /// or had it in another type: `from` is then another attribute's id, or its own. See [`Migration`].
    #[must_use]
    pub fn migrated<F: Value>(mut self, from: &str, migration: impl Migration<F, T>) -> Self {
        self.model.migrated = Some(Migrated { from: from.into(), by: migration::erase(migration) });
        self
    }

    /// Erases the value type.
    #[must_use]
    pub fn erase(self) -> AttributeModel {
        let normalizers: Arc<[Arc<dyn Normalizer>]> = self.normalizers.into();
        let mut model = self.model;
        model.mappings = self
            .at
            .into_iter()
            .map(|at| {
                let codec: Arc<dyn Codec> = match at.via {
                    Some(transform) => Arc::new(TransformCodec { transform, normalizers: Arc::clone(&normalizers) }),
                    None => Arc::new(LeafCodec::<T> {
                        hints: at.hints.clone(),
                        paths: at.write.as_ref().map_or(at.read.len(), Vec::len),
                        normalizers: Arc::clone(&normalizers),
                        _type: PhantomData,
                    }),
                };
                Mapping {
                    object: at.object,
                    write: at.write.unwrap_or_else(|| at.read.clone()),
                    read: at.read,
                    direction: at.direction,
                    strength: at.strength,
                    hints: at.hints,
                    separator: at.separator,
                    via_object: at.via_object,
                    codec,
                }
            })
            .collect();
        model
    }
}

/// Reads a text as whichever leaf would hold it, and gives its canonical form. `10.50 USD` is an amount and its currency.
fn said<T: Value>(text: &str) -> Option<String> {
    let hints = Hints::default();
    let boolean = text.parse().ok().map(Leaf::Bool);
    let value = [Some(Leaf::Text(text)), boolean].into_iter().flatten().find_map(|leaf| T::parse(leaf, &hints).ok());
    let value = value.or_else(|| {
        let (amount, currency) = text.rsplit_once(' ')?;
        T::parse(Leaf::Text(amount), &Hints { currency: Some(currency.into()), ..hints }).ok()
    })?;
    let mut canonical = String::new();
    value.canonical(&mut canonical);
    (!canonical.is_empty() && T::from_canonical(&canonical).is_ok()).then_some(canonical)
}

/// A field whose type is a [`Part`]: a group of members, or a keyed collection.
pub struct PartAttribute<P> {
    id: AttributeId,
    key: Option<String>,
    required: bool,
    pii: bool,
    owners: Vec<SystemName>,
    on_clear: Option<OnClear>,
    at: Vec<(ObjectKey, Path, Direction, Strength)>,
    chain: Vec<Arc<dyn AnyPolicy>>,
    _type: PhantomData<fn() -> P>,
}

impl<P> std::fmt::Debug for PartAttribute<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PartAttribute").field(&self.id).finish()
    }
}

impl<P: Part> PartAttribute<P> {
    /// A group: its members resolve as one.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            key: None,
            required: false,
            pii: false,
            owners: Vec::new(),
            on_clear: None,
            at: Vec::new(),
            chain: Vec::new(),
            _type: PhantomData,
        }
    }

    /// A collection whose elements are told apart by a member.
    #[must_use]
    pub fn keyed(id: &str, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::new(id) }
    }

    /// Whether a golden record without its required members is incomplete.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Holds personal data.
    #[must_use]
    pub fn pii(mut self) -> Self {
        self.pii = true;
        self
    }

    /// Names an owner; the order of calls is the order of authority.
    #[must_use]
    pub fn owner(mut self, system: &str) -> Self {
        self.owners.push(system.into());
        self
    }

    /// What clearing does.
    #[must_use]
    pub fn on_clear(mut self, on_clear: OnClear) -> Self {
        self.on_clear = Some(on_clear);
        self
    }

    /// The path that the members' paths are relative to; for a collection, that of the array.
    #[must_use]
    pub fn at(mut self, object: &str, path: &str, direction: Direction, strength: Strength) -> Self {
        self.at.push((object.into(), path.into(), direction, strength));
        self
    }

    /// Appends a policy to the chain.
    #[must_use]
    pub fn resolve<Q: Policy<crate::value::Composite>>(mut self, policy: Q) -> Self {
        self.chain.push(erase::<crate::value::Composite, Q>(policy));
        self
    }

    /// The attributes that it stands for, and its group's settings through them.
    #[must_use]
    pub fn flatten(self) -> Vec<AttributeModel> {
        let members = P::members();
        if let Some(key) = &self.key {
            let mut collection = TypedAttribute::<crate::value::Composite>::new(self.id.as_str()).erase();
            collection.shape = Shape::Keyed;
            collection.pii = self.pii;
            collection.owners = self.owners;
            collection.on_clear = self.on_clear;
            collection.chain = self.chain;
            collection.mappings = self
                .at
                .into_iter()
                .map(|(object, path, direction, strength)| Mapping {
                    hints: Hints { object: Some(object.as_str().into()), ..Hints::default() },
                    object,
                    read: vec![path.clone()],
                    write: vec![path],
                    direction,
                    strength,
                    separator: None,
                    via_object: None,
                    codec: Arc::new(LeafCodec::<crate::value::Composite> {
                        hints: Hints::default(),
                        paths: 1,
                        normalizers: Arc::new([]),
                        _type: PhantomData,
                    }),
                })
                .collect();
            let (keys, rest): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| member.0.id.as_str() == key);
            collection.members = keys.into_iter().chain(rest).collect();
            return vec![collection];
        }
        members
            .into_iter()
            .map(|MemberModel(mut member)| {
                member.id = AttributeId::from(format!("{}.{}", self.id, member.id));
                member.group = Some(GroupId::new(self.id.as_str()));
                member.required &= self.required;
                member.pii |= self.pii;
                member.owners.clone_from(&self.owners);
                member.on_clear = self.on_clear;
                member.chain.clone_from(&self.chain);
                member.mappings = std::mem::take(&mut member.mappings)
                    .into_iter()
                    .filter_map(|mut mapping| {
                        let (_, prefix, direction, strength) = self.at.iter().find(|at| at.0 == mapping.object)?;
                        mapping.read = mapping.read.iter().map(|path| prefix.join(path)).collect();
                        mapping.write = mapping.write.iter().map(|path| prefix.join(path)).collect();
                        if mapping.direction == Direction::Both {
                            mapping.direction = *direction;
                        }
                        mapping.strength = *strength;
                        Some(mapping)
                    })
                    .collect();
                member
            })
            .collect()
    }
}
