//! Names: whether what connections and rules refer to is declared. They are checked on the models as they were declared,
//! so that a model that does not compile hides no mistake behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::Aggregate;
use crate::connector::Connector;
use crate::engine::match_index::match_columns;
use crate::engine::persist::SEPARATOR;
use crate::engine::{Checks, Inputs};
use crate::hub;
use crate::id::{AttributeId, ConnectionName, EntityType, ObjectKey, ObjectType, SystemName};
use crate::matching::Matching;
use crate::model::{AttributeModel, Cardinality, EntityModel, Mistake, Shape, SystemObject};
use crate::ownership::Direction;
use crate::representation::HORIZON;
use crate::rule::AnyRule;
use crate::stamp::Domain;
use crate::surface::Surface;
use crate::triage::Triage;

/// The kinds of values that can be added.
const NUMBERS: [&str; 4] = ["money", "decimal", "integer", "unsigned"];

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
            for surface in connector.surfaces().iter().filter(|surface| delivers_beyond_horizon(surface)) {
                mistakes.push(Mistake::BeyondHorizon(name.to_string(), surface.name.to_string()));
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
            for (of, id) in rule.looks_at() {
                let rule = rule.name();
                if of != *entity {
                    mistakes.push(Mistake::Other(format!(
                        "rule \"{rule}\" on `{entity}.{attribute}` looks at `{of}.{id}`: it may look at its own entity only"
                    )));
                    continue;
                }
                let is_it = |known: &AttributeModel| known.id == id || known.was.contains(&id);
                if !self.0.iter().any(|model| model.entity == of && model.attributes.iter().any(is_it)) {
                    mistakes.push(Mistake::Other(format!(
                        "rule \"{rule}\" on `{entity}.{attribute}` looks at `{of}.{id}`, which does not exist"
                    )));
                }
            }
        }
    }

    /// Two people decide on what is declared.
    pub(super) fn check_four_eyes(&self, asked: &[(EntityType, AttributeId)], mistakes: &mut Vec<Mistake>) {
        for (entity, id) in asked {
            let is_it = |known: &AttributeModel| known.id == *id || known.was.contains(id);
            let declares = |model: &EntityModel| model.entity == *entity && model.attributes.iter().any(is_it);
            if !self.0.iter().any(declares) {
                let mistake = format!("four eyes are asked for on `{entity}.{id}`, which does not exist");
                mistakes.push(Mistake::Other(mistake));
            }
        }
    }

    /// Every matcher is of a declared entity type, the only one of it, compares something, and its thresholds and numbers are in order.
    pub(super) fn check_matching(&self, matching: &[Matching], mistakes: &mut Vec<Mistake>) {
        let mut seen: BTreeSet<&EntityType> = BTreeSet::new();
        for Matching { entity_type, matcher, thresholds, most, .. } in matching {
            if !seen.insert(entity_type) {
                mistakes.push(Mistake::Other(format!("`{entity_type}` is matched by two matchers: name one")));
            }
            match self.0.iter().find(|model| model.entity == *entity_type) {
                None => mistakes
                    .push(Mistake::Other(format!("`match_by` names entity `{entity_type}`, which is not declared"))),
                Some(model) => {
                    if match_columns(&model.attributes, &**matcher).iter().all(|column| !column.compared) {
                        mistakes.push(Mistake::Other(format!(
                            "the matcher of `{entity_type}` compares nothing: it has no attribute with one value that systems say and that \
                             it looks at"
                        )));
                    }
                    mistakes.extend(most.iter().filter_map(|(object, most)| wrong_number(model, object, *most)));
                }
            }
            if thresholds.review > thresholds.link {
                let mistake = format!(
                    "`{entity_type}` is linked from {} on, and asked about from {} on: ask about less than you link",
                    thresholds.link, thresholds.review
                );
                mistakes.push(Mistake::Other(mistake));
            }
        }
    }

    pub(super) fn check_triage(&self, triages: &[Triage], mistakes: &mut Vec<Mistake>) {
        let mut seen: BTreeSet<&EntityType> = BTreeSet::new();
        for triage in triages {
            let entity = triage.entity_type();
            if !seen.insert(entity) {
                mistakes.push(Mistake::Other(format!("the cases of `{entity}` are weighed by two triages: name one")));
            }
            let Some(model) = self.0.iter().find(|model| model.entity == *entity) else {
                mistakes.push(Mistake::Other(format!("a triage is of `{entity}`, which is not declared")));
                continue;
            };
            if triage.limits_cross() {
                let mistake = format!("the triage of `{entity}` calls more high than critical: name the lesser first");
                mistakes.push(Mistake::Other(mistake));
            }
            for id in triage.attributes() {
                let is_it = |known: &AttributeModel| known.id == *id || known.was.contains(id);
                if !model.attributes.iter().any(is_it) {
                    let mistake = format!("the triage of `{entity}` looks at `{entity}.{id}`, which does not exist");
                    mistakes.push(Mistake::Other(mistake));
                }
            }
        }
    }

    /// Priorities and bounds of inputs are of what is declared, and can be meant.
    pub(super) fn check_inputs(
        &self,
        inputs: &Inputs,
        connected: &BTreeMap<&ConnectionName, SystemName>,
        mistakes: &mut Vec<Mistake>,
    ) {
        let of_types = inputs.priorities.keys().chain(inputs.priorities_at.keys().map(|(_, of)| of));
        let undeclared = of_types.filter(|of| self.0.iter().all(|model| model.entity != **of));
        let undeclared = undeclared.map(|of| format!("`inputs` names entity `{of}`, which is not declared"));
        let named = inputs.priorities_at.keys().map(|(name, _)| name).chain(inputs.most_at.keys());
        let unknown = named.filter(|name| !connected.contains_key(name));
        let unknown = unknown.map(|name| format!("`inputs` names `{name}`, which is no connection"));
        mistakes.extend(undeclared.chain(unknown).chain(inputs.refused()).map(Mistake::Other));
    }

    /// Checks are of what is declared, and each has a name of its own.
    pub(super) fn check_checks(
        &self,
        checks: &Checks,
        connected: &BTreeMap<&ConnectionName, SystemName>,
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut mistake = |text: String| mistakes.push(Mistake::Other(text));
        let model_of = |of: &EntityType| self.0.iter().find(|model| model.entity == *of);
        let find =
            |model: &EntityModel, id: &str| model.attributes.iter().find(|known| known.id.as_str() == id).cloned();
        let unnamed = |name: &str| name.is_empty() || name.contains(SEPARATOR);
        let mut seen = BTreeSet::new();
        for (of, check) in &checks.of_entities {
            let name = check.name();
            let Some(model) = model_of(of) else {
                mistake(format!("check \"{name}\" is of `{of}`, which is not declared"));
                continue;
            };
            if unnamed(&name) || !seen.insert((of, name.clone())) {
                mistake(format!("check \"{name}\" of `{of}` needs a name of its own"));
            }
            for id in check.looks_at() {
                match find(model, &id) {
                    None => mistake(format!("check \"{name}\" of `{of}` looks at `{of}.{id}`, which does not exist")),
                    Some(one) if matches!(one.shape, Shape::Set | Shape::Keyed) => {
                        mistake(format!("check \"{name}\" of `{of}` looks at `{of}.{id}`, which is a collection"));
                    }
                    Some(_) => {}
                }
            }
        }
        let mut seen = BTreeSet::new();
        for Aggregate { name, left, right, .. } in &checks.aggregates {
            if unnamed(name) || !seen.insert(name) {
                mistake(format!("aggregate \"{name}\" needs a name of its own"));
            }
            for total in [left, right] {
                let of = &total.entity_type;
                let Some(model) = model_of(of) else {
                    mistake(format!("aggregate \"{name}\" is of `{of}`, which is not declared"));
                    continue;
                };
                let at = total.connection.as_ref().map(|connection| (connection, connected.get(connection)));
                if let Some((connection, None)) = at {
                    mistake(format!("aggregate \"{name}\" names `{connection}`, which is no connection"));
                }
                if let Some((connection, Some(system))) = at
                    && !model.objects.iter().any(|object| object.system == *system)
                {
                    mistake(format!("aggregate \"{name}\" is of `{of}` in `{connection}`, which has no object of it"));
                    continue;
                }
                let Some(id) = &total.sum else { continue };
                match (find(model, id.as_str()), at) {
                    (None, _) => mistake(format!("aggregate \"{name}\" adds `{of}.{id}`, which does not exist")),
                    (Some(one), _) if one.shape != Shape::One || !NUMBERS.contains(&one.kind.name) => {
                        mistake(format!("aggregate \"{name}\" adds `{of}.{id}`, which is not one number"));
                    }
                    (Some(one), Some((connection, Some(system)))) => {
                        if let Some(why) = unread(model, &one, system) {
                            mistake(format!("aggregate \"{name}\" adds `{of}.{id}` in `{connection}`, {why}"));
                        }
                    }
                    (Some(_), _) => {}
                }
            }
        }
    }

    fn objects_of<'b>(&'b self, system: &'b SystemName) -> impl Iterator<Item = &'b ObjectType> {
        let objects = self.0.iter().flat_map(|model| &model.objects);
        objects.filter(move |object| object.system == *system).map(|object| &object.object)
    }
}

