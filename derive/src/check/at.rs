//! Rules about one entry of `at(..)`.

use proc_macro2::Span;
use syn::LitStr;

use crate::attr::{AtAttr, Currency, Push, Way};
use crate::errors::Errors;
use crate::model::{At, Form, Source};
use crate::syntax::Name;

/// Checks one entry of `at(..)`. `None` if it says too little.
pub(crate) fn mapping(entry: AtAttr, form: &Form, errors: &mut Errors) -> Option<At> {
    let object = entry.object.literal();
    for path in entry.read.iter().chain(entry.write.iter().flatten()) {
        path_shape(path, form, errors);
    }
    if let (Some((Way::ReadOnly, _)), Some((_, span))) = (entry.way, entry.push) {
        errors.at(span, "a read-only mapping writes nothing, so it pushes neither weakly nor strongly");
    }
    if let (Some((Way::ReadOnly, span)), Some(_)) = (entry.way, &entry.write) {
        errors.at(span, "a read-only mapping has no write path");
    }
    if form.of_parts() {
        belongs_to_members(&entry, errors);
    }
    if let Some(separator) = &entry.separator
        && !matches!(form, Form::Set(_) | Form::List(_))
    {
        errors.on(separator, "a separator is for the values of a `set` or `list`");
    }
    let count = entry.read.len();
    let mut paths = entry.read.into_iter();
    let Some(first) = paths.next() else {
        let name = &entry.object.text;
        let message = format_args!("say where `{name}` holds the value: `{name} = \"path\"`");
        errors.at(entry.object.span, message);
        return None;
    };
    let source = match (entry.via, entry.currency) {
        (Some(via), None) => Source::Via(std::iter::once(first).chain(paths).collect(), Box::new(via)),
        (Some(_), Some(currency)) => {
            errors.at(
                currency.span(),
                "a transform makes the whole value: it takes the currency's path as one of its own",
            );
            return None;
        }
        (None, _) if count > 1 => {
            let message = "several paths need a transform that makes one value of them: `via = JoinName`";
            errors.at(paths.next().map_or(first.span(), |path| path.span()), message);
            return None;
        }
        (None, None) => Source::Path(first),
        (None, Some(Currency::Code(code))) => Source::InCurrency(first, Name::of(&code).literal()),
        (None, Some(Currency::Path(path))) => {
            path_shape(&path, &Form::One, errors);
            Source::CurrencyAt(first, path)
        }
    };
    Some(At {
        object,
        source,
        write: entry.write,
        way: entry.way.map(|(way, _)| way),
        push: entry.push.map(|(push, _)| push),
        region: entry.region,
        zone: entry.zone,
        format: entry.format,
        separator: entry.separator,
        via_object: entry.via_object.map(|key| key.literal()),
    })
}

impl Currency {
    fn span(&self) -> Span {
        match self {
            Currency::Code(code) => code.span(),
            Currency::Path(path) => path.span(),
        }
    }
}

fn belongs_to_members(entry: &AtAttr, errors: &mut Errors) {
    let options = [
        ("via", entry.via.as_ref().map(syn::spanned::Spanned::span)),
        ("currency", entry.currency.as_ref().map(Currency::span)),
        ("region", entry.region.as_ref().map(LitStr::span)),
        ("zone", entry.zone.as_ref().map(LitStr::span)),
        ("format", entry.format.as_ref().map(LitStr::span)),
        ("via_object", entry.via_object.as_ref().map(|key| key.span)),
        ("write", entry.write.as_ref().and_then(|paths| paths.first()).map(LitStr::span)),
    ];
    for (name, span) in options {
        if let Some(span) = span {
            errors.at(span, format_args!("`{name}` belongs on the members of the part"));
        }
    }
}

/// A path is keys between dots; that of a part may be the record itself.
fn path_shape(path: &LitStr, form: &Form, errors: &mut Errors) {
    let text = path.value();
    if text.is_empty() {
        if !form.of_parts() {
            errors.on(path, "a path names at least one key");
        }
        return;
    }
    let mut keys = vec![0_usize];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => keys.push(0),
            other => {
                if other == '\\' && characters.next().is_none() {
                    errors.on(path, "a backslash makes the next character of a path literal, and there is none");
                }
                if let Some(last) = keys.last_mut() {
                    *last += 1;
                }
            }
        }
    }
    if keys.contains(&0) {
        errors.on(path, "a path has no empty keys: check its dots");
    }
}

/// Whether a mapping enforces.
pub(crate) fn is_strong(at: &At) -> bool {
    at.push == Some(Push::Strong)
}

/// Whether a mapping tells us anything.
pub(crate) fn is_read(at: &At) -> bool {
    at.way != Some(Way::WriteOnly)
}
