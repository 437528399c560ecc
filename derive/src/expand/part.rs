//! A part: its members, and the way between the struct and their fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use crate::expand::handles;
use crate::model::{Attribute, Part};

/// Expands a part.
pub(crate) fn part(part: &Part) -> TokenStream {
    let Part { krate, ident, vis, members } = part;
    let described = members.iter().map(|member| member.described(krate));
    let handles = handles(ident, members.iter().map(|member| member.handle(krate, vis, ident)));
    let fields: Vec<&Ident> = members.iter().map(|member| &member.field).collect();
    let types = members.iter().map(|member: &Attribute| &member.ty);
    let index = 0..members.len();
    quote! {
        #[automatically_derived]
        impl #krate::model::Part for #ident {
            fn members() -> ::std::vec::Vec<#krate::model::MemberModel> {
                ::std::vec::Vec::from([#(#krate::model::MemberModel::new(#described)),*])
            }

            fn from_fields(fields: &[#krate::value::Field]) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self {
                    #(#fields: #krate::__private::member::<#types>(fields, #index)?,)*
                })
            }

            fn to_fields(&self) -> ::std::vec::Vec<#krate::value::Field> {
                ::std::vec::Vec::from([#(#krate::__private::AsField::as_field(&self.#fields)),*])
            }
        }

        #handles
    }
}
