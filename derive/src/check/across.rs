//! Rules that take several attributes to break.

use std::collections::BTreeMap;

use syn::LitStr;
use syn::ext::IdentExt as _;

use crate::check::at::{is_read, is_strong};
use crate::check::decide::{HUB, Systems};
use crate::errors::{Errors, hint, suggestion};
use crate::model::{Attribute, Form, Group};
use crate::syntax::Name;

/// Ids are used once, now and ever.
pub(crate) fn ids(attributes: &[Attribute], retired: &[LitStr], errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    for attribute in attributes {
        for id in std::iter::once(&attribute.id).chain(&attribute.was) {
            let text = id.value();
            if text.is_empty() || text.contains(['.', '[', ']', '$']) || text.contains(char::is_whitespace) {
                errors.on(id, "an attribute id is a name without spaces, dots, brackets or dollar signs");
            } else if retired.iter().any(|retired| retired.value() == text) {
                let message =
                    format_args!("attribute id `{text}` is retired; stored state may hold it, so choose another id");
                errors.on(id, message);
            } else if seen.contains(&text) {
                let own = attribute.id.value() == text && !std::ptr::eq(id, &raw const attribute.id);
                let message = if own {
                    format!("`was` names former ids, and `{text}` is the id that the attribute has")
                } else {
                    format!("attribute id `{text}` is used twice")
                };
                errors.on(id, message);
            }
            seen.push(text);
        }
    }
}

/// Groups have several members, and every system maps all of them or none.
pub(crate) fn groups(attributes: &[Attribute], settings: &[Group], errors: &mut Errors) {
    let mut members: BTreeMap<String, Vec<&Attribute>> = BTreeMap::new();
    for attribute in attributes {
        if let Some(group) = &attribute.group {
            members.entry(group.value()).or_default().push(attribute);
        }
    }
    for (name, members) in &members {
        let others: Vec<String> =
            settings.iter().map(|group| group.name.value()).chain(groups_of(attributes)).collect();
        if let [only] = members.as_slice() {
            let meant = suggestion(name, others.iter().map(String::as_str).filter(|other| other != name));
            let hint = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            errors.on(&only.group, format_args!("group `{name}` has one member; a group of one is an attribute{hint}"));
        }
        if let Some(attribute) = attributes.iter().find(|attribute| attribute.id.value() == *name) {
            let message = format_args!("`{name}` is both a group and an attribute; units have different names");
            errors.on(&attribute.id, message);
        }
        mapped_whole(name, members, errors);
    }
    for (index, group) in settings.iter().enumerate() {
        let name = group.name.value();
        if !members.contains_key(&name) {
            let hint = hint(&name, members.keys().map(String::as_str));
            errors.on(&group.name, format_args!("group `{name}` has settings but no members{hint}"));
        } else if settings[..index].iter().any(|other| other.name.value() == name) {
            errors.on(&group.name, format_args!("group `{name}` has settings twice"));
        }
    }
}

fn groups_of(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter_map(|attribute| attribute.group.as_ref().map(LitStr::value))
}

fn mapped_whole(name: &str, members: &[&Attribute], errors: &mut Errors) {
    let objects: Vec<String> = members.iter().flat_map(|member| &member.at).map(|at| at.object.value()).collect();
    for member in members.iter().filter(|member| member.derived.is_none()) {
        let mut lacking: Vec<&str> = objects
            .iter()
            .map(String::as_str)
            .filter(|object| !member.at.iter().any(|at| at.object.value() == *object))
            .collect();
        lacking.sort_unstable();
        lacking.dedup();
        for object in lacking {
            let message = format_args!(
                "group `{name}` is mapped to `{object}` without `{}`; a group is written as one, so map every member or none",
                member.field.unraw()
            );
            errors.on(&member.field, message);
        }
    }
}