/// Why what a system says of an attribute is not to be seen, if it is not.
fn unread(model: &EntityModel, attribute: &AttributeModel, system: &SystemName) -> Option<&'static str> {
    let here = model.objects.iter().filter(|object| object.system == *system);
    let mapped = |of: &AttributeModel, object: &SystemObject| {
        of.mappings.iter().find(|mapping| mapping.object == object.key).map(|mapping| mapping.direction)
    };
    let holding: Vec<&SystemObject> = here.filter(|object| mapped(attribute, object).is_some()).collect();
    // What resolves together is seen together.
    let together = |other: &&AttributeModel| attribute.group.is_some() && other.group == attribute.group;
    let seen = |object: &&SystemObject| {
        let members = model.attributes.iter().filter(together).chain([attribute]);
        let directions: Vec<_> = members.map(|member| mapped(member, object)).collect();
        directions.iter().all(|direction| direction.is_some_and(|direction| direction != Direction::WriteOnly))
    };
    match &holding[..] {
        [] => Some("which is not mapped there"),
        objects if !objects.iter().all(seen) => Some("which is written there and never read"),
        _ => None,
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
    let mut domains = about().filter_map(Surface::orders_by);
    match domains.next() {
        Some(first) if domains.all(|domain| domain == first) => Ok(first),
        Some(_) => Err(Undecided::Several),
        None if about().any(|surface| surface.observes(Domain::ReadOrder)) => Ok(Domain::ReadOrder),
        None => Err(Undecided::Nothing),
    }
}

