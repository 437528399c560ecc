//! Who decides: owners, policies, what clearing does. The same words for attributes and groups.

use std::sync::Arc;

use crate::hub;
use crate::model::SystemObject;
use crate::model::overlay::read::{Fields, Node};
use crate::ownership::{Direction, OnClear, Strength};
use crate::policy::{AnyPolicy, PolicyMistake, PolicySpec, Registry};

/// What a file says of who decides; what it does not say is `None`.
#[derive(Default)]
pub(super) struct Decide {
    pub(super) owners: Option<Vec<String>>,
    pub(super) chain: Option<Vec<Arc<dyn AnyPolicy>>>,
    pub(super) on_clear: Option<OnClear>,
}

/// Reads `owner`, `resolve` and `on_clear`, for values of `kind`. Policies of an unknown kind are not looked up.
pub(super) fn decide(
    fields: &Fields<'_, '_>,
    objects: &[SystemObject],
    kind: Option<&str>,
    registry: &Registry,
) -> Decide {
    let chain = fields.get("resolve").map(|node| {
        let items = node.items();
        items.iter().filter_map(|item| policy(item, objects, kind, registry)).collect()
    });
    Decide {
        owners: fields.get("owner").map(|node| systems(&node, objects)),
        chain,
        on_clear: fields
            .get("on_clear")
            .and_then(|node| node.word(&[("propagate", OnClear::Propagate), ("hold", OnClear::Hold)])),
    }
}

fn policy(
    item: &Node<'_, '_>,
    objects: &[SystemObject],
    kind: Option<&str>,
    registry: &Registry,
) -> Option<Arc<dyn AnyPolicy>> {
    let spec = PolicySpec::of(item.value()).map_err(|error| item.refuse(error.to_string())).ok()?;
    let known = known_systems(objects);
    for system in spec.systems().into_iter().filter(|system| !known.contains(system)) {
        item.unknown(system, format!("`{system}` is not a system of this entity"), &known);
    }
    let mistakes = match registry.policy(kind?, &spec) {
        Ok(policy) => return Some(policy),
        Err(mistakes) => mistakes,
    };
    for mistake in mistakes {
        match mistake {
            PolicyMistake::Unknown(unknown) => {
                let known: Vec<&str> = unknown.known.iter().map(String::as_str).collect();
                let problem = format!("there is no policy `{}` for values of kind `{}`", unknown.name, unknown.kind);
                item.unknown(&unknown.name, problem, &known);
            }
            parameter @ PolicyMistake::Parameter { .. } => item.refuse(parameter.to_string()),
        }
    }
    None
}

/// The systems of the entity, each once, in the order of declaration; last the hub.
fn known_systems(objects: &[SystemObject]) -> Vec<&str> {
    let mut known: Vec<&str> = Vec::new();
    for system in objects.iter().map(|object| object.system.as_str()).chain([hub::SYSTEM]) {
        if !known.contains(&system) {
            known.push(system);
        }
    }
    known
}

/// Reads systems of the entity; the hub is one of every entity.
pub(super) fn systems(node: &Node<'_, '_>, objects: &[SystemObject]) -> Vec<String> {
    let known = known_systems(objects);
    let mut systems = Vec::new();
    for (item, name) in node.names() {
        if known.contains(&name) {
            systems.push(name.to_owned());
        } else {
            item.unknown(name, format!("`{name}` is not a system of this entity"), &known);
        }
    }
    systems
}

/// Reads the direction; `None` if the file says nothing of it.
pub(super) fn direction(fields: &Fields<'_, '_>) -> Option<Direction> {
    match (fields.flag("read_only"), fields.flag("write_only")) {
        (None, None) => None,
        (Some(true), Some(true)) => {
            fields.refuse("`read_only` and `write_only` exclude each other");
            None
        }
        (Some(true), _) => Some(Direction::ReadOnly),
        (_, Some(true)) => Some(Direction::WriteOnly),
        (Some(false), _) | (_, Some(false)) => Some(Direction::Both),
    }
}

/// Reads the strength, as a word or by the flags that the derive has; `None` if the file says nothing of it.
pub(super) fn strength(fields: &Fields<'_, '_>) -> Option<Strength> {
    let words = [("weak", Strength::Weak), ("normal", Strength::Normal), ("strong", Strength::Strong)];
    let word = fields.get("strength").and_then(|node| node.word(&words));
    let weak = fields.flag("weak").filter(|weak| *weak).map(|_| Strength::Weak);
    let strong = fields.flag("strong").filter(|strong| *strong).map(|_| Strength::Strong);
    let mut said = [word, weak, strong].into_iter().flatten();
    let first = said.next();
    if said.any(|other| Some(other) != first) {
        fields.refuse("more than one strength is given");
    }
    first
}
