//! Rules about one field.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::{Field, GenericArgument, Ident, LitStr, PathArguments, Type};

use crate::attr::{AtAttr, Currency, FieldAttrs, Push, Way};
use crate::check::decide::{Systems, decide};
use crate::errors::Errors;
use crate::model::{At, Attribute, Decide, Derived, Form, Source};
use crate::syntax::Name;

/// What a field is a field of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// An entity of these systems.
    Entity(Systems<'a>),
    /// A part: its systems are those of the attribute that holds it.
    Part,
}

/// Checks one field. `None` only if the field has no name.
pub(crate) fn attribute(field: &Field, of: Of<'_>, errors: &mut Errors) -> Option<Attribute> {
    let ident = field.ident.clone()?;
    let mut attrs = FieldAttrs::read(&field.attrs, errors);
    let form = form(&attrs, &field.ty, errors);
    let id = attrs.id.take().unwrap_or_else(|| Name::of(&ident).literal());
    if matches!(of, Of::Part) {
        only_in_entities(&attrs, errors);
    }
    suits_form(&attrs, &form, errors);
    placed(&ident, &attrs, of, errors);
    let derived = attrs.derived.take().map(|derived| Derived {
        span: derived.span,
        from: derived.from.iter().map(Name::literal).collect(),
        by: derived.by,
    });
    if derived.is_some() {
        decided_by_none(&attrs, "a derived attribute is computed, so it has no", "", errors);
    } else if let Some(group) = &attrs.group {
        let instead = format!(": write it in `group(\"{}\", ..)` on the struct", group.value());
        decided_by_none(&attrs, "a group resolves as one, so a member has no", &instead, errors);
    }
    let mut at: Vec<At> = Vec::new();
    for entry in attrs.at {
        if let Of::Entity(systems) = of {
            systems.check_object(&entry.object, errors);
        }
        if at.iter().any(|other| other.object.value() == entry.object.text) {
            errors.at(entry.object.span, format_args!("mapped to `{}` twice", entry.object.text));
        }
        at.extend(mapping(entry, &form, errors));
    }
    let decide = match of {
        Of::Entity(systems) => decide(attrs.decide, systems, errors),
        Of::Part => Decide::default(),
    };
    Some(Attribute {
        handle: handle(&ident),
        ty: field.ty.clone(),
        id,
        was: attrs.was,
        form,
        identity: attrs.identity.is_some(),
        pii: attrs.pii.is_some(),
        hub: attrs.hub.is_some(),
        group: attrs.group,
        decide,
        normalize: attrs.normalize,
        equivalence: attrs.equivalence.map(|(_, equivalence)| equivalence),
        derived,
        at,
        field: ident,
    })
}

/// The name of a field's handle: `EMAIL` for `email`.
pub(crate) fn handle(field: &Ident) -> Ident {
    Ident::new(&field.unraw().to_string().to_uppercase(), field.span())
}

fn form(attrs: &FieldAttrs, ty: &Type, errors: &mut Errors) -> Form {
    let shapes = [
        ("set", attrs.set),
        ("list", attrs.list),
        ("part", attrs.part),
        ("keyed", attrs.keyed.as_ref().map(Ident::span)),
    ];
    let mut given = shapes.iter().filter_map(|(name, span)| span.map(|span| (name, span)));
    if let (Some((first, _)), Some((second, span))) = (given.next(), given.next()) {
        errors.at(span, format_args!("a field has one shape: `{first}` and `{second}` exclude each other"));
    }
    let mut inside = |option: &str| {
        element(ty).unwrap_or_else(|| {
            let message =
                format_args!("`{option}` needs to see the type of the elements: write `Vec<T>` or `BTreeSet<T>`");
            errors.on(ty, message);
            ty.clone()
        })
    };
    if attrs.part.is_some() {
        Form::Part
    } else if let Some(key) = &attrs.keyed {
        Form::Keyed(inside("keyed"), key.clone())
    } else if attrs.set.is_some() {
        Form::Set(inside("set"))
    } else if attrs.list.is_some() {
        Form::List(inside("list"))
    } else {
        Form::One
    }
}