/// What is wrong with how many records of an object type a matcher may make one entity.
fn wrong_number(model: &EntityModel, object: &ObjectKey, most: u16) -> Option<Mistake> {
    let Some(declared) = model.objects.iter().find(|declared| declared.key == *object) else {
        let mistake = format!("`at_most` names `{object}`, which is no object type of `{}`", model.entity);
        return Some(Mistake::Other(mistake));
    };
    let one = declared.cardinality == Cardinality::One;
    let why = match most {
        0 => "an entity could have none: at least one",
        1 => return None,
        _ if one => "the model says that an entity has one: declare it with `many`",
        _ => return None,
    };
    Some(Mistake::Other(format!("`{}` is matched with {most} records of `{object}` at most: {why}", model.entity)))
}

/// Whether a surface may tell of what representations no longer hold apart.
fn delivers_beyond_horizon(surface: &Surface) -> bool {
    surface.semantics.unrecoverable_after.is_some_and(|after| after > HORIZON)
}

#[cfg(test)]
mod tests {
    use super::{Undecided, delivers_beyond_horizon, domain_of};
    use crate::representation::HORIZON;
    use crate::stamp::{Domain, TimeKind, TimeScale};
    use crate::surface::{
        Channel, Completeness, Deletes, EventSemantics, Guarantee, Merges, Order, Surface, SurfaceShape,
    };

    fn surface(channel: Channel, order: Order) -> Surface {
        Surface {
            name: "changes".into(),
            object: "contacts".into(),
            channel,
            semantics: EventSemantics {
                delivery: Guarantee::AtMostOnce,
                order,
                completeness: Completeness::Full,
                deletes: Deletes::Explicit,
                merges: Merges::Explicit,
                lag: chrono::TimeDelta::zero(),
                unrecoverable_after: None,
            },
            shape: SurfaceShape::default(),
        }
    }

    fn time(kind: TimeKind) -> Order {
        Order::By(Domain::Time(TimeScale { kind, precision_ms: 1, skew_ms: 0 }))
    }

    #[test]
    fn an_object_type_has_one_ordering_domain() {
        let contacts = "contacts".into();
        let polled = surface(Channel::Poll, time(TimeKind::RecordModified));
        let pushed = surface(Channel::Webhook, time(TimeKind::Occurred));
        assert!(domain_of(&[polled.clone(), polled.clone()], &contacts).is_ok());
        assert!(matches!(domain_of(&[polled.clone(), pushed.clone()], &contacts), Err(Undecided::Several)));
        // One that is only a hint orders nothing, so it contradicts nobody.
        let mut hints = pushed;
        hints.semantics.completeness = Completeness::IdOnly;
        assert!(domain_of(&[polled, hints.clone()], &contacts).is_ok());
        assert!(matches!(domain_of(&[hints], &contacts), Err(Undecided::Nothing)));
        // A token that can only be followed is no stamp: what is read is ordered by our own reads.
        let read = [surface(Channel::Read, Order::FollowOnly)];
        assert!(matches!(domain_of(&read, &contacts), Ok(Domain::ReadOrder)));
    }

    #[test]
    fn no_surface_may_deliver_beyond_the_horizon() {
        let mut surface = surface(Channel::Webhook, Order::None);
        assert!(!delivers_beyond_horizon(&surface));
        surface.semantics.unrecoverable_after = Some(HORIZON);
        assert!(!delivers_beyond_horizon(&surface));
        surface.semantics.unrecoverable_after = Some(HORIZON + chrono::TimeDelta::seconds(1));
        assert!(delivers_beyond_horizon(&surface));
    }
}
