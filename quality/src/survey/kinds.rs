//! Which rules can be asked of attributes, by the canonical form of their types.

use accordant::value::KIND_NAMES;

use crate::check::{Relation, Rule};

/// What a canonical text can be read as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Number,
    Moment,
    /// Texts, and types of the user's own: whatever they hold.
    Any,
    /// An amount beside its currency, an address, a code.
    Neither,
}

fn reads(kind: &str) -> Reads {
    match kind {
        "integer" | "unsigned" | "decimal" => Reads::Number,
        "date" | "instant" => Reads::Moment,
        "ref" => Reads::Neither,
        kind if kind == "text" || !KIND_NAMES.contains(&kind) => Reads::Any,
        _ => Reads::Neither,
    }
}

/// Whether a rule can be asked of attributes of these kinds, which are those of its columns.
pub(super) fn fits(rule: &Rule, kinds: &[&str]) -> bool {
    let all = |wanted: Reads| kinds.iter().all(|kind| reads(kind) == wanted || reads(kind) == Reads::Any);
    match rule {
        Rule::Between { .. } => all(Reads::Number),
        Rule::Fresh { .. } => all(Reads::Moment),
        Rule::Related { relation: Relation::Less | Relation::AtMost, .. } => all(Reads::Number) || all(Reads::Moment),
        _ => true,
    }
}
