//! A value type: a table of variants, or calls to the type inside.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Type;

use crate::attr::{NamedAttr, Spelling};
use crate::model::{ValueBody, ValueType, Variant};

/// Expands a value type.
pub(crate) fn value(value: &ValueType) -> TokenStream {
    match &value.body {
        ValueBody::Enum(variants, ordered) => enumeration(value, variants, *ordered),
        ValueBody::Newtype { inner, normalize, amount } => newtype(value, inner, normalize, *amount),
    }
}

fn enumeration(value: &ValueType, variants: &[Variant], ordered: Option<Span>) -> TokenStream {
    let ValueType { krate, ident, kind, .. } = value;
    let version = value.version.as_ref().map_or_else(|| quote!(1), |version| quote!(#version));
    let ids: Vec<_> = variants.iter().map(|variant| &variant.id).collect();
    let variants = variants.iter().map(|variant| {
        let Variant { ident: name, id, was, at } = variant;
        let at = at.iter().map(|(object, spellings)| {
            let spellings = spellings.iter().map(|spelling| {
                let leaf = match spelling {
                    Spelling::Text(text) => quote! { Text(#text) },
                    Spelling::Bool(literal) => quote! { Bool(#literal) },
                    Spelling::Number(number) => {
                        let digits = number.base10_digits();
                        quote! { Number(#digits) }
                    }
                };
                quote! { #krate::value::Leaf::#leaf }
            });
            quote! { (#object, &[#(#spellings),*]) }
        });
        quote! {
            #krate::__private::Variant { value: #ident::#name, id: #id, was: &[#(#was),*], at: &[#(#at),*] }
        }
    });
    let unknown = format!("unknown variant of {}", kind.value());
    let ordered = ordered.map(|_| {
        quote! {
            #[automatically_derived]
            impl #krate::value::Ordered for #ident {
                fn compare(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                    VARIANTS.compare(self, other)
                }
            }
        }
    });
    quote! {
        const _: () = {
            const VARIANTS: #krate::__private::Variants<#ident> =
                #krate::__private::Variants { unknown: #unknown, all: &[#(#variants),*] };

            #[automatically_derived]
            impl #krate::value::Value for #ident {
                const KIND: #krate::value::Kind = #krate::value::Kind { name: #kind, version: #version };

                fn parse(
                    leaf: #krate::value::Leaf<'_>,
                    hints: &#krate::value::Hints,
                ) -> ::core::result::Result<Self, #krate::value::Malformed> {
                    VARIANTS.parse(leaf, hints)
                }

                fn canonical(&self, out: &mut ::std::string::String) {
                    VARIANTS.canonical(self, out);
                }

                fn from_canonical(text: &str) -> ::core::result::Result<Self, #krate::value::Malformed> {
                    VARIANTS.from_canonical(text)
                }

                fn native(&self, hints: &#krate::value::Hints) -> #krate::value::Native {
                    VARIANTS.native(self, hints)
                }

                fn samples() -> &'static [&'static str] {
                    &[#(#ids),*]
                }
            }

            #[automatically_derived]
            impl #krate::value::OneLeaf for #ident {}

            #ordered
        };
    }
}

fn newtype(value: &ValueType, inner: &Type, normalize: &[NamedAttr], amount: bool) -> TokenStream {
    let ValueType { krate, ident, kind, .. } = value;
    let version = value
        .version
        .as_ref()
        .map_or_else(|| quote! { <#inner as #krate::value::Value>::KIND.version }, |version| quote!(#version));
    let parse = if normalize.is_empty() {
        quote! { <#inner as #krate::value::Value>::parse(leaf, hints).map(Self) }
    } else {
        let normalize = normalize.iter().map(|normalizer| normalizer.expand(krate, &quote! { normalize }));
        quote! { #krate::__private::normalized::<#inner>(leaf, hints, &[#(&#normalize),*]).map(Self) }
    };
    let marker = if amount { quote!(InCurrency) } else { quote!(OneLeaf) };
    quote! {
        #[automatically_derived]
        impl #krate::value::Value for #ident {
            const KIND: #krate::value::Kind = #krate::value::Kind { name: #kind, version: #version };

            fn parse(
                leaf: #krate::value::Leaf<'_>,
                hints: &#krate::value::Hints,
            ) -> ::core::result::Result<Self, #krate::value::Malformed> {
                #parse
            }

            fn canonical(&self, out: &mut ::std::string::String) {
                #krate::value::Value::canonical(&self.0, out);
            }

            fn from_canonical(text: &str) -> ::core::result::Result<Self, #krate::value::Malformed> {
                <#inner as #krate::value::Value>::from_canonical(text).map(Self)
            }

            fn native(&self, hints: &#krate::value::Hints) -> #krate::value::Native {
                #krate::value::Value::native(&self.0, hints)
            }

            fn reference() -> ::core::option::Option<&'static str> {
                <#inner as #krate::value::Value>::reference()
            }

            fn samples() -> &'static [&'static str] {
                <#inner as #krate::value::Value>::samples()
            }
        }

        #[automatically_derived]
        impl #krate::value::#marker for #ident {}
    }
}
