//! The options of a field.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Attribute, Ident, LitStr, Token};

use crate::attr::at::{AtAttr, entries};
use crate::attr::decide::{
    DecideAttrs, DerivedAttr, EquivalenceAttr, MigratedAttr, NamedAttr, derived, equivalence, ids, migrated,
    normalizers,
};
use crate::errors::Errors;
use crate::syntax::{elements, helpers, once, unknown, value};

/// The options of a field.
#[derive(Debug, Default)]
pub(crate) struct FieldAttrs {
    pub(crate) at: Vec<AtAttr>,
    pub(crate) decide: DecideAttrs,
    pub(crate) identity: Option<Span>,
    pub(crate) pii: Option<Span>,
    pub(crate) hub: Option<Span>,
    pub(crate) normalize: Vec<NamedAttr>,
    pub(crate) normalize_span: Option<Span>,
    pub(crate) equivalence: Option<(Span, EquivalenceAttr)>,
    pub(crate) group: Option<LitStr>,
    pub(crate) id: Option<LitStr>,
    pub(crate) was: Vec<LitStr>,
    pub(crate) derived: Option<DerivedAttr>,
    pub(crate) migrated: Option<MigratedAttr>,
    pub(crate) set: Option<Span>,
    pub(crate) list: Option<Span>,
    pub(crate) part: Option<Span>,
    pub(crate) keyed: Option<Ident>,
    /// Whether an option could not be read: what seems to be missing may have been meant by it.
    pub(crate) unreadable: bool,
}

impl FieldAttrs {
    /// Reads the options of a field.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let before = errors.count();
        let mut read = Self::default();
        helpers(attributes, errors, |name, input, errors| read.item(name, input, errors));
        read.unreadable = errors.count() > before;
        read
    }

    fn item(&mut self, name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        let span = name.span();
        match name.to_string().as_str() {
            "at" => self.at.extend(entries(input, errors)?),
            "owner" | "resolve" | "on_clear" => self.decide.item(name, input, errors)?,
            "identity" => once(&mut self.identity, name, span, errors),
            "pii" => once(&mut self.pii, name, span, errors),
            "hub" => once(&mut self.hub, name, span, errors),
            "normalize" => {
                self.normalize_span = Some(span);
                self.normalize.extend(normalizers(input)?);
            }
            "equivalence" => once(&mut self.equivalence, name, (span, equivalence(input)?), errors),
            "group" => once(&mut self.group, name, value(input)?, errors),
            "id" => once(&mut self.id, name, value(input)?, errors),
            "was" => self.was.extend(ids(input, errors)?),
            "derived" => once(&mut self.derived, name, derived(name, input, errors)?, errors),
            "migrated" => {
                if let Some(read) = migrated(name, input, errors)? {
                    once(&mut self.migrated, name, read, errors);
                }
            }
            "set" => once(&mut self.set, name, span, errors),
            "list" => once(&mut self.list, name, span, errors),
            "part" => once(&mut self.part, name, span, errors),
            "keyed" => {
                let keys: Vec<Ident> =
                    if input.peek(Token![=]) { vec![value(input)?] } else { elements(input, errors)? };
                match <[Ident; 1]>::try_from(keys) {
                    Ok([key]) => once(&mut self.keyed, name, key, errors),
                    Err(_) => errors.on(name, "one member tells the elements apart: `keyed = sku`"),
                }
            }
            _ => return Err(unknown(name, super::FIELD, &[("on the struct", super::ENTITY)])),
        }
        Ok(())
    }
}
