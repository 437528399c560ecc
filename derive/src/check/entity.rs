//! Rules about an entity struct.

use syn::{DeriveInput, parse_quote};

use crate::attr::{EntityAttrs, GroupAttr, PresenceAttr, SystemAttr};
use crate::check::across;
use crate::check::attribute::{Of, attribute};
use crate::check::decide::{HUB, Systems, decide};
use crate::check::named;
use crate::errors::{Errors, hint};
use crate::model::{Attribute, Entity, Group};
use crate::syntax::Name;

/// Checks an entity struct.
pub(crate) fn entity(input: &DeriveInput, errors: &mut Errors) -> Option<Entity> {
    let before = errors.count();
    let attrs = EntityAttrs::read(&input.attrs, errors);
    let fields = named(input, "Canonical", errors)?;
    let Some(name) = &attrs.entity else {
        if errors.count() == before {
            errors.on(&input.ident, "name the entity type: `#[canonical(entity = \"customer\")]`");
        }
        return None;
    };
    if name.value().trim().is_empty() {
        errors.on(name, "an entity type has a name");
    }
    declared_once(&attrs.systems, errors);
    let systems = Systems(&attrs.systems);
    for owner in attrs.existence.iter().flatten() {
        systems.check_system(owner, "ownership", errors);
    }
    let attributes: Vec<Attribute> =
        fields.iter().filter_map(|field| attribute(field, Of::Entity(systems), errors)).collect();
    let groups: Vec<Group> = attrs
        .groups
        .into_iter()
        .map(|GroupAttr { name, decide: attrs }| Group { name, decide: decide(attrs, systems, errors) })
        .collect();
    across::ids(&attributes, &attrs.retired, errors);
    across::groups(&attributes, &groups, errors);
    across::authority(&attributes, &groups, systems, errors);
    let mut attributes = attributes;
    across::derivations(&mut attributes, errors);
    let mut objects = attrs.systems;
    for object in &mut objects {
        names_attributes(object, &attributes, errors);
    }
    Some(Entity {
        krate: attrs.krate.unwrap_or_else(|| parse_quote!(::accordant)),
        ident: input.ident.clone(),
        vis: input.vis.clone(),
        name: name.clone(),
        objects,
        retired: attrs.retired,
        existence: attrs.existence.iter().flatten().map(Name::literal).collect(),
        on_delete: attrs.on_delete,
        on_loss: attrs.on_loss,
        groups,
        attributes,
    })
}

fn declared_once(systems: &[SystemAttr], errors: &mut Errors) {
    for (index, object) in systems.iter().enumerate() {
        let earlier = &systems[..index];
        let key = &object.key.text;
        if key == HUB || object.system.text == HUB {
            errors.at(object.key.span, "`hub` is the hub's own name; every entity has it without being told");
        } else if earlier.iter().any(|other| other.key.text == *key) {
            let message = format_args!(
                "`{key}` is declared twice; give one of them a key of its own: `system({key} as {key}_{}, ..)`",
                object.object.value()
            );
            errors.at(object.key.span, message);
        } else if earlier
            .iter()
            .any(|other| other.system.text == object.system.text && other.object.value() == object.object.value())
        {
            let message =
                format_args!("object `{}` of `{}` is declared twice", object.object.value(), object.system.text);
            errors.on(&object.object, message);
        }
    }
}

/// Turns the attributes that an object type names into ids.
fn names_attributes(object: &mut SystemAttr, attributes: &[Attribute], errors: &mut Errors) {
    let presence = match &mut object.presence {
        Some(PresenceAttr::When(name, _)) => Some(("required_when", name)),
        Some(PresenceAttr::Always) | None => None,
    };
    let needs = object.create_needs.iter_mut().map(|name| ("create_needs", name));
    for (option, name) in presence.into_iter().chain(needs) {
        match across::id_of(name, attributes) {
            Some(id) => name.text = id,
            None => {
                let known = attributes.iter().map(|attribute| attribute.field.to_string()).collect::<Vec<_>>();
                let hint = hint(&name.text, known.iter().map(String::as_str));
                errors.at(
                    name.span,
                    format_args!("`{option}` names attribute `{}`, which does not exist{hint}", name.text),
                );
            }
        }
    }
}
