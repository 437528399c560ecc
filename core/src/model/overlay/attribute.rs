//! `[attribute.NAME]` in a file that declares an entity.

use crate::equivalence::Equivalence;
use crate::id::ObjectKey;
use crate::model::overlay::decide::{decide, direction, strength};
use crate::model::overlay::declare::{Declaration, DeclaredAt, declare};
use crate::model::overlay::read::{Fields, Node};
use crate::model::overlay::reference::Reference;
use crate::model::{AttributeModel, EntityModel, Migrated, Shape};
use crate::policy::Registry;
use crate::value::{Decimal, Value};

/// Reads one attribute. `None` if too much of it is wrong to be one.
pub(super) fn attribute(
    id: &str,
    fields: Fields<'_, '_>,
    model: &EntityModel,
    registry: &Registry,
) -> Option<AttributeModel> {
    fields.reject("derived", "a derived attribute is computed by code: declare it with the derive");
    fields.reject("part", "a part is a Rust type: declare its members as attributes with `group = \"..\"`");
    fields.reject("keyed", "the elements of a keyed collection are a Rust type: declare it with the derive");
    let kind = kind(&fields, registry);
    let target = fields.get("to").and_then(|node| node.name().map(|name| (node, name)));
    let is_ref = kind.as_ref().is_some_and(|kind| matches!(kind, DeclaredKind::Reference));
    match (&target, is_ref) {
        (None, true) => fields.refuse("`to` is missing: a reference names the entity type it refers to"),
        (Some((node, _)), false) if kind.is_some() => {
            node.refuse("only attributes of kind `ref` refer to an entity type");
        }
        _ => {}
    }
    let group = fields.get("group").and_then(|node| node.name().map(ToOwned::to_owned));
    let decided = decide(&fields, &model.objects, kind.as_ref().map(DeclaredKind::name), registry);
    if group.is_some() && decided.chain.is_some() {
        fields.refuse("a group resolves as one: give `resolve` to `[group.NAME]`, not to its members");
    }
    let at = mappings(&fields, model, kind.as_ref());
    let hub = fields.flag("hub").unwrap_or(false);
    match (at.is_empty(), hub) {
        (true, false) if fields.get("at").is_none() => {
            fields.refuse("it is held nowhere: say where with `at`, or `hub = true` if operators alone enter it");
        }
        (false, true) => fields.refuse("`hub = true` means that operators alone enter it, yet `at` maps it"),
        _ => {}
    }
    let declaration = Declaration {
        id: id.to_owned(),
        was: fields.get("was").map(|node| names(&node)).unwrap_or_default(),
        required: fields.flag("required").unwrap_or(false),
        identity: fields.flag("identity").unwrap_or(false),
        pii: fields.flag("pii").unwrap_or(false),
        hub,
        group,
        owners: decided.owners.unwrap_or_default(),
        shape: shape(&fields),
        normalizers: fields.get("normalize").map(|node| normalizers(&node, registry)).unwrap_or_default(),
        equivalence: fields.get("equivalence").and_then(|node| equivalence(&node, registry)).unwrap_or_default(),
        on_clear: decided.on_clear,
        at,
    };
    let migrated = fields.get("migrated").and_then(|node| migrated(&node, registry));
    // Read when all is known that a rule may look at.
    fields.get("rules");
    fields.close();
    let via: Vec<Option<ObjectKey>> =
        declaration.at.iter().map(|at| at.via_object.as_deref().map(Into::into)).collect();
    let mut attribute = match kind? {
        DeclaredKind::Reference => {
            let mut reference = declare::<Reference>(declaration);
            for (mapping, via) in reference.mappings.iter_mut().zip(via) {
                mapping.via_object = via;
            }
            reference
        }
        DeclaredKind::Known { declare, .. } => declare(declaration),
    };
    attribute.chain = decided.chain.unwrap_or_default();
    attribute.migrated = migrated;
    if let Some((_, target)) = target {
        attribute.reference = Some(target.into());
    }
    Some(attribute)
}

