//! From the checked description to calls. No decisions are left to make here, and none are made in what is emitted.

mod attribute;
mod entity;
mod part;
mod value;

#[cfg(test)]
mod tests;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
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

/// The path to `accordant`, as if the user had written it at `span`: rustc reports a whole path where it starts.
fn krate_at(krate: &Path, span: Span) -> TokenStream {
    let respanned = krate.to_token_stream().into_iter().map(|mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    });
    respanned.collect()
}

/// The impl that holds the handles of `owner`.
fn handles(owner: &Ident, handles: impl Iterator<Item = TokenStream>) -> TokenStream {
    quote! {
        #[automatically_derived]
        #[allow(dead_code, reason = "handles are offered, not owed")]
        impl #owner {
            #(#handles)*
        }
    }
}
