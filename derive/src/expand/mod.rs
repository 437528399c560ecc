//! From the checked description to calls. No decisions are left to make here, and none are made in what is emitted.

mod attribute;
mod entity;
mod part;
mod value;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, Visibility};

pub(crate) use entity::entity;
pub(crate) use part::part;
pub(crate) use value::value;

/// A typed handle: `Customer::EMAIL`.
pub(crate) struct Handle<'a> {
    /// As visible as the type it belongs to.
    pub(crate) vis: &'a Visibility,
    pub(crate) name: &'a Ident,
    /// The struct.
    pub(crate) owner: &'a Ident,
    /// The value type.
    pub(crate) value: TokenStream,
    /// The stable id.
    pub(crate) id: TokenStream,
}

impl Handle<'_> {
    /// The constant.
    pub(crate) fn expand(&self, krate: &Path) -> TokenStream {
        let Self { vis, name, owner, value, id } = self;
        let doc = format!("The attribute `{}`.", id.to_string().trim_matches('"'));
        quote! {
            #[doc = #doc]
            #vis const #name: #krate::model::Attribute<#owner, #value> = #krate::model::Attribute::new(#id);
        }
    }
}
