//! Rules across fields: from attributes as written to the checked description. Collects every mistake.

mod across;
mod at;
mod attribute;
mod decide;
mod entity;
mod part;
mod value;

use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Field, Fields, Token};

use crate::errors::Errors;

pub(crate) use attribute::{element, handle};
pub(crate) use entity::entity;
pub(crate) use part::part;
pub(crate) use value::value;

/// The fields of a plain struct with named fields; anything else is a mistake.
fn named<'a>(input: &'a DeriveInput, what: &str, errors: &mut Errors) -> Option<&'a Punctuated<Field, Token![,]>> {
    plain(input, what, errors);
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Some(&fields.named),
            Fields::Unnamed(_) | Fields::Unit => {
                errors.on(&input.ident, format_args!("`{what}` needs named fields: each is an attribute"));
                None
            }
        },
        Data::Enum(data) => {
            let message = format_args!("`{what}` is for structs; an enum of values derives `CanonicalValue`");
            errors.at(data.enum_token.span, message);
            None
        }
        Data::Union(data) => {
            errors.at(data.union_token.span, format_args!("`{what}` is for structs"));
            None
        }
    }
}

/// Refuses generics: a model is data, and data has no type parameters.
fn plain(input: &DeriveInput, what: &str, errors: &mut Errors) {
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, format_args!("`{what}` is for types without generics: a model describes one type"));
    }
}
