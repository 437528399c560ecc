//! Comparing two models by what stores remember of them.

use std::collections::BTreeMap;

use crate::id::{AttributeId, EntityType};
use crate::model::change::stored::{AttributePart, EntityPart, ObjectPart, StoredModel, UnitPart};
use crate::model::change::{Change, ModelChange, What};
use crate::text::Text;

/// What differs between the model that a store was written under and today's.
pub(crate) fn compare(then: &StoredModel, now: &StoredModel) -> ModelChange {
    let mut all = ModelChange::default();
    for entity in &now.entities {
        let mut found = Found { entity: entity.name.clone(), all: &mut all };
        match then.entity(entity.name.as_str()) {
            Some(before) => entities(before, entity, &mut found),
            None => found.add(What::EntityAdded),
        }
    }
    for entity in then.entities.iter().filter(|entity| now.entity(entity.name.as_str()).is_none()) {
        Found { entity: entity.name.clone(), all: &mut all }.add(What::EntityRemoved);
    }
    all
}

struct Found<'a> {
    entity: EntityType,
    all: &'a mut ModelChange,
}

impl Found<'_> {
    fn add(&mut self, what: What) {
        let change = Change { entity: self.entity.clone(), what };
        if !self.all.changes.contains(&change) {
            self.all.changes.push(change);
        }
    }
}

fn entities(then: &EntityPart, now: &EntityPart, found: &mut Found<'_>) {
    if then.on_delete != now.on_delete {
        found.add(What::OnDelete { before: then.on_delete.clone(), now: now.on_delete.clone() });
    }
    // Today's id of every attribute that was there then.
    let mut today: BTreeMap<&AttributeId, &AttributeId> = BTreeMap::new();
    for attribute in &now.attributes {
        let mut former = then.former(&attribute.id, &attribute.was);
        let Some(before) = former.next() else {
            added(then, attribute, found);
            continue;
        };
        for other in former {
            found.add(What::Joined { attribute: attribute.id.clone(), was: other.id.clone() });
        }
        today.insert(&before.id, &attribute.id);
        attributes(before, attribute, found);
    }
    for gone in then.attributes.iter().filter(|attribute| !today.contains_key(&attribute.id)) {
        let attribute = gone.id.clone();
        found.add(if now.retired.contains(&gone.id) {
            What::Retired { attribute }
        } else {
            What::Removed { attribute }
        });
    }
    for id in now.retired.iter().filter(|id| !then.retired.contains(id) && then.attribute(id).is_none()) {
        found.add(What::Retired { attribute: id.clone() });
    }
    units(then, now, &today, found);
    objects(then, now, &today, found);
}

fn added(then: &EntityPart, attribute: &AttributePart, found: &mut Found<'_>) {
    found.add(What::Added { attribute: attribute.id.clone() });
    for id in std::iter::once(&attribute.id).chain(&attribute.was).filter(|id| then.retired.contains(id)) {
        found.add(What::Reused { attribute: id.clone() });
    }
    for former in then.attributes.iter().filter(|former| former.was.contains(&attribute.id)) {
        found.add(What::Taken { attribute: attribute.id.clone(), by: former.id.clone() });
    }
}

fn attributes(before: &AttributePart, now: &AttributePart, found: &mut Found<'_>) {
    let attribute = || now.id.clone();
    if before.id != now.id {
        found.add(What::Renamed { attribute: attribute(), was: before.id.clone() });
    }
    for was in before.was.iter().filter(|was| **was != now.id && !now.was.contains(was)) {
        found.add(What::Forgotten { attribute: attribute(), was: was.clone() });
    }
    if before.marks != now.marks {
        found.add(What::Marked { attribute: attribute(), before: before.marks.clone(), now: now.marks.clone() });
    }
}

