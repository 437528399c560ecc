//! The canonical model as data: what the derive emits, what a file declares, and what `build()` compiles.

mod at;
mod attribute;
pub(crate) mod change;
mod codec;
mod compile;
mod deletion;
mod derivation;
pub(crate) mod migration;
mod mistake;
mod object;
mod overlay;
mod shape;
mod unit;

use std::fmt;
use std::marker::PhantomData;

use crate::id::{AttributeId, EntityType, GroupId, SystemName};
use crate::ownership::OnClear;
use crate::policy::{AnyPolicy, Policy, erase};
use crate::value::Composite;

pub use at::At;
pub use attribute::{AnyDerivation, AttributeModel, Mapping, MemberModel, PartAttribute, TypedAttribute};
pub use change::{Change, ModelChange, StoredModel, What};
pub use codec::{Codec, Read, Transform};
pub use compile::{CompiledEntity, CompiledObject, Model, SlotModel};
pub use deletion::{OnDelete, OnLoss};
pub use derivation::{Derivation, Inputs};
pub use migration::{AnyMigration, Migrated, Migration};
pub use mistake::{Mistake, Mistakes};
pub use object::{Cardinality, Presence, Reduce, SystemObject, WriteTo};
pub(crate) use overlay::{Declaration, declare, declare_amount};
pub use overlay::{OverlayError, OverlayMistake};
pub use shape::{Path, Shape};
pub use unit::{EXISTS, Unit, UnitIndex, UnitKey, UnitShape};

/// Emitted by `#[derive(Canonical)]`: a model as data, and the way back to the struct. No logic.
pub trait Canonical: Sized + Send + Sync + 'static {
    /// The entity type's name.
    const ENTITY: &'static str;

    /// The model.
    fn model() -> EntityModel;

    /// Builds the struct from a golden record.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] names every required attribute that the golden record lacks.
    fn read(golden: &GoldenReader<'_>) -> Result<Self, Incomplete>;
}

/// A typed handle to an attribute: `Customer::BALANCE`.
pub struct Attribute<E, T> {
    id: &'static str,
    _types: PhantomData<fn() -> (E, T)>,
}

impl<E, T> Attribute<E, T> {
    /// A handle to the attribute of this stable id. The derive emits it; by hand only for models from files.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self { id, _types: PhantomData }
    }

    /// The stable id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }
}

impl<E, T> Clone for Attribute<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E, T> Copy for Attribute<E, T> {}
impl<E, T> fmt::Debug for Attribute<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// The golden record cannot be the struct: required attributes are missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("the golden record lacks {}", missing.iter().map(AttributeId::as_str).collect::<Vec<_>>().join(", "))]
pub struct Incomplete {
    /// The required attributes without a value, in the model's order.
    pub missing: Vec<AttributeId>,
}

/// Looks up golden fields by attribute id, for [`Canonical::read`].
pub struct GoldenReader<'a> {
    look: &'a dyn Fn(&str) -> Vec<(crate::text::Text, crate::value::Field)>,
}

impl fmt::Debug for GoldenReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GoldenReader")
    }
}

impl<'a> GoldenReader<'a> {
    /// A reader over a look-up by attribute id. It answers with the elements of a collection by key, with one entry of
    /// empty key for a scalar, with nothing where there is no value.
    #[must_use]
    pub const fn new(look: &'a dyn Fn(&str) -> Vec<(crate::text::Text, crate::value::Field)>) -> Self {
        Self { look }
    }

    /// Reads one scalar attribute into `missing` or a slot.
    pub fn slot<S: crate::value::Slot>(&self, id: &str, missing: &mut Incomplete) -> Option<S> {
        use crate::value::Value as _;
        let value = (self.look)(id)
            .into_iter()
            .find_map(|(_, field)| field.as_value().and_then(|text| S::Value::from_canonical(text).ok()));
        let slot = S::from_option(value);
        if slot.is_none() {
            missing.missing.push(id.into());
        }
        slot
    }

    /// Reads the values of a set, or of an ordered list, in order.
    #[must_use]
    pub fn values<T: crate::value::Value>(&self, id: &str) -> Vec<T> {
        (self.look)(id).into_iter().filter_map(|(_, field)| T::from_canonical(field.as_value()?).ok()).collect()
    }