/// Owners can be heard, and strong mappings enforce on observers only.
pub(crate) fn authority(attributes: &[Attribute], groups: &[Group], systems: Systems<'_>, errors: &mut Errors) {
    let system_of = |object: &LitStr| systems.object(&object.value()).map(|object| object.system.text.as_str());
    for attribute in attributes.iter().filter(|attribute| attribute.derived.is_none()) {
        let group = attribute.group.as_ref().and_then(|name| groups.iter().find(|group| group.name == *name));
        let owners = group.map_or(&attribute.decide.owners, |group| &group.decide.owners);
        for owner in owners {
            let owner_name = owner.value();
            let declared = systems.0.iter().any(|object| object.system.text == owner_name);
            let mut mappings = attribute.at.iter().filter(|at| system_of(&at.object) == Some(&*owner_name));
            if owner_name != HUB && declared && !mappings.any(is_read) {
                let id = attribute.id.value();
                let message = format_args!(
                    "owner `{owner_name}` does not tell us `{id}`, so the value could never be known; map it there, readable, or change the owner"
                );
                errors.on(owner, message);
            }
        }
        for at in attribute.at.iter().filter(|at| is_strong(at)) {
            let Some(system) = system_of(&at.object) else { continue };
            let role = if owners.is_empty() {
                "co-owns"
            } else if owners.iter().any(|owner| owner.value() == system) {
                "owns"
            } else {
                continue;
            };
            let message = format_args!(
                "a strong mapping into `{system}`, which {role} the value; strong mappings enforce on observers only"
            );
            errors.on(&at.object, message);
        }
    }
}

/// The id of the attribute that a field's name or an id names. A member of a part is `part.member`.
pub(crate) fn id_of(name: &Name, attributes: &[Attribute]) -> Option<String> {
    let by_field = attributes.iter().find(|attribute| attribute.field.unraw() == name.text);
    let found = by_field.or_else(|| attributes.iter().find(|attribute| attribute.id.value() == name.text));
    if let Some(found) = found {
        return Some(found.id.value());
    }
    let (part, _) = name.text.split_once('.')?;
    attributes
        .iter()
        .any(|attribute| matches!(attribute.form, Form::Part) && attribute.id.value() == part)
        .then(|| name.text.clone())
}

/// Derivations read attributes that exist, and not, by any way, themselves.
pub(crate) fn derivations(attributes: &mut [Attribute], errors: &mut Errors) {
    let mut inputs: Vec<Vec<usize>> = vec![Vec::new(); attributes.len()];
    for (index, reads) in inputs.iter_mut().enumerate() {
        let Some(derived) = &attributes[index].derived else { continue };
        let mut from = derived.from.clone();
        for input in &mut from {
            let name = Name { text: input.value(), span: input.span() };
            let Some(id) = id_of(&name, attributes) else {
                let known: Vec<String> =
                    attributes.iter().map(|attribute| attribute.field.unraw().to_string()).collect();
                let hint = hint(&name.text, known.iter().map(String::as_str));
                errors.at(
                    name.span,
                    format_args!("derived from `{}`, which is no attribute of this entity{hint}", name.text),
                );
                continue;
            };
            reads.extend(attributes.iter().position(|attribute| attribute.id.value() == id));
            *input = LitStr::new(&id, input.span());
        }
        if let Some(derived) = &mut attributes[index].derived {
            derived.from = from;
        }
    }
    for start in 0..attributes.len() {
        let mut way = vec![start];
        if let Some(cycle) = back_to(start, &inputs, &mut way)
            // Each ring is reported once, by its first attribute.
            && cycle.iter().all(|index| *index >= start)
            && let Some(derived) = &attributes[start].derived
        {
            let ids: Vec<String> =
                cycle.iter().chain(std::iter::once(&start)).map(|index| attributes[*index].id.value()).collect();
            errors.at(derived.span, format_args!("derivation cycle {}", ids.join(" → ")));
        }
    }
}

/// The way from the end of `way` back to `start`, if there is one.
fn back_to(start: usize, inputs: &[Vec<usize>], way: &mut Vec<usize>) -> Option<Vec<usize>> {
    let here = *way.last()?;
    for &next in &inputs[here] {
        if next == start {
            return Some(way.clone());
        }
        if way.contains(&next) {
            continue;
        }
        way.push(next);
        if let Some(cycle) = back_to(start, inputs, way) {
            return Some(cycle);
        }
        way.pop();
    }
    None
}