fn units(then: &EntityPart, now: &EntityPart, today: &BTreeMap<&AttributeId, &AttributeId>, found: &mut Found<'_>) {
    for before in &then.units {
        // A group that was dissolved is nowhere; its members are units that begin anew.
        let Some(unit) = now.unit(&before.id) else {
            for member in before.members.iter().filter_map(|member| today.get(member)) {
                if let Some(unit) = now.unit(member.as_str()).filter(|_| before.shape.as_str() == "group") {
                    retyped(then, before, now, unit, today, found);
                }
            }
            continue;
        };
        if retyped(then, before, now, unit, today, found) {
            continue;
        }
        if before.owners != unit.owners {
            let names = |unit: &UnitPart| {
                let names: Vec<&str> = unit.owners.iter().map(|owner| owner.as_str()).collect();
                Text::from(names.join(", "))
            };
            found.add(What::Owner { unit: unit.id.clone(), before: names(before), now: names(unit) });
        }
        if before.policy != unit.policy {
            found.add(What::Policy { unit: unit.id.clone() });
        }
        if before.rules != unit.rules {
            found.add(What::Rules { unit: unit.id.clone() });
        }
    }
}

/// Whether stored values of a unit would mean something else today.
fn retyped(
    then: &EntityPart,
    before: &UnitPart,
    now: &EntityPart,
    unit: &UnitPart,
    today: &BTreeMap<&AttributeId, &AttributeId>,
    found: &mut Found<'_>,
) -> bool {
    let name_then = |id: &AttributeId| today.get(id).map_or_else(|| id.clone(), |id| (*id).clone());
    let before = form(then, before, &name_then);
    let (entity, now) = (now, form(now, unit, &AttributeId::clone));
    if before == now {
        return false;
    }
    // What only operators entered can be read nowhere again, if it is of another type.
    let mut members = unit.members.iter().filter_map(|id| entity.attribute(id));
    let is_hubs = members.any(|member| {
        let was = then.former(&member.id, &member.was).next();
        // Whoever else says it today said nothing of it then.
        was.is_some_and(|was| was.kind != member.kind && was.marks.split(", ").any(|mark| mark == "hub"))
    });
    let unit = unit.id.clone();
    found.add(if is_hubs { What::Lost { unit, before, now } } else { What::Retyped { unit, before, now } });
    true
}

/// What the canonical text of a unit means: its shape, and the types of its members in order.
fn form(entity: &EntityPart, unit: &UnitPart, name: &dyn Fn(&AttributeId) -> AttributeId) -> Text {
    let kind = |id: &AttributeId| entity.attribute(id).map_or("?", |attribute| attribute.kind.as_str());
    if unit.shape.as_str() == "group" {
        let members: Vec<String> = unit.members.iter().map(|id| format!("{} {}", name(id), kind(id))).collect();
        return format!("a group of {}", members.join(", ")).into();
    }
    let kind = unit.members.first().map_or("?", kind);
    match unit.shape.as_str() {
        "one" => kind.into(),
        shape => format!("{shape} of {kind}").into(),
    }
}

fn objects(then: &EntityPart, now: &EntityPart, today: &BTreeMap<&AttributeId, &AttributeId>, found: &mut Found<'_>) {
    for object in &now.objects {
        let Some(before) = then.object(object.key.as_str()) else {
            found.add(What::SystemAdded { object: object.key.clone() });
            continue;
        };
        if before.conduct != object.conduct {
            let (before, now) = (before.conduct.clone(), object.conduct.clone());
            found.add(What::SystemChanged { object: object.key.clone(), before, now });
        }
        for (then, now) in today {
            mappings(before, then, object, now, found);
        }
    }
    for object in then.objects.iter().filter(|object| now.object(object.key.as_str()).is_none()) {
        found.add(What::SystemRemoved { object: object.key.clone() });
    }
}

fn mappings(then: &ObjectPart, before: &AttributeId, now: &ObjectPart, id: &AttributeId, found: &mut Found<'_>) {
    let (attribute, object) = (id.clone(), now.key.clone());
    match (then.mappings.get(before), now.mappings.get(id)) {
        (None, Some(mapping)) => found.add(What::Mapped { attribute, object, now: mapping.text.clone() }),
        (Some(_), None) => found.add(What::Unmapped { attribute, object }),
        (Some(before), Some(mapping)) if before != mapping => {
            let rereads = before.read_by != mapping.read_by;
            let (before, now) = (before.text.clone(), mapping.text.clone());
            found.add(What::Path { attribute, object, before, now, rereads });
        }
        _ => {}
    }
}