/// A kind that files can declare.
enum DeclaredKind {
    Reference,
    Known { name: &'static str, in_currency: bool, declare: fn(Declaration) -> AttributeModel },
}

impl DeclaredKind {
    fn name(&self) -> &'static str {
        match self {
            DeclaredKind::Reference => Reference::KIND.name,
            DeclaredKind::Known { name, .. } => name,
        }
    }
}

fn kind(fields: &Fields<'_, '_>, registry: &Registry) -> Option<DeclaredKind> {
    let node = fields.need("kind", "the kind of value, such as `text`")?;
    let name = node.name()?;
    if name == Reference::KIND.name {
        return Some(DeclaredKind::Reference);
    }
    let entry = registry.kind_named(name);
    if let Some((entry, declare)) = entry.and_then(|entry| Some((entry, entry.declare?))) {
        return Some(DeclaredKind::Known { name: entry.kind.name, in_currency: entry.in_currency, declare });
    }
    let known: Vec<&str> = registry.declarable().chain([Reference::KIND.name]).collect();
    node.unknown(name, format!("there is no kind of value `{name}`"), &known);
    None
}

fn names(node: &Node<'_, '_>) -> Vec<String> {
    node.names().into_iter().map(|(_, name)| name.to_owned()).collect()
}

fn shape(fields: &Fields<'_, '_>) -> Shape {
    let words = [("one", Shape::One), ("set", Shape::Set), ("list", Shape::List)];
    let word = fields.get("shape").and_then(|node| node.word(&words));
    let set = fields.flag("set").filter(|set| *set).map(|_| Shape::Set);
    let list = fields.flag("list").filter(|list| *list).map(|_| Shape::List);
    let mut said = [word, set, list].into_iter().flatten();
    let first = said.next();
    if said.any(|other| Some(other) != first) {
        fields.refuse("more than one shape is given");
    }
    first.unwrap_or_default()
}

fn normalizers(node: &Node<'_, '_>, registry: &Registry) -> Vec<std::sync::Arc<dyn crate::equivalence::Normalizer>> {
    node.items().iter().filter_map(|item| normalizer(item, registry)).collect()
}

fn normalizer(node: &Node<'_, '_>, registry: &Registry) -> Option<std::sync::Arc<dyn crate::equivalence::Normalizer>> {
    let name = node.name()?;
    let found = registry.normalizer_named(name);
    if found.is_none() {
        let known: Vec<&str> = registry.normalizer_names().collect();
        node.unknown(name, format!("there is no normalizer `{name}`"), &known);
    }
    found
}

/// `{ from = "name", by = "given_name" }`
fn migrated(node: &Node<'_, '_>, registry: &Registry) -> Option<Migrated> {
    let fields = node.fields()?;
    let from = fields.need("from", "the id of the attribute that it is made of");
    let from = from.and_then(|from| from.name().map(Into::into));
    let by = fields.need("by", "a migration that the registry has");
    let by = by.and_then(|by| {
        let name = by.name()?;
        let found = registry.migration_named(name);
        if found.is_none() {
            let known: Vec<&str> = registry.migration_names().collect();
            by.unknown(name, format!("there is no migration `{name}`"), &known);
        }
        found
    });
    fields.close();
    Some(Migrated { from: from?, by: by? })
}

fn equivalence(node: &Node<'_, '_>, registry: &Registry) -> Option<Equivalence> {
    if node.is_text() {
        return match node.name()? {
            "exact" => Some(Equivalence::Exact),
            _ => normalizer(node, registry).map(Equivalence::Normalized),
        };
    }
    let fields = node.fields()?;
    let tolerance = fields.need("tolerance", "expected `\"exact\"`, a normalizer, or `{ tolerance = \"0.01\" }`")?;
    fields.close();
    let within = tolerance.decimal()?;
    if within <= Decimal::ZERO {
        tolerance.refuse(format!("a tolerance is more than nothing, found {within}"));
        return None;
    }
    Some(Equivalence::Tolerance(within))
}

