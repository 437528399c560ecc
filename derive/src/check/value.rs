//! Rules about a value type: an enum of plain variants, or a struct around one value.

use std::collections::BTreeSet;

use syn::ext::IdentExt as _;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, LitStr, parse_quote};

use crate::attr::{ValueAttrs, VariantAttrs};
use crate::check::plain;
use crate::errors::Errors;
use crate::model::{ValueBody, ValueType, Variant};

/// Checks a value type.
pub(crate) fn value(input: &DeriveInput, errors: &mut Errors) -> Option<ValueType> {
    let attrs = ValueAttrs::read(&input.attrs, errors);
    plain(input, "CanonicalValue", errors);
    let body = match &input.data {
        Data::Enum(data) => {
            if let Some((span, _)) = attrs.normalize {
                errors.at(span, "an enum's canonical text is one of its ids; `normalize` is for newtypes");
            }
            if let Some(span) = attrs.amount {
                errors.at(span, "`amount` is for newtypes of `Money`");
            }
            ValueBody::Enum(variants(data, &input.ident, errors), attrs.ordered)
        }
        Data::Struct(data) => {
            if let Some(span) = attrs.ordered {
                errors.at(span, "`ordered` is for enums: the order is that of the variants");
            }
            let Fields::Unnamed(fields) = &data.fields else {
                errors.on(
                    &input.ident,
                    "`CanonicalValue` is for enums and newtypes (`struct Sku(String)`); a struct of several values derives `CanonicalPart`",
                );
                return None;
            };
            let [inner] = fields.unnamed.iter().collect::<Vec<_>>()[..] else {
                errors
                    .on(&data.fields, "a newtype holds one value; a struct of several values derives `CanonicalPart`");
                return None;
            };
            ValueBody::Newtype {
                inner: Box::new(inner.ty.clone()),
                normalize: attrs.normalize.map(|(_, normalize)| normalize).unwrap_or_default(),
                amount: attrs.amount.is_some(),
            }
        }
        Data::Union(data) => {
            errors.at(data.union_token.span, "`CanonicalValue` is for enums and newtypes");
            return None;
        }
    };
    if let Some(version) = &attrs.version
        && !version.base10_parse::<u16>().is_ok_and(|version| version > 0)
    {
        errors.on(version, "a version is a whole number from 1 to 65535");
    }
    let kind = attrs.kind.unwrap_or_else(|| snake(&input.ident));
    Some(ValueType {
        krate: attrs.krate.unwrap_or_else(|| parse_quote!(::accordant)),
        ident: input.ident.clone(),
        kind,
        version: attrs.version,
        body,
    })
}

fn variants(data: &DataEnum, ident: &Ident, errors: &mut Errors) -> Vec<Variant> {
    if data.variants.is_empty() {
        errors.on(ident, "an enum without variants has no values");
    }
    let mut variants: Vec<Variant> = Vec::new();
    for variant in &data.variants {
        let attrs = VariantAttrs::read(&variant.attrs, errors);
        if !matches!(variant.fields, Fields::Unit) {
            let message =
                format_args!("variant `{}` carries data; a canonical enum is a choice among names", variant.ident);
            errors.on(&variant.fields, message);
        }
        let mut at: Vec<(LitStr, Vec<_>)> = Vec::new();
        for (object, spellings) in attrs.at {
            if at.iter().any(|(other, _)| other.value() == object.text) {
                errors.at(object.span, format_args!("spelled for `{}` twice", object.text));
            }
            at.push((object.literal(), spellings));
        }
        let id = attrs.id.unwrap_or_else(|| snake(&variant.ident));
        for text in std::iter::once(&id).chain(&attrs.was) {
            let other = variants
                .iter()
                .find(|other| std::iter::once(&other.id).chain(&other.was).any(|other| other.value() == text.value()));
            if text.value().is_empty() {
                errors.on(text, "the canonical text of a variant is not empty");
            } else if let Some(other) = other {
                errors.on(text, format_args!("`{}` already means `{}`", text.value(), other.ident));
            }
        }
        variants.push(Variant { ident: variant.ident.clone(), id, was: attrs.was, at });
    }
    spelled_apart(&variants, errors);
    variants
}

/// In each system, a spelling means one variant. A variant without a spelling of its own is spelled by its id.
fn spelled_apart(variants: &[Variant], errors: &mut Errors) {
    let objects: BTreeSet<String> =
        variants.iter().flat_map(|variant| &variant.at).map(|(object, _)| object.value()).collect();
    for object in &objects {
        let mut seen: Vec<(String, &Ident)> = Vec::new();
        // Spelled variants come last: where a default clashes with a spelling, the spelling is what to edit.
        let is_spelled = |variant: &&Variant| variant.at.iter().any(|(other, _)| other.value() == *object);
        for variant in variants.iter().filter(|variant| !is_spelled(variant)) {
            seen.push((variant.id.value(), &variant.ident));
        }
        for variant in variants.iter().filter(is_spelled) {
            let spellings = variant.at.iter().filter(|(other, _)| other.value() == *object).flat_map(|(_, all)| all);
            for spelling in spellings {
                let text = spelling.text();
                if text.is_empty() {
                    errors.at(spelling.span(), "an empty spelling would read as no value");
                } else if let Some((_, other)) = seen.iter().find(|(seen, _)| *seen == text) {
                    errors.at(spelling.span(), format_args!("`{object}` already spells `{other}` as `{text}`"));
                }
                seen.push((text, &variant.ident));
            }
        }
    }
}

/// `on_hold` for `OnHold`.
fn snake(ident: &Ident) -> LitStr {
    let mut text = String::new();
    let name = ident.unraw().to_string();
    let characters: Vec<char> = name.chars().collect();
    for (index, character) in characters.iter().enumerate() {
        let starts_word = character.is_uppercase()
            && index > 0
            && (!characters[index - 1].is_uppercase()
                || characters.get(index + 1).is_some_and(|next| next.is_lowercase()));
        if starts_word && !text.ends_with('_') {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    LitStr::new(&text, ident.span())
}
