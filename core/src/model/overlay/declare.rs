//! From a file's words to the builders that the derive calls: so both make the same model.

use std::borrow::Cow;
use std::sync::Arc;

use crate::equivalence::{Equivalence, Normalizer};
use crate::fingerprint::Fingerprint;
use crate::model::{At, AttributeModel, Shape, TypedAttribute};
use crate::ownership::{Direction, OnClear, Strength};
use crate::value::{InCurrency, OneLeaf, Value};

/// An attribute as a file declares it, its policies aside.
#[derive(Debug, Default)]
pub(crate) struct Declaration {
    pub(super) id: String,
    pub(super) was: Vec<String>,
    pub(super) required: bool,
    pub(super) identity: bool,
    pub(super) pii: bool,
    pub(super) hub: bool,
    pub(super) group: Option<String>,
    pub(super) owners: Vec<String>,
    pub(super) shape: Shape,
    pub(super) normalizers: Vec<Arc<dyn Normalizer>>,
    pub(super) equivalence: Equivalence,
    pub(super) on_clear: Option<OnClear>,
    pub(super) at: Vec<DeclaredAt>,
}

/// Where an object type holds it.
#[derive(Debug, Default)]
pub(crate) struct DeclaredAt {
    pub(super) object: String,
    pub(super) path: String,
    pub(super) write: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) currency_path: Option<String>,
    pub(super) direction: Direction,
    pub(super) strength: Strength,
    pub(super) region: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) format: Option<String>,
    pub(super) separator: Option<char>,
    /// Of a reference alone.
    pub(super) via_object: Option<String>,
}

/// A normalizer that is shared with the registry.
struct Shared(Arc<dyn Normalizer>);

impl Normalizer for Shared {
    fn name(&self) -> Cow<'static, str> {
        self.0.name()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        self.0.fingerprint(fingerprint);
    }

    fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.normalize(text)
    }
}

/// Declares an attribute whose value one leaf determines.
pub(crate) fn declare<T: OneLeaf>(declaration: Declaration) -> AttributeModel {
    build::<T>(declaration, |at| At::path(&at.object, &at.path))
}

/// Declares an attribute whose value is an amount.
pub(crate) fn declare_amount<T: InCurrency>(declaration: Declaration) -> AttributeModel {
    build::<T>(declaration, |at| match &at.currency_path {
        Some(currency) => At::amount_with_currency_at(&at.object, &at.path, currency),
        None => At::amount_in(&at.object, &at.path, at.currency.as_deref().unwrap_or_default()),
    })
}

fn build<T: Value>(declaration: Declaration, at: impl Fn(&DeclaredAt) -> At<T>) -> AttributeModel {
    let mut attribute = TypedAttribute::<T>::new(&declaration.id)
        .required(declaration.required)
        .shape(declaration.shape)
        .equivalence(declaration.equivalence);
    for id in &declaration.was {
        attribute = attribute.was(id);
    }
    for owner in &declaration.owners {
        attribute = attribute.owner(owner);
    }
    for normalizer in declaration.normalizers {
        attribute = attribute.normalize(Shared(normalizer));
    }
    if declaration.identity {
        attribute = attribute.identity();
    }
    if declaration.pii {
        attribute = attribute.pii();
    }
    if declaration.hub {
        attribute = attribute.hub();
    }
    if let Some(group) = &declaration.group {
        attribute = attribute.group(group);
    }
    if let Some(on_clear) = declaration.on_clear {
        attribute = attribute.on_clear(on_clear);
    }
    for declared in &declaration.at {
        attribute = attribute.at(settle(at(declared), declared));
    }
    attribute.erase()
}

fn settle<T: Value>(mut at: At<T>, declared: &DeclaredAt) -> At<T> {
    if let Some(path) = &declared.write {
        at = at.write_to(&[path]);
    }
    at = match declared.direction {
        Direction::Both => at,
        Direction::ReadOnly => at.read_only(),
        Direction::WriteOnly => at.write_only(),
    };
    at = match declared.strength {
        Strength::Normal => at,
        Strength::Weak => at.weak(),
        Strength::Strong => at.strong(),
    };
    if let Some(region) = &declared.region {
        at = at.region(region);
    }
    if let Some(zone) = &declared.zone {
        at = at.zone(zone);
    }
    if let Some(format) = &declared.format {
        at = at.format(format);
    }
    match declared.separator {
        Some(separator) => at.separator(separator),
        None => at,
    }
}