fn mappings(fields: &Fields<'_, '_>, model: &EntityModel, kind: Option<&DeclaredKind>) -> Vec<DeclaredAt> {
    let known: Vec<&str> = model.objects.iter().map(|object| object.key.as_str()).collect();
    let mut mappings = Vec::new();
    for (object, node) in fields.entries_of("at") {
        if known.contains(&object) {
            mappings.extend(mapping(object, &node, kind));
        } else {
            node.unknown(object, format!("no object key `{object}` is declared on this entity"), &known);
        }
    }
    mappings
}

fn mapping(object: &str, node: &Node<'_, '_>, kind: Option<&DeclaredKind>) -> Option<DeclaredAt> {
    let in_currency = matches!(kind, Some(DeclaredKind::Known { in_currency: true, .. }));
    let wants_currency = "an amount needs its currency: `currency = \"USD\"`, or `currency_path = \"..\"`";
    let mut at = DeclaredAt { object: object.to_owned(), ..DeclaredAt::default() };
    if node.is_text() {
        node.text()?.clone_into(&mut at.path);
        if in_currency {
            node.refuse(wants_currency);
        }
        return Some(at);
    }
    let fields = node.fields()?;
    fields.reject("via", "a transform is code: map the attribute with the derive");
    let path = fields.need("path", "where the record holds the value").and_then(|path| path.text());
    let text = |key| fields.get(key).and_then(|node| node.text().map(ToOwned::to_owned));
    at.write = text("write");
    (at.currency, at.currency_path) = (currency(&fields), text("currency_path"));
    if in_currency && at.currency.is_some() == at.currency_path.is_some() && fields.get("currency").is_none() {
        node.refuse(wants_currency);
    } else if in_currency && at.currency.is_some() && at.currency_path.is_some() {
        node.refuse("`currency` and `currency_path` exclude each other");
    } else if kind.is_some() && !in_currency && (at.currency.is_some() || at.currency_path.is_some()) {
        node.refuse("only an amount has a currency");
    }
    (at.region, at.zone, at.format) = (region(&fields), zone(&fields), text("format"));
    at.via_object = fields.get("via_object").and_then(|node| {
        if kind.is_some() && !matches!(kind, Some(DeclaredKind::Reference)) {
            node.refuse("only attributes of kind `ref` take `via_object`: it says which object type their ids are of");
            return None;
        }
        node.name().map(ToOwned::to_owned)
    });
    at.separator = fields.get("separator").and_then(|node| node.character());
    at.direction = direction(&fields).unwrap_or_default();
    at.strength = strength(&fields).unwrap_or_default();
    fields.close();
    path?.clone_into(&mut at.path);
    Some(at)
}

fn currency(fields: &Fields<'_, '_>) -> Option<String> {
    let node = fields.get("currency")?;
    let code = node.text()?;
    if iso_currency::Currency::from_code(code).is_none() {
        node.refuse(format!("`{code}` is no ISO 4217 code; a path goes to `currency_path`"));
        return None;
    }
    Some(code.to_owned())
}

fn region(fields: &Fields<'_, '_>) -> Option<String> {
    let node = fields.get("region")?;
    let code = node.text()?;
    if rust_iso3166::from_alpha2(code).is_none() {
        node.refuse(format!("`{code}` is no ISO 3166 alpha-2 code"));
        return None;
    }
    Some(code.to_owned())
}

fn zone(fields: &Fields<'_, '_>) -> Option<String> {
    let node = fields.get("zone")?;
    let name = node.text()?;
    if name.parse::<chrono_tz::Tz>().is_err() {
        node.refuse(format!("`{name}` is no IANA time zone"));
        return None;
    }
    Some(name.to_owned())
}
