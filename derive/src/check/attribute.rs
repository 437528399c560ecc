//! Rules about one field.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Field, GenericArgument, Ident, LitStr, PathArguments, Type};

use crate::attr::FieldAttrs;
use crate::check::at::mapping;
use crate::check::decide::{Systems, decide};
use crate::errors::Errors;
use crate::model::{At, Attribute, Decide, Derived, Form};
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
        ty: at_its_core(&field.ty),
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
        migrated: attrs.migrated,
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
        element(ty).map(|element| at_its_core(&element)).unwrap_or_else(|| {
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

/// The type, every token of it standing where its innermost name stands: `Employee` of `Option<Ref<Employee>>`. The
/// expansion asks several things of a type; what rustc has to say of the same place it says once, and this is the token to
/// edit.
fn at_its_core(ty: &Type) -> Type {
    let mut core = ty.clone();
    while let Some(inner) = element(&core) {
        core = inner;
    }
    let span = match &core {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.span()),
        _ => None,
    };
    let Some(span) = span else { return ty.clone() };
    syn::parse2(located_at(ty.to_token_stream(), span)).unwrap_or_else(|_| ty.clone())
}

/// Tokens that mean what they mean where they are, and stand at `span`.
fn located_at(tokens: TokenStream, span: Span) -> TokenStream {
    let respanned = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), located_at(group.stream(), span)).into();
        }
        token.set_span(token.span().located_at(span));
        token
    });
    respanned.collect()
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
        ("migrated", attrs.migrated.as_ref().map(|migrated| migrated.span)),
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
    if let Some(migrated) = &attrs.migrated {
        let why = if !matches!(form, Form::One) || attrs.group.is_some() {
            "a migration makes one value, and this is a collection, a part or a member of a group"
        } else if attrs.derived.is_some() {
            "a derived attribute is computed anew, so there is nothing to migrate"
        } else {
            ""
        };
        if !why.is_empty() {
            errors.at(migrated.span, why);
        }
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