/// The one generic argument of a type: `T` of `Vec<T>`.
pub(crate) fn element(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    let mut arguments = arguments.args.iter();
    match (arguments.next(), arguments.next()) {
        (Some(GenericArgument::Type(element)), None) => Some(element.clone()),
        _ => None,
    }
}

/// Refuses what a member of a part cannot say.
fn only_in_entities(attrs: &FieldAttrs, errors: &mut Errors) {
    let owner = attrs.decide.owner.first().map(|owner| owner.span);
    let resolve = attrs.decide.resolve.as_ref().map(|(span, _)| *span);
    let on_clear = attrs.decide.on_clear.as_ref().map(|on_clear| on_clear.span);
    for (name, span) in [("owner", owner), ("resolve", resolve), ("on_clear", on_clear)] {
        if let Some(span) = span {
            let message = format_args!("a part resolves as one: put `{name}` on the attribute that holds it");
            errors.at(span, message);
        }
    }
    let nested = [
        ("set", attrs.set),
        ("list", attrs.list),
        ("part", attrs.part),
        ("keyed", attrs.keyed.as_ref().map(Ident::span)),
        ("group", attrs.group.as_ref().map(LitStr::span)),
        ("derived", attrs.derived.as_ref().map(|derived| derived.span)),
        ("identity", attrs.identity),
        ("hub", attrs.hub),
    ];
    for (name, span) in nested {
        if let Some(span) = span {
            errors.at(
                span,
                format_args!("a member of a part is one plain value: `{name}` is for attributes of an entity"),
            );
        }
    }
}

/// Refuses options that the shape of the field makes meaningless.
fn suits_form(attrs: &FieldAttrs, form: &Form, errors: &mut Errors) {
    if !matches!(form, Form::One)
        && let Some(span) = attrs.identity
    {
        errors.at(span, "a collection or part cannot identify an entity; mark a field with one value");
    }
    if !matches!(form, Form::One)
        && let Some(group) = &attrs.group
    {
        errors.on(group, "a collection or part cannot be a member of a group");
    }
    if form.of_parts() {
        let options =
            [("normalize", attrs.normalize_span), ("equivalence", attrs.equivalence.as_ref().map(|(span, _)| *span))];
        for (name, span) in options {
            if let Some(span) = span {
                errors.at(span, format_args!("`{name}` belongs on the members of the part"));
            }
        }
        if let Some(was) = attrs.was.first() {
            errors.on(
                was,
                "a part keeps its id, for its members' ids start with it: rename the field and keep `id = \"..\"`",
            );
        }
        if let Some(derived) = &attrs.derived {
            errors.at(derived.span, "a part cannot be derived; derive its members as attributes of a group");
        }
    }
}

/// A field is mapped, derived or the hub's own, and says which.
fn placed(ident: &Ident, attrs: &FieldAttrs, of: Of<'_>, errors: &mut Errors) {
    if let Some(hub) = attrs.hub {
        if !attrs.at.is_empty() || attrs.derived.is_some() {
            errors
                .at(hub, "`hub` says that operators alone enter the value; it has neither `at(..)` nor `derived(..)`");
        }
    } else if attrs.at.is_empty() && attrs.derived.is_none() && !attrs.unreadable {
        match of {
            Of::Entity(_) => errors.on(ident, "mapped nowhere: add `at(..)`, `derived(..)` or `hub`"),
            Of::Part => errors.on(ident, "mapped nowhere: add `at(..)`"),
        }
    }
}

fn decided_by_none(attrs: &FieldAttrs, reason: &str, instead: &str, errors: &mut Errors) {
    let owner = attrs.decide.owner.first().map(|owner| ("owner", owner.span));
    let resolve = attrs.decide.resolve.as_ref().map(|(span, _)| ("policy", *span));
    let on_clear = attrs.decide.on_clear.as_ref().map(|on_clear| ("`on_clear`", on_clear.span));
    for (what, span) in [owner, resolve, on_clear].into_iter().flatten() {
        errors.at(span, format_args!("{reason} {what} of its own{instead}"));
    }
}

/// Checks one entry of `at(..)`. `None` if it says too little.
fn mapping(entry: AtAttr, form: &Form, errors: &mut Errors) -> Option<At> {
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
