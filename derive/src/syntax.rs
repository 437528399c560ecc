//! What every `#[canonical(..)]` is made of: comma-separated items, read so that one mistake does not hide the next.

use proc_macro2::{Span, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Ident, LitStr, Meta, Token, parenthesized};

use crate::errors::{Errors, hint};

/// Reads the items of every `#[canonical(..)]` among `attributes`.
pub(crate) fn helpers(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut item: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("canonical")) {
        let Meta::List(list) = &attribute.meta else {
            errors.on(attribute, "expected a list of options: `#[canonical(..)]`");
            continue;
        };
        let before = errors.count();
        let read = list.parse_args_with(|input: ParseStream<'_>| {
            items(input, errors, &mut item);
            Ok(())
        });
        // What syn left unread behind a mistake is no mistake of its own.
        if let Err(error) = read
            && errors.count() == before
        {
            errors.push(error);
        }
    }
}

/// Reads comma-separated items that start with a name. A mistake ends its item, not the list.
pub(crate) fn items(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut item: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    list(input, errors, |input, errors| {
        let name = input.call(Ident::parse_any)?;
        item(&name, input, errors)
    });
}

/// Reads comma-separated elements. A mistake ends its element, not the list.
pub(crate) fn list(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut element: impl FnMut(ParseStream<'_>, &mut Errors) -> syn::Result<()>,
) {
    while !input.is_empty() {
        let read = element(input, errors).and_then(|()| {
            if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error("expected `,`")) }
        });
        if let Err(error) = read {
            errors.push(error);
            while !input.is_empty() && !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
        }
        if input.parse::<Token![,]>().is_err() {
            break;
        }
    }
}

/// Reads what stands in parentheses.
pub(crate) fn inside<T>(
    input: ParseStream<'_>,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let content;
    parenthesized!(content in input);
    let result = read(&content);
    while result.is_err() && !content.is_empty() && content.parse::<TokenTree>().is_ok() {}
    result
}

/// Reads the elements in parentheses.
pub(crate) fn elements<T: Parse>(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<T>> {
    let mut all = Vec::new();
    inside(input, |content| {
        list(content, errors, |element, _| {
            all.push(element.parse()?);
            Ok(())
        });
        Ok(())
    })?;
    Ok(all)
}

/// Reads `= value`.
pub(crate) fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Fills a place that may be filled once.
pub(crate) fn once<T>(place: &mut Option<T>, name: &Ident, value: T, errors: &mut Errors) {
    if place.replace(value).is_some() {
        errors.on(name, format_args!("`{name}` is given twice"));
    }
}

/// An option that nobody knows here.
pub(crate) fn unknown(name: &Ident, known: &[&str], elsewhere: &[(&str, &[&str])]) -> syn::Error {
    let text = name.unraw().to_string();
    if let Some((place, _)) = elsewhere.iter().find(|(_, options)| options.contains(&text.as_str())) {
        return syn::Error::new(name.span(), format_args!("`{text}` belongs {place}"));
    }
    syn::Error::new(name.span(), format_args!("unknown option `{text}`{}", hint(&text, known.iter().copied())))
}

/// Reads one of a few words.
pub(crate) fn word(input: ParseStream<'_>, words: &[&str]) -> syn::Result<Ident> {
    let word = input.call(Ident::parse_any)?;
    let text = word.to_string();
    if words.contains(&text.as_str()) {
        return Ok(word);
    }
    Err(syn::Error::new(word.span(), format_args!("`{text}` is not known here{}", hint(&text, words.iter().copied()))))
}

/// A name of something declared elsewhere: a system, an object key, an attribute. Bare, or as a string.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Name {
    pub(crate) fn of(ident: &Ident) -> Self {
        Self { text: ident.unraw().to_string(), span: ident.span() }
    }

    /// The name as a string literal, at its place in the source.
    pub(crate) fn literal(&self) -> LitStr {
        LitStr::new(&self.text, self.span)
    }
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self { text: literal.value(), span: literal.span() });
        }
        Ok(Self::of(&input.call(Ident::parse_any)?))
    }
}

/// The identifier that an expression is, if it is a bare lower-case one: then it is built in.
pub(crate) fn bare(expression: &Expr) -> Option<&Ident> {
    let Expr::Path(path) = expression else { return None };
    let ident = path.path.get_ident()?;
    (path.attrs.is_empty() && ident.to_string().starts_with(|first: char| first.is_ascii_lowercase())).then_some(ident)
}
