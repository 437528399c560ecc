//! Roles: what an actor may do, and which attributes they may see and decide.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Actor, AttributeId, EntityType};
use crate::model::{Attribute, Canonical, CompiledEntity, Model};
use crate::value::Value;

/// What an actor may do in a tenant. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Looks, and changes nothing.
    Viewer,
    /// Works on cases: decides, enters, links, merges, notes, tries dead letters again, plans, holds and pauses connections, withdraws
    /// standing approvals.
    Operator,
    /// Lets writes through: approves plans, decisions and standing approvals, confirms what goes beyond limits, and lets attributes
    /// go on whose schema stopped them.
    Approver,
    /// Says who may do what and how far connections go, accepts models, erases persons and hands out what is held on them.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Viewer => "a viewer",
            Role::Operator => "an operator",
            Role::Approver => "an approver",
            Role::Admin => "an admin",
        })
    }
}

/// Who may do what, as the builder is told. Which role an actor has is granted per tenant and journaled:
/// [`Tenant::grant`](crate::Tenant::grant).
///
/// ```
/// use accordant::Actor;
/// use accordant::role::{Role, Roles};
///
/// let roles = Roles::new(&Actor::new("root"))
///     .personal_data_from(Role::Operator)
///     .read_from("customer", "balance", Role::Approver)
///     .decide_from("customer", "balance", Role::Admin);
/// # let _ = roles;
/// ```
#[derive(Debug, Clone)]
pub struct Roles {
    admins: BTreeSet<Actor>,
    personal: Role,
    read: BTreeMap<(EntityType, AttributeId), Role>,
    decide: BTreeMap<(EntityType, AttributeId), Role>,
}

impl Roles {
    /// Roles are asked for from now on. `admin` is one in every tenant, and grants the others theirs. Personal data is shown from
    /// operators on.
    #[must_use]
    pub fn new(admin: &Actor) -> Self {
        let admins = BTreeSet::from([admin.clone()]);
        Self { admins, personal: Role::Operator, read: BTreeMap::new(), decide: BTreeMap::new() }
    }

    /// Another admin of every tenant.
    #[must_use]
    pub fn admin(mut self, admin: &Actor) -> Self {
        self.admins.insert(admin.clone());
        self
    }

    /// From which role on personal data is shown. Whoever has less sees that there is a value, and not which.
    #[must_use]
    pub fn personal_data_from(mut self, role: Role) -> Self {
        self.personal = role;
        self
    }

    /// From which role on an attribute is shown, whether or not it is personal data.
    #[must_use]
    pub fn read_from(mut self, entity_type: &str, attribute: &str, role: Role) -> Self {
        self.read.insert((entity_type.into(), attribute.into()), role);
        self
    }

    /// From which role on an attribute is decided and entered, and writes of it are let through: plans and decisions approved, limits
    /// confirmed, standing approvals given. Never by less than that call needs by itself.
    #[must_use]
    pub fn decide_from(mut self, entity_type: &str, attribute: &str, role: Role) -> Self {
        self.decide.insert((entity_type.into(), attribute.into()), role);
        self
    }

    /// As [`Roles::read_from`] and [`Roles::decide_from`], of an attribute that the compiler knows.
    #[must_use]
    pub fn guard<E: Canonical, T: Value>(self, attribute: Attribute<E, T>, read: Role, decide: Role) -> Self {
        self.read_from(E::ENTITY, attribute.id(), read).decide_from(E::ENTITY, attribute.id(), decide)
    }

    pub(crate) fn is_admin(&self, actor: &Actor) -> bool {
        self.admins.contains(actor)
    }

    /// The attributes that are named and that the model does not have.
    pub(crate) fn unknown<'r>(&'r self, model: &'r Model) -> impl Iterator<Item = &'r (EntityType, AttributeId)> {
        self.read.keys().chain(self.decide.keys()).filter(|(entity, attribute)| {
            let entity = model.entity_index(entity.as_str()).map(|index| model.entity(index));
            entity.is_none_or(|entity| entity.attribute_index(attribute.as_str()).is_none())
        })
    }

    /// From which role on a unit is shown. Of a group, whoever sees it sees all of it.
    pub(crate) fn to_read(&self, entity: &CompiledEntity, unit: &str, personal: bool) -> Role {
        let least = if personal { self.personal } else { Role::Viewer };
        most(&self.read, entity, unit).map_or(least, |role| role.max(least))
    }

    /// From which role on a unit is decided.
    pub(crate) fn to_decide(&self, entity: &CompiledEntity, unit: &str) -> Role {
        most(&self.decide, entity, unit).map_or(Role::Operator, |role| role.max(Role::Operator))
    }
}

/// The greatest role that any attribute of a unit asks for. An element has the name of its collection, and its key behind.
fn most(asked: &BTreeMap<(EntityType, AttributeId), Role>, entity: &CompiledEntity, unit: &str) -> Option<Role> {
    let unit = unit.split_once('[').map_or(unit, |(collection, _)| collection);
    let asked_of = |id: &AttributeId| asked.get(&(entity.name.clone(), id.clone())).copied();
    let members = entity.units.iter().find(|of| *of.id == *unit).into_iter().flat_map(|of| &of.members);
    let members = members.filter_map(|member| entity.attributes.get(usize::from(*member)));
    let by_member = members.filter_map(|attribute| asked_of(&attribute.id)).max();
    by_member.max(asked_of(&unit.into()))
}
