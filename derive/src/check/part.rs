//! Rules about a part.

use syn::{DeriveInput, LitStr, Path, parse_quote};

use crate::attr::ENTITY;
use crate::check::attribute::{Of, attribute};
use crate::check::{across, named};
use crate::errors::Errors;
use crate::model::{Attribute, Part};
use crate::syntax::{helpers, once, unknown, value};

/// Checks a part.
pub(crate) fn part(input: &DeriveInput, errors: &mut Errors) -> Option<Part> {
    let mut krate: Option<Path> = None;
    helpers(&input.attrs, errors, |name, input, errors| {
        if name != "crate" {
            return Err(unknown(name, &["crate"], &[("on an entity, not on a part", ENTITY)]));
        }
        let literal: LitStr = value(input)?;
        once(&mut krate, name, literal.parse_with(Path::parse_mod_style)?, errors);
        Ok(())
    });
    let fields = named(input, "CanonicalPart", errors)?;
    let members: Vec<Attribute> = fields.iter().filter_map(|field| attribute(field, Of::Part, errors)).collect();
    if members.is_empty() {
        errors.on(&input.ident, "a part has at least one member");
    }
    across::ids(&members, &[], errors);
    Some(Part {
        krate: krate.unwrap_or_else(|| parse_quote!(::accordant)),
        ident: input.ident.clone(),
        vis: input.vis.clone(),
        members,
    })
}
