//! The impl that stands beside mistakes, so that the rest of the user's crate compiles and one mistake gives one
//! message. It is never run: the crate does not build.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident, Path, Type, parse_quote};

use crate::attr::{EntityAttrs, FieldAttrs};
use crate::check::{element, handle};
use crate::errors::Errors;
use crate::expand::Handle;

/// The skeleton of an entity.
pub(crate) fn entity(input: &DeriveInput) -> TokenStream {
    let krate = EntityAttrs::read(&input.attrs, &mut Errors::default()).krate.unwrap_or_else(default_crate);
    let implementation = quote! {
        #krate::model::Canonical
    };
    let body = quote! {
        const ENTITY: &'static str = "";
        fn model() -> #krate::model::EntityModel {
            ::core::unimplemented!()
        }
        fn read(_: &#krate::model::GoldenReader<'_>) -> ::core::result::Result<Self, #krate::model::Incomplete> {
            ::core::unimplemented!()
        }
    };
    skeleton(input, &krate, &implementation, &body)
}

/// The skeleton of a part.
pub(crate) fn part(input: &DeriveInput) -> TokenStream {
    let krate = default_crate();
    let implementation = quote! { #krate::model::Part };
    let body = quote! {
        fn members() -> ::std::vec::Vec<#krate::model::MemberModel> {
            ::core::unimplemented!()
        }
        fn from_fields(_: &[#krate::value::Field]) -> ::core::option::Option<Self> {
            ::core::unimplemented!()
        }
        fn to_fields(&self) -> ::std::vec::Vec<#krate::value::Field> {
            ::core::unimplemented!()
        }
    };
    skeleton(input, &krate, &implementation, &body)
}

/// The skeleton of a value type.
pub(crate) fn value(input: &DeriveInput) -> TokenStream {
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let krate = default_crate();
    let ident = &input.ident;
    quote! {
        #[automatically_derived]
        impl #krate::value::Value for #ident {
            const KIND: #krate::value::Kind = #krate::value::Kind { name: "", version: 1 };
            fn parse(
                _: #krate::value::Leaf<'_>,
                _: &#krate::value::Hints,
            ) -> ::core::result::Result<Self, #krate::value::Malformed> {
                ::core::unimplemented!()
            }
            fn canonical(&self, _: &mut ::std::string::String) {}
            fn from_canonical(_: &str) -> ::core::result::Result<Self, #krate::value::Malformed> {
                ::core::unimplemented!()
            }
            fn native(&self, _: &#krate::value::Hints) -> #krate::value::Native {
                ::core::unimplemented!()
            }
        }
        #[automatically_derived]
        impl #krate::value::OneLeaf for #ident {}
    }
}

fn default_crate() -> Path {
    parse_quote!(::accordant)
}

fn skeleton(input: &DeriveInput, krate: &Path, implementation: &TokenStream, body: &TokenStream) -> TokenStream {
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let ident = &input.ident;
    let handles = handles(input, krate);
    quote! {
        #[automatically_derived]
        impl #implementation for #ident {
            #body
        }
        #[automatically_derived]
        impl #ident {
            #(#handles)*
        }
    }
}

/// The handles, as far as the fields can be made out.
fn handles(input: &DeriveInput, krate: &Path) -> Vec<TokenStream> {
    let Data::Struct(data) = &input.data else { return Vec::new() };
    let Fields::Named(fields) = &data.fields else { return Vec::new() };
    let fields = fields.named.iter().filter_map(|field| {
        let attrs = FieldAttrs::read(&field.attrs, &mut Errors::default());
        let name: &Ident = field.ident.as_ref()?;
        let several = attrs.set.is_some() || attrs.list.is_some() || attrs.keyed.is_some();
        let ty: Type = if several { element(&field.ty)? } else { field.ty.clone() };
        let value = if several {
            quote! { #ty }
        } else if attrs.part.is_some() {
            quote! { <#ty as #krate::__private::PartSlot>::Part }
        } else {
            quote! { <#ty as #krate::value::Slot>::Value }
        };
        let id = name.to_string();
        Some(
            Handle { vis: &input.vis, name: &handle(name), owner: &input.ident, value, id: quote! { #id } }
                .expand(krate),
        )
    });
    fields.collect()
}
