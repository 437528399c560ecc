//! `at(hubspot = "path", netsuite("balance", read_only, currency = "currency.id"))`: where objects hold an attribute.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Ident, LitChar, LitStr, Token};

use crate::errors::Errors;
use crate::syntax::{Name, elements, inside, list, once, unknown, value};

const OPTIONS: &[&str] = &[
    "read_only",
    "write_only",
    "weak",
    "strong",
    "read",
    "write",
    "via",
    "via_object",
    "currency",
    "region",
    "zone",
    "format",
    "separator",
];

/// One entry of `at(..)`.
#[derive(Debug)]
pub(crate) struct AtAttr {
    pub(crate) object: Name,
    pub(crate) read: Vec<LitStr>,
    pub(crate) write: Option<Vec<LitStr>>,
    pub(crate) via: Option<Expr>,
    pub(crate) currency: Option<Currency>,
    pub(crate) way: Option<(Way, Span)>,
    pub(crate) push: Option<(Push, Span)>,
    pub(crate) region: Option<LitStr>,
    pub(crate) zone: Option<LitStr>,
    pub(crate) format: Option<LitStr>,
    pub(crate) separator: Option<LitChar>,
    pub(crate) via_object: Option<Name>,
}

/// Where the currency of an amount is.
#[derive(Debug)]
pub(crate) enum Currency {
    /// `currency = USD`
    Code(Ident),
    /// `currency = "currency.id"`
    Path(LitStr),
}

/// A mapping that works one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ReadOnly,
    WriteOnly,
}

/// A mapping that pushes less, or more, than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Push {
    Weak,
    Strong,
}

/// Reads `(hubspot = "path", ..)`.
pub(crate) fn entries(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<AtAttr>> {
    let mut all = Vec::new();
    inside(input, |content| {
        list(content, errors, |entry, errors| {
            all.push(AtAttr::parse(entry, errors)?);
            Ok(())
        });
        Ok(())
    })?;
    Ok(all)
}

impl AtAttr {
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Self> {
        let object = Name::of(&input.call(Ident::parse_any)?);
        let mut at = Self {
            object,
            read: Vec::new(),
            write: None,
            via: None,
            currency: None,
            way: None,
            push: None,
            region: None,
            zone: None,
            format: None,
            separator: None,
            via_object: None,
        };
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            at.read = paths(input, errors)?;
        } else if input.peek(syn::token::Paren) {
            inside(input, |content| {
                list(content, errors, |item, errors| at.item(item, errors));
                Ok(())
            })?;
        } else {
            return Err(input.error(format_args!(
                "expected where `{0}` holds the value: `{0} = \"path\"`, or `{0}(\"path\", ..)`",
                at.object.text
            )));
        }
        Ok(at)
    }

    fn item(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if input.peek(LitStr) || input.peek(syn::token::Paren) {
            let read = paths(input, errors)?;
            if !self.read.is_empty() {
                errors.on(&read[0], "a second path: several paths for one value stand in parentheses, with `via = ..`");
            }
            self.read = read;
            return Ok(());
        }
        let name = input.call(Ident::parse_any)?;
        let span = name.span();
        match name.to_string().as_str() {
            "read_only" => once(&mut self.way, &name, (Way::ReadOnly, span), errors),
            "write_only" => once(&mut self.way, &name, (Way::WriteOnly, span), errors),
            "weak" => once(&mut self.push, &name, (Push::Weak, span), errors),
            "strong" => once(&mut self.push, &name, (Push::Strong, span), errors),
            "via" => once(&mut self.via, &name, value(input)?, errors),
            "via_object" => once(&mut self.via_object, &name, object_key(input)?, errors),
            "region" => once(&mut self.region, &name, value(input)?, errors),
            "zone" => once(&mut self.zone, &name, value(input)?, errors),
            "format" => once(&mut self.format, &name, value(input)?, errors),
            "separator" => once(&mut self.separator, &name, separator(input)?, errors),
            "currency" => once(&mut self.currency, &name, currency(input)?, errors),
            "read" => {
                input.parse::<Token![=]>()?;
                self.read = paths(input, errors)?;
            }
            "write" => {
                input.parse::<Token![=]>()?;
                once(&mut self.write, &name, paths(input, errors)?, errors);
            }
            _ => return Err(unknown(&name, OPTIONS, &[("on the field, not in `at(..)`", super::FIELD)])),
        }
        Ok(())
    }
}

/// Reads `"path"`, or `("a", "b")`.
fn paths(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<LitStr>> {
    if !input.peek(syn::token::Paren) {
        return Ok(vec![input.parse()?]);
    }
    let span = input.span();
    let paths: Vec<LitStr> = elements(input, errors)?;
    if paths.is_empty() { Err(syn::Error::new(span, "expected at least one path")) } else { Ok(paths) }
}

fn currency(input: ParseStream<'_>) -> syn::Result<Currency> {
    input.parse::<Token![=]>()?;
    if input.peek(LitStr) {
        return Ok(Currency::Path(input.parse()?));
    }
    let code: Ident = input.call(Ident::parse_any)?;
    let text = code.to_string();
    if text.len() == 3 && text.chars().all(|letter| letter.is_ascii_uppercase()) {
        return Ok(Currency::Code(code));
    }
    let upper = text.to_ascii_uppercase();
    let meant = if upper.len() == 3 && upper.chars().all(|letter| letter.is_ascii_uppercase()) {
        format!("; did you mean `{upper}`?")
    } else {
        format!("; if it is the path of a field, write `\"{text}\"`")
    };
    Err(syn::Error::new(code.span(), format_args!("`{text}` is not a currency code (ISO 4217: three capitals){meant}")))
}

/// Reads `= hubspot_company`: an object key, as `system(hubspot as hubspot_company, ..)` declares it.
fn object_key(input: ParseStream<'_>) -> syn::Result<Name> {
    input.parse::<Token![=]>()?;
    if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        let message = format_args!("an object key is a name, not a text: `via_object = {}`", text.value());
        return Err(syn::Error::new(text.span(), message));
    }
    Ok(Name::of(&input.call(Ident::parse_any)?))
}

fn separator(input: ParseStream<'_>) -> syn::Result<LitChar> {
    input.parse::<Token![=]>()?;
    if input.peek(LitChar) {
        return input.parse();
    }
    let literal: LitStr = input.parse()?;
    let text = literal.value();
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(LitChar::new(character, literal.span())),
        _ => Err(syn::Error::new(literal.span(), "a separator is one character")),
    }
}
