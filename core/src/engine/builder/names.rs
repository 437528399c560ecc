//! Names: whether what connections and rules refer to is declared. They are checked on the models as they were declared,
//! so that a model that does not compile hides no mistake behind it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::connector::Connector;
use crate::hub;
use crate::id::{AttributeId, ConnectionName, EntityType, ObjectType, SystemName};
use crate::model::{EntityModel, Mistake};
use crate::rule::AnyRule;
use crate::stamp::Domain;
use crate::surface::{Channel, Order, Surface};

/// The models as they were declared.
pub(super) struct Declared<'a>(pub(super) &'a [EntityModel]);

impl Declared<'_> {
    /// Every connection is to a system that some entity names, once, and observes what it must; and every system has one.
    pub(super) fn check_connections(
        &self,
        connectors: &[(ConnectionName, Arc<dyn Connector>)],
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut seen: BTreeSet<&ConnectionName> = BTreeSet::new();
        let mut connected: BTreeSet<SystemName> = BTreeSet::new();
        for (name, connector) in connectors {
            let system = SystemName::new(connector.system());
            if name.as_str() == hub::SYSTEM {
                mistakes.push(Mistake::ReservedConnection(name.to_string()));
            }
            if !seen.insert(name) {
                mistakes.push(Mistake::Other(format!("connection `{name}` is connected twice")));
            }
            let objects: BTreeSet<&ObjectType> = self.objects_of(&system).collect();
            if objects.is_empty() {
                mistakes.push(Mistake::UnknownSystem(name.to_string(), system.clone()));
            }
            for object in objects {
                match domain_of(connector.surfaces(), object) {
                    Ok(_) => {}
                    Err(Undecided::Nothing) => {
                        mistakes.push(Mistake::NothingObserves(name.to_string(), object.clone()));
                    }
                    Err(Undecided::Several) => mistakes.push(Mistake::DomainsDiffer(name.to_string(), object.clone())),
                }
            }
            connected.insert(system);
        }
        for model in self.0 {
            let systems: BTreeSet<&SystemName> = model.objects.iter().map(|object| &object.system).collect();
            for system in systems.into_iter().filter(|system| !connected.contains(*system)) {
                mistakes.push(Mistake::Unconnected(model.entity.clone(), system.clone()));
            }
        }
    }

    /// Every rule guards something that is declared.
    pub(super) fn check_rules(
        &self,
        rules: &[(EntityType, AttributeId, Arc<dyn AnyRule>)],
        mistakes: &mut Vec<Mistake>,
    ) {
        for (entity, attribute, rule) in rules {
            let is_declared = |model: &EntityModel| {
                let attributes = model.attributes.iter();
                let in_group = attributes.clone().filter_map(|attribute| attribute.group.as_ref());
                model.entity == *entity
                    && (attributes
                        .flat_map(|known| std::iter::once(&known.id).chain(&known.was))
                        .any(|id| id == attribute)
                        || in_group.into_iter().any(|group| group.as_str() == attribute.as_str()))
            };
            if !self.0.iter().any(is_declared) {
                let rule = rule.name();
                mistakes.push(Mistake::Other(format!(
                    "rule \"{rule}\" guards `{entity}.{attribute}`, which does not exist"
                )));
            }
        }
    }

    fn objects_of<'b>(&'b self, system: &'b SystemName) -> impl Iterator<Item = &'b ObjectType> {
        let objects = self.0.iter().flat_map(|model| &model.objects);
        objects.filter(move |object| object.system == *system).map(|object| &object.object)
    }
}

/// Why an object type has no ordering domain.
pub(super) enum Undecided {
    Nothing,
    Several,
}

/// The one ordering domain of an object type. Where no surface orders anything, the numbers of our own reads do.
pub(super) fn domain_of(surfaces: &[Surface], object: &ObjectType) -> Result<Domain, Undecided> {
    let about = || surfaces.iter().filter(|surface| surface.object == *object);
    let observing = about().filter(|surface| surface.semantics.observes());
    let mut domains = observing.filter_map(|surface| match surface.semantics.order {
        Order::By(domain) => Some(domain),
        Order::FollowOnly | Order::None => None,
    });
    match domains.next() {
        Some(first) if domains.all(|domain| domain == first) => Ok(first),
        Some(_) => Err(Undecided::Several),
        None if about().any(|surface| matches!(surface.channel, Channel::Read | Channel::Scan)) => {
            Ok(Domain::ReadOrder)
        }
        None => Err(Undecided::Nothing),
    }
}
