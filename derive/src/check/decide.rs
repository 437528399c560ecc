//! Rules about owners and policies.

use crate::attr::{Arguments, DecideAttrs, NamedAttr, SystemAttr};
use crate::errors::{Errors, hint};
use crate::model::Decide;
use crate::syntax::Name;

/// The name of the hub's own system: operators' entries and derived values live there.
pub(crate) const HUB: &str = "hub";

/// The systems that an entity declares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Systems<'a>(pub(crate) &'a [SystemAttr]);

impl<'a> Systems<'a> {
    /// The object type of this key.
    pub(crate) fn object(self, key: &str) -> Option<&'a SystemAttr> {
        self.0.iter().find(|object| object.key.text == key)
    }

    /// Refuses a name that is no system of the entity.
    pub(crate) fn check_system(self, name: &Name, what: &str, errors: &mut Errors) {
        let known = |text: &str| text == HUB || self.0.iter().any(|object| object.system.text == text);
        if known(&name.text) {
            return;
        }
        if let Some(object) = self.object(&name.text) {
            let message =
                format_args!("`{}` is an object key; {what} names the system: `{}`", name.text, object.system.text);
            errors.at(name.span, message);
            return;
        }
        self.unknown(name, self.0.iter().map(|object| object.system.text.as_str()), errors);
    }

    /// Refuses a name that is no object key of the entity.
    pub(crate) fn check_object(self, name: &Name, errors: &mut Errors) {
        if name.text == HUB {
            errors.at(name.span, "the hub holds every attribute: mark the field `hub` if no system does");
        } else if self.object(&name.text).is_none() {
            self.unknown(name, self.0.iter().map(|object| object.key.text.as_str()), errors);
        }
    }

    fn unknown<'n>(self, name: &Name, known: impl Iterator<Item = &'n str> + Clone, errors: &mut Errors) {
        let message = format_args!("no system `{}` is declared on this entity{}", name.text, hint(&name.text, known));
        errors.at(name.span, message);
    }
}

/// Checks who decides about a unit.
pub(crate) fn decide(attrs: DecideAttrs, systems: Systems<'_>, errors: &mut Errors) -> Decide {
    let mut owners = attrs.owner.into_iter();
    let mut order: Vec<Name> = Vec::new();
    if let Some(first) = owners.next() {
        for second in owners {
            let all: Vec<&str> = first.systems.iter().chain(&second.systems).map(|name| name.text.as_str()).collect();
            let message = format_args!(
                "two owners without an order: name them in one list, the highest authority first: `owner({})`",
                all.join(", ")
            );
            errors.at(second.span, message);
        }
        for name in first.systems {
            systems.check_system(&name, "ownership", errors);
            if order.iter().any(|other| other.text == name.text) {
                errors.at(name.span, format_args!("owner `{}` is named twice", name.text));
            } else {
                order.push(name);
            }
        }
    }
    let chain = attrs.resolve.map(|(span, chain)| {
        if chain.is_empty() {
            errors.at(span, "`resolve` names at least one policy: `resolve(latest)`");
        }
        chain
    });
    let chain = chain.unwrap_or_default();
    for policy in &chain {
        policy_systems(policy, systems, errors);
    }
    Decide {
        owners: order.iter().map(Name::literal).collect(),
        chain,
        propagate: attrs.on_clear.map(|on_clear| on_clear.propagate),
    }
}

/// The systems that a built-in policy names are systems of the entity, each named once.
fn policy_systems(policy: &NamedAttr, systems: Systems<'_>, errors: &mut Errors) {
    let NamedAttr::Builtin(builtin) = policy else { return };
    let names: Vec<&Name> = match &builtin.arguments {
        Arguments::Systems(names) => names.iter().collect(),
        Arguments::Weights(weights) => weights.iter().map(|(name, _)| name).collect(),
        Arguments::Other(_) => return,
    };
    for (index, name) in names.iter().enumerate() {
        systems.check_system(name, "a policy", errors);
        if names[..index].iter().any(|other| other.text == name.text) {
            errors.at(name.span, format_args!("system `{}` is named twice", name.text));
        }
    }
}
