//! A file that declares an entity type.

use crate::id::AttributeId;
use crate::model::overlay::attribute::attribute;
use crate::model::overlay::decide::{Decide, decide, systems};
use crate::model::overlay::read::{Fields, Node};
use crate::model::overlay::rule::rules;
use crate::model::{Cardinality, EntityModel, GroupModel, OnDelete, OnLoss, Presence, Reduce, SystemObject, WriteTo};
use crate::policy::Registry;
use crate::value::{Composite, Value};

/// Reads the whole file into an empty model.
pub(super) fn declare(file: &Fields<'_, '_>, model: &mut EntityModel, registry: &Registry) {
    if let Some(name) = file.need("entity", "the entity type's name").and_then(|node| node.name()) {
        model.entity = name.into();
    }
    let attributes = file.entries_of("attribute");
    let said = attributes.clone();
    let ids: Vec<&str> = attributes.iter().map(|(id, _)| *id).collect();
    for (key, node) in file.entries_of("system") {
        let Some(fields) = node.fields() else { continue };
        let system = fields.get("system").and_then(|node| node.name()).unwrap_or(key);
        let native = fields.need("object", "the native object type").and_then(|node| node.name());
        let mut object = SystemObject::new(system, native.unwrap_or_default()).key(key);
        expectations(&fields, &mut object, &ids);
        fields.close();
        model.object(object);
    }
    lifetime(file, model);
    for (id, node) in attributes {
        let Some(fields) = node.fields() else { continue };
        model.attributes.extend(attribute(id, fields, model, registry));
    }
    rules(&said, model, registry);
    for (id, node) in file.entries_of("group") {
        let Some(fields) = node.fields() else { continue };
        let decided = decide(&fields, &model.objects, Some(Composite::KIND.name), registry);
        fields.close();
        known_group(&node, id, model);
        model.group(grouped(GroupModel::new(id), decided));
    }
    for id in file.get("retired").map(|node| node.names()).unwrap_or_default() {
        model.retired(id.1);
    }
    file.close();
}

/// Refuses a group without members.
pub(super) fn known_group(node: &Node<'_, '_>, id: &str, model: &EntityModel) {
    let mut known: Vec<&str> = model.attributes.iter().filter_map(|one| Some(one.group.as_ref()?.as_str())).collect();
    known.dedup();
    if !known.contains(&id) {
        node.unknown(id, format!("no attribute is a member of group `{id}`"), &known);
    }
}

/// A group's settings, changed by what a file says.
pub(super) fn grouped(mut group: GroupModel, decided: Decide) -> GroupModel {
    if let Some(owners) = decided.owners {
        group.owners = owners.into_iter().map(Into::into).collect();
    }
    if let Some(chain) = decided.chain {
        group.chain = chain;
    }
    group.on_clear = decided.on_clear.or(group.on_clear);
    group
}

/// Reads `existence`, `on_delete` and `on_loss`.
pub(super) fn lifetime(file: &Fields<'_, '_>, model: &mut EntityModel) {
    if let Some(node) = file.get("existence") {
        model.existence_owners = systems(&node, &model.objects).into_iter().map(Into::into).collect();
    }
    if let Some(on_delete) = on_delete(file) {
        model.on_delete = on_delete;
    }
    if let Some(on_loss) = on_loss(file) {
        model.on_loss = on_loss;
    }
}

fn on_delete(file: &Fields<'_, '_>) -> Option<OnDelete> {
    let words = [("hold", OnDelete::Hold), ("archive", OnDelete::Archive), ("stand", OnDelete::Stand)];
    file.get("on_delete").and_then(|node| node.word(&words))
}

fn on_loss(file: &Fields<'_, '_>) -> Option<OnLoss> {
    let words =
        [("ask", OnLoss::Ask), ("restore", OnLoss::Restore), ("accept", OnLoss::Accept), ("retire", OnLoss::Retire)];
    file.get("on_loss").and_then(|node| node.word(&words))
}

/// Reads what is expected of an object type: cardinality, presence, whether it makes entities, what creating needs.
pub(super) fn expectations(fields: &Fields<'_, '_>, object: &mut SystemObject, ids: &[&str]) {
    if let Some(many) = fields.get("many").and_then(|node| node.fields()) {
        let reduces = [("all", Reduce::All), ("latest", Reduce::Latest), ("primary", Reduce::Primary)];
        let writes = [("all", WriteTo::All), ("primary", WriteTo::Primary), ("nobody", WriteTo::Nobody)];
        let reduce = many.need("reduce", "which records speak").and_then(|node| node.word(&reduces));
        let write = many.need("write", "which records are written").and_then(|node| node.word(&writes));
        many.close();
        if let (Some(reduce), Some(write)) = (reduce, write) {
            object.cardinality = Cardinality::Many { reduce, write };
        }
    }
    let required = fields.flag("required");
    let when = fields.get("required_when");
    match (required, &when) {
        (Some(_), Some(node)) => node.refuse("`required` and `required_when` exclude each other"),
        (Some(true), None) => object.presence = Presence::Required,
        (Some(false), None) => object.presence = Presence::Optional,
        (None, Some(node)) => {
            if let Some(presence) = required_when(node, ids) {
                object.presence = presence;
            }
        }
        (None, None) => {}
    }
    if let Some(links_only) = fields.flag("links_only") {
        object.creates_entities = !links_only;
    }
    object.on_delete = on_delete(fields).or(object.on_delete);
    object.on_loss = on_loss(fields).or(object.on_loss);
    if let Some(node) = fields.get("create_needs") {
        object.create_needs = Vec::new();
        for (item, id) in node.names() {
            object.create_needs.extend(attribute_named(&item, id, ids));
        }
    }
}

fn required_when(node: &Node<'_, '_>, ids: &[&str]) -> Option<Presence> {
    if node.is_text() {
        let attribute = attribute_named(node, node.name()?, ids)?;
        return Some(Presence::RequiredWhen { attribute, equals: None });
    }
    let entries = node.fields()?.entries();
    let [(id, value)] = entries.as_slice() else {
        node.refuse("expected one attribute: `required_when = \"tier\"`, or `required_when = { tier = \"gold\" }`");
        return None;
    };
    let attribute = attribute_named(value, id, ids)?;
    Some(Presence::RequiredWhen { attribute, equals: Some(value.text()?.to_owned()) })
}

fn attribute_named(node: &Node<'_, '_>, id: &str, ids: &[&str]) -> Option<AttributeId> {
    if ids.contains(&id) {
        return Some(id.into());
    }
    node.unknown(id, format!("this entity has no attribute `{id}`"), ids);
    None
}
