//! A file that changes a model.

use crate::model::overlay::decide::{decide, direction, strength};
use crate::model::overlay::entity::{expectations, grouped, known_group, lifetime};
use crate::model::overlay::read::{Fields, Node};
use crate::model::overlay::rule::rules;
use crate::model::{AttributeModel, EntityModel, GroupModel, Mapping, Path, SystemObject};
use crate::policy::Registry;
use crate::value::{Composite, Value};

/// Applies the whole file.
pub(super) fn apply(file: &Fields<'_, '_>, model: &mut EntityModel, registry: &Registry) {
    if let Some(node) = file.need("entity", "the entity type that the file changes")
        && let Some(name) = node.name()
        && name != model.entity.as_str()
    {
        node.unknown(name, format!("the file is about `{name}`, the model is another"), &[model.entity.as_str()]);
    }
    let ids: Vec<String> = model.attributes.iter().map(|attribute| attribute.id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    systems(file, model, &ids);
    lifetime(file, model);
    let objects = model.objects.clone();
    let said = file.entries_of("attribute");
    for (id, node) in said.clone() {
        let found = model.attributes.iter_mut().find(|attribute| attribute.id.as_str() == id);
        match (found, node.fields()) {
            (Some(attribute), Some(fields)) => change(attribute, fields, &objects, registry),
            (None, _) => node.unknown(id, format!("`{}` has no attribute `{id}`", model.entity), &ids),
            (Some(_), None) => {}
        }
    }
    rules(&said, model, registry);
    for (id, node) in file.entries_of("group") {
        let Some(fields) = node.fields() else { continue };
        let decided = decide(&fields, &objects, Some(Composite::KIND.name), registry);
        fields.close();
        known_group(&node, id, model);
        match model.groups.iter_mut().find(|group| group.id.as_ref().is_some_and(|known| known.as_str() == id)) {
            Some(group) => *group = grouped(std::mem::take(group), decided),
            None => model.groups.push(grouped(GroupModel::new(id), decided)),
        }
    }
    file.reject("retired", "an id is retired where the attribute was removed: in the model");
    file.close();
}

fn systems(file: &Fields<'_, '_>, model: &mut EntityModel, ids: &[&str]) {
    let known: Vec<String> = model.objects.iter().map(|object| object.key.to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for (key, node) in file.entries_of("system") {
        let Some(object) = model.objects.iter_mut().find(|object| object.key.as_str() == key) else {
            node.unknown(key, format!("no object key `{key}` is declared on this entity"), &known);
            continue;
        };
        let Some(fields) = node.fields() else { continue };
        for fixed in ["object", "system"] {
            fields.reject(fixed, "an overlay does not move a system's object type: links and state belong to it");
        }
        expectations(&fields, object, ids);
        fields.close();
    }
}

/// What an overlay could be thought to change, and why it does not.
const FIXED: [(&str, &str); 15] = [
    ("kind", "the type of a value belongs to the model: stored values have it"),
    ("to", "what a reference refers to belongs to the model"),
    ("required", "whether a value is required belongs to the model: the struct has its type from it"),
    ("identity", "what identifies an entity belongs to the model"),
    ("pii", "what is personal data belongs to the model"),
    ("was", "former ids belong to the model"),
    ("migrated", "migrations belong to the model"),
    ("group", "groups are formed by the model; `[group.NAME]` changes their settings"),
    ("shape", "the shape of a value belongs to the model"),
    ("set", "the shape of a value belongs to the model"),
    ("list", "the shape of a value belongs to the model"),
    ("hub", "whether operators alone enter a value belongs to the model"),
    ("derived", "derivations belong to the model"),
    ("normalize", "normalizers belong to the model: stored values went through them"),
    ("equivalence", "when two values are the same belongs to the model"),
];

fn change(attribute: &mut AttributeModel, fields: Fields<'_, '_>, objects: &[SystemObject], registry: &Registry) {
    for (key, why) in FIXED {
        fields.reject(key, why);
    }
    let decided = decide(&fields, objects, Some(attribute.kind.name), registry);
    if let Some(group) = &attribute.group
        && (decided.owners.is_some() || decided.chain.is_some() || decided.on_clear.is_some())
    {
        fields.refuse(format!("it is a member of a group, which is decided as one: change `[group.{group}]`"));
    }
    if let Some(owners) = decided.owners {
        attribute.owners = owners.into_iter().map(Into::into).collect();
    }
    if let Some(chain) = decided.chain {
        attribute.chain = chain;
    }
    attribute.on_clear = decided.on_clear.or(attribute.on_clear);
    // Read when all is known that a rule may look at.
    fields.get("rules");
    let in_currency = registry.kind_named(attribute.kind.name).is_some_and(|entry| entry.in_currency);
    let known: Vec<String> = attribute.mappings.iter().map(|mapping| mapping.object.to_string()).collect();
    for (object, node) in fields.entries_of("at") {
        match attribute.mappings.iter_mut().find(|mapping| mapping.object.as_str() == object) {
            Some(mapping) => remap(mapping, &node, in_currency),
            None => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let problem =
                    format!("`{object}` does not hold `{}`; a new mapping belongs to the model", attribute.id);
                node.unknown(object, problem, &known);
            }
        }
    }
    fields.close();
}

/// Moves a mapping to other paths, and changes how it works. The codec stays: it knows leaves, not where they stand.
fn remap(mapping: &mut Mapping, node: &Node<'_, '_>, in_currency: bool) {
    let follows = mapping.write == mapping.read;
    if node.is_text() {
        move_value(mapping, node, in_currency);
    } else if let Some(fields) = node.fields() {
        for key in ["currency", "region", "zone", "format", "via"] {
            fields.reject(key, "how a leaf is read belongs to the model; an overlay says where it stands");
        }
        if let Some(path) = fields.get("path") {
            move_value(mapping, &path, in_currency);
        }
        if let Some(path) = fields.get("currency_path") {
            move_currency(mapping, &path, in_currency);
        }
        if let Some(paths) = fields.get("paths") {
            move_all(mapping, &paths);
        }
        if let Some(separator) = fields.get("separator").and_then(|node| node.character()) {
            mapping.separator = Some(separator);
        }
        mapping.direction = direction(&fields).unwrap_or(mapping.direction);
        mapping.strength = strength(&fields).unwrap_or(mapping.strength);
        if let Some(path) = fields.get("write").and_then(|node| node.text()) {
            mapping.write = vec![Path::new(path)];
            fields.close();
            return;
        }
        fields.close();
    }
    // Where it was written to the paths that it was read from, it still is.
    if follows {
        mapping.write.clone_from(&mapping.read);
    }
}

fn move_value(mapping: &mut Mapping, node: &Node<'_, '_>, in_currency: bool) {
    let Some(path) = node.text() else { return };
    match mapping.read.as_mut_slice() {
        [one] => *one = Path::new(path),
        [amount, _] if in_currency => *amount = Path::new(path),
        several => node.refuse(format!("{} leaves make the value here: give all of them with `paths`", several.len())),
    }
}

fn move_currency(mapping: &mut Mapping, node: &Node<'_, '_>, in_currency: bool) {
    let Some(path) = node.text() else { return };
    match mapping.read.as_mut_slice() {
        [_, currency] if in_currency => *currency = Path::new(path),
        _ => node.refuse("no currency is read here, so it cannot be moved"),
    }
}

fn move_all(mapping: &mut Mapping, node: &Node<'_, '_>) {
    let paths: Vec<Path> = node.items().iter().filter_map(|item| item.text().map(Path::new)).collect();
    if paths.len() == mapping.read.len() {
        mapping.read = paths;
    } else {
        node.refuse(format!("{} leaves make the value here, found {} paths", mapping.read.len(), paths.len()));
    }
}