    /// Reads the elements of a keyed collection as their members' fields.
    #[must_use]
    pub fn elements(&self, id: &str, members: usize) -> Vec<Vec<crate::value::Field>> {
        (self.look)(id).into_iter().filter_map(|(_, field)| crate::value::split(&field, members)).collect()
    }
}

/// A nested struct whose fields resolve as one: emitted by `#[derive(CanonicalPart)]`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a part", label = "not a part: derive `CanonicalPart` on it")]
pub trait Part: Sized + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The members, in order: ids relative to the part, value types and paths relative to the part's own path.
    fn members() -> Vec<MemberModel>;

    /// Builds the struct from its members' fields, in order; `None` if a required member has no value.
    fn from_fields(fields: &[crate::value::Field]) -> Option<Self>;

    /// The members' fields, in order.
    fn to_fields(&self) -> Vec<crate::value::Field>;
}

/// Settings of a group of attributes.
#[derive(Debug, Clone, Default)]
pub struct GroupModel {
    /// Its name.
    pub id: Option<GroupId>,
    /// Its owners, in order of authority.
    pub owners: Vec<SystemName>,
    /// Its policy chain.
    pub chain: Vec<std::sync::Arc<dyn AnyPolicy>>,
    /// What clearing does.
    pub on_clear: Option<OnClear>,
}

impl GroupModel {
    /// Settings for the group of this name.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// Names an owner; the order of calls is the order of authority.
    #[must_use]
    pub fn owner(mut self, system: &str) -> Self {
        self.owners.push(system.into());
        self
    }

    /// Appends a policy to the chain.
    #[must_use]
    pub fn resolve<P: Policy<Composite>>(mut self, policy: P) -> Self {
        self.chain.push(erase::<Composite, P>(policy));
        self
    }

    /// Says what clearing does.
    #[must_use]
    pub fn on_clear(mut self, on_clear: OnClear) -> Self {
        self.on_clear = Some(on_clear);
        self
    }
}

/// One entity type: its systems' objects, attributes and groups.
///
/// Plain data: mistakes across parts are found by `build()`, all at once.
#[derive(Debug, Clone)]
pub struct EntityModel {
    /// The entity type's name.
    pub entity: EntityType,
    /// The native object types that represent it.
    pub objects: Vec<SystemObject>,
    /// Its attributes, in declaration order.
    pub attributes: Vec<AttributeModel>,
    /// Settings of groups; a group without an entry has defaults.
    pub groups: Vec<GroupModel>,
    /// Attribute ids that stored state may hold and that must never be used again.
    pub retired: Vec<AttributeId>,
    /// Who owns existence: whose deletion retires the entity. None: every system co-owns it.
    pub existence_owners: Vec<SystemName>,
    /// What a deletion does elsewhere once golden is retired.
    pub on_delete: OnDelete,
    /// What the loss of a record does that does not retire the entity by itself.
    pub on_loss: OnLoss,
}

impl EntityModel {
    /// An empty model.
    #[must_use]
    pub fn new(entity: &str) -> Self {
        Self {
            entity: entity.into(),
            objects: Vec::new(),
            attributes: Vec::new(),
            groups: Vec::new(),
            retired: Vec::new(),
            existence_owners: Vec::new(),
            on_delete: OnDelete::default(),
            on_loss: OnLoss::default(),
        }
    }

    /// Adds a system's object type.
    pub fn object(&mut self, object: SystemObject) -> &mut Self {
        self.objects.push(object);
        self
    }

    /// Adds an attribute. Here its type is erased.
    pub fn attribute<T: crate::value::Value>(&mut self, attribute: TypedAttribute<T>) -> &mut Self {
        self.attributes.push(attribute.erase());
        self
    }

    /// Adds a group's settings.
    pub fn group(&mut self, group: GroupModel) -> &mut Self {
        self.groups.push(group);
        self
    }

    /// Adds a part: each member becomes an attribute `id.member` of the group `id`.
    pub fn part<P: Part>(&mut self, part: PartAttribute<P>) -> &mut Self {
        self.attributes.extend(part.flatten());
        self
    }

    /// Retires an attribute id for ever.
    pub fn retired(&mut self, id: &str) -> &mut Self {
        self.retired.push(id.into());
        self
    }
}
