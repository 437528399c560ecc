//! The options of `CanonicalValue`: of an enum, of its variants, of a newtype.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, LitBool, LitInt, LitStr, Path, Token};

use crate::attr::decide::{NamedAttr, ids, normalizers};
use crate::attr::entity::krate;
use crate::errors::Errors;
use crate::syntax::{Name, helpers, inside, items, once, unknown, value};

const TYPE: &[&str] = &["kind", "version", "ordered", "normalize", "amount", "crate"];
const VARIANT: &[&str] = &["id", "was", "at"];

/// The options of the type.
#[derive(Debug, Default)]
pub(crate) struct ValueAttrs {
    pub(crate) kind: Option<LitStr>,
    pub(crate) version: Option<LitInt>,
    pub(crate) ordered: Option<Span>,
    pub(crate) amount: Option<Span>,
    pub(crate) normalize: Option<(Span, Vec<NamedAttr>)>,
    pub(crate) krate: Option<Path>,
}

/// The options of a variant.
#[derive(Debug, Default)]
pub(crate) struct VariantAttrs {
    pub(crate) id: Option<LitStr>,
    pub(crate) was: Vec<LitStr>,
    /// Per object key: how it spells the variant; the first is written.
    pub(crate) at: Vec<(Name, Vec<Spelling>)>,
}

/// How a system spells a variant.
#[derive(Debug, Clone)]
pub(crate) enum Spelling {
    Text(LitStr),
    Bool(LitBool),
    Number(LitInt),
}

impl Spelling {
    /// What is compared when a leaf is read.
    pub(crate) fn text(&self) -> String {
        match self {
            Spelling::Text(literal) => literal.value(),
            Spelling::Bool(literal) => literal.value.to_string(),
            Spelling::Number(literal) => literal.base10_digits().to_owned(),
        }
    }

    pub(crate) fn span(&self) -> Span {
        match self {
            Spelling::Text(literal) => literal.span(),
            Spelling::Bool(literal) => literal.span(),
            Spelling::Number(literal) => literal.span(),
        }
    }
}

impl Parse for Spelling {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            input.parse().map(Self::Text)
        } else if input.peek(LitBool) {
            input.parse().map(Self::Bool)
        } else if input.peek(LitInt) {
            input.parse().map(Self::Number)
        } else {
            Err(input.error("expected a spelling: a string, a whole number, `true` or `false`"))
        }
    }
}

impl ValueAttrs {
    /// Reads the options of a type.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut read = Self::default();
        helpers(attributes, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "kind" => once(&mut read.kind, name, value(input)?, errors),
                "version" => once(&mut read.version, name, value(input)?, errors),
                "ordered" => once(&mut read.ordered, name, name.span(), errors),
                "amount" => once(&mut read.amount, name, name.span(), errors),
                "normalize" => once(&mut read.normalize, name, (name.span(), normalizers(input)?), errors),
                "crate" => once(&mut read.krate, name, krate(input)?, errors),
                _ => return Err(unknown(name, TYPE, &[("on a variant", VARIANT)])),
            }
            Ok(())
        });
        read
    }
}

impl VariantAttrs {
    /// Reads the options of a variant.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut read = Self::default();
        helpers(attributes, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "id" => once(&mut read.id, name, value(input)?, errors),
                "was" => read.was.extend(ids(input, errors)?),
                "at" => inside(input, |content| {
                    items(content, errors, |object, input, _| {
                        input.parse::<Token![=]>()?;
                        let mut spellings = vec![input.parse()?];
                        while input.parse::<Option<Token![|]>>()?.is_some() {
                            spellings.push(input.parse()?);
                        }
                        read.at.push((Name { text: object.unraw().to_string(), span: object.span() }, spellings));
                        Ok(())
                    });
                    Ok(())
                })?,
                _ => return Err(unknown(name, VARIANT, &[("on the enum", TYPE)])),
            }
            Ok(())
        });
        read
    }
}
