//! The syntax of `#[canonical(..)]` as structs. No rules yet but those of one item.

mod at;
mod decide;
mod entity;
mod field;
mod value;

pub(crate) use at::{AtAttr, Currency, Push, Way};
pub(crate) use decide::{Arguments, Builtin, DecideAttrs, EquivalenceAttr, MigratedAttr, NamedAttr};
pub(crate) use entity::{EntityAttrs, GroupAttr, PresenceAttr, SystemAttr};
pub(crate) use field::FieldAttrs;
pub(crate) use value::{Spelling, ValueAttrs, VariantAttrs};

/// Options of a field.
pub(crate) const FIELD: &[&str] = &[
    "at",
    "owner",
    "resolve",
    "identity",
    "pii",
    "normalize",
    "equivalence",
    "group",
    "id",
    "was",
    "on_clear",
    "hub",
    "set",
    "list",
    "part",
    "keyed",
    "derived",
    "migrated",
];
/// Options of an entity struct.
pub(crate) const ENTITY: &[&str] = &["entity", "system", "retired", "existence", "on_delete", "group", "crate"];
