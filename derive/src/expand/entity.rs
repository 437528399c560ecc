//! An entity: the model as data, the way back to the struct, the handles.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path};

use crate::attr::{PresenceAttr, SystemAttr};
use crate::expand::handles;
use crate::model::{Attribute, Entity, Group};

/// Expands an entity.
pub(crate) fn entity(entity: &Entity) -> TokenStream {
    let Entity { krate, ident, vis, name, retired, existence, .. } = entity;
    let objects = entity.objects.iter().map(|object| object.expand(krate));
    let groups = entity.groups.iter().map(|group| group.expand(krate));
    let attributes = entity.attributes.iter().map(|attribute| attribute.statement(krate));
    let on_delete = entity.on_delete.as_ref().map(|word| {
        let on_delete = variant(word);
        quote! { model.on_delete = #krate::model::OnDelete::#on_delete; }
    });
    let on_loss = entity.on_loss.as_ref().map(|word| {
        let on_loss = variant(word);
        quote! { model.on_loss = #krate::model::OnLoss::#on_loss; }
    });
    let handles = handles(ident, entity.attributes.iter().map(|attribute| attribute.handle(krate, vis, ident)));
    let read = reader(&entity.attributes, krate);
    quote! {
        #[automatically_derived]
        impl #krate::model::Canonical for #ident {
            const ENTITY: &'static str = #name;

            fn model() -> #krate::model::EntityModel {
                let mut model = #krate::model::EntityModel::new(#name);
                #(model.object(#objects);)*
                #(model.retired(#retired);)*
                #(model.existence_owners.push(#existence.into());)*
                #on_delete
                #on_loss
                #(#attributes)*
                #(model.group(#groups);)*
                model
            }

            fn read(
                golden: &#krate::model::GoldenReader<'_>,
            ) -> ::core::result::Result<Self, #krate::model::Incomplete> {
                #read
            }
        }

        #handles
    }
}

/// Reads every attribute before it fails, so that all that is missing is named.
fn reader(attributes: &[Attribute], krate: &Path) -> TokenStream {
    let reads = attributes.iter().map(|attribute| attribute.read(krate));
    let needed: Vec<Ident> =
        attributes.iter().filter(|attribute| attribute.may_be_missing()).map(Attribute::local).collect();
    let fields = attributes.iter().map(|attribute| {
        let (field, local) = (&attribute.field, attribute.local());
        quote! { #field: #local }
    });
    let missing = (!needed.is_empty()).then(|| {
        quote! {
            let mut missing = #krate::model::Incomplete::default();
        }
    });
    let complete = (!needed.is_empty()).then(|| {
        quote! {
            let (#(::core::option::Option::Some(#needed),)*) = (#(#needed,)*) else {
                return ::core::result::Result::Err(missing);
            };
        }
    });
    let golden = attributes.is_empty().then(|| quote! { let _ = golden; });
    quote! {
        #missing
        #golden
        #(#reads)*
        #complete
        ::core::result::Result::Ok(Self { #(#fields,)* })
    }
}

impl SystemAttr {
    fn expand(&self, krate: &Path) -> TokenStream {
        let (system, object) = (self.system.literal(), &self.object);
        let key = (self.key.text != self.system.text).then(|| {
            let key = self.key.literal();
            quote! { .key(#key) }
        });
        let many = self.many.iter().map(|(reduce, write)| {
            let reduce = variant(reduce);
            let write = variant(write);
            quote! { .many(#krate::model::Reduce::#reduce, #krate::model::WriteTo::#write) }
        });
        let presence = self.presence.iter().map(|presence| match presence {
            PresenceAttr::Always => quote! { .required() },
            PresenceAttr::When(attribute, equals) => {
                let attribute = attribute.literal();
                match equals {
                    None => quote! { .required_when(#attribute) },
                    Some(value) => quote! { .required_when_equals(#attribute, #value) },
                }
            }
        });
        let links_only = self.links_only.then(|| quote! { .links_only() });
        let on_delete =
            self.on_delete.as_ref().map(variant).map(|word| quote! { .on_delete(#krate::model::OnDelete::#word) });
        let on_loss = self.on_loss.as_ref().map(variant).map(|word| quote! { .on_loss(#krate::model::OnLoss::#word) });
        let needs = self.create_needs.iter().map(crate::syntax::Name::literal);
        quote! {
            #krate::model::SystemObject::new(#system, #object)
                #key #(#many)* #(#presence)* #links_only #(.create_needs(#needs))* #on_delete #on_loss
        }
    }
}

impl Group {
    fn expand(&self, krate: &Path) -> TokenStream {
        let name = &self.name;
        let decide = self.decide.expand(krate);
        quote! { #krate::model::GroupModel::new(#name) #decide }
    }
}

/// The variant that a word of the syntax stands for: `Latest` for `latest`.
fn variant(word: &Ident) -> Ident {
    let mut text = word.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Ident::new(&text, word.span())
}
