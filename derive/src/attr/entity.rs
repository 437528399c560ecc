//! The options of an entity struct.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Ident, LitStr, Path, Token};

use crate::attr::decide::{DecideAttrs, ids};
use crate::errors::Errors;
use crate::syntax::{Name, elements, helpers, inside, items, once, unknown, value, word};

const SYSTEM: &[&str] =
    &["object", "many", "required", "required_when", "links_only", "create_needs", "on_delete", "on_loss"];

/// The options of an entity struct.
#[derive(Debug, Default)]
pub(crate) struct EntityAttrs {
    pub(crate) entity: Option<LitStr>,
    pub(crate) systems: Vec<SystemAttr>,
    pub(crate) retired: Vec<LitStr>,
    pub(crate) existence: Option<Vec<Name>>,
    pub(crate) on_delete: Option<Ident>,
    pub(crate) on_loss: Option<Ident>,
    pub(crate) groups: Vec<GroupAttr>,
    pub(crate) krate: Option<Path>,
}

/// `system(hubspot as hubspot_company, object = "companies", ..)`
#[derive(Debug)]
pub(crate) struct SystemAttr {
    pub(crate) system: Name,
    pub(crate) key: Name,
    pub(crate) object: LitStr,
    pub(crate) many: Option<(Ident, Ident)>,
    pub(crate) presence: Option<PresenceAttr>,
    pub(crate) links_only: bool,
    pub(crate) create_needs: Vec<Name>,
    pub(crate) on_delete: Option<Ident>,
    pub(crate) on_loss: Option<Ident>,
}

/// `required`, `required_when(attribute)`, `required_when(attribute = "value")`
#[derive(Debug)]
pub(crate) enum PresenceAttr {
    Always,
    When(Name, Option<LitStr>),
}

/// `group("address", owner(..), resolve(..), on_clear = ..)`
#[derive(Debug)]
pub(crate) struct GroupAttr {
    pub(crate) name: LitStr,
    pub(crate) decide: DecideAttrs,
}

impl EntityAttrs {
    /// Reads the options of a struct.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut read = Self::default();
        helpers(attributes, errors, |name, input, errors| read.item(name, input, errors));
        read
    }

    fn item(&mut self, name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        match name.to_string().as_str() {
            "entity" => once(&mut self.entity, name, value(input)?, errors),
            "system" => self.systems.push(SystemAttr::parse(name, input, errors)?),
            "retired" => self.retired.extend(ids(input, errors)?),
            "existence" => once(&mut self.existence, name, elements(input, errors)?, errors),
            "on_delete" => once(&mut self.on_delete, name, on_delete(input)?, errors),
            "on_loss" => once(&mut self.on_loss, name, on_loss(input)?, errors),
            "group" => self.groups.push(group(input, errors)?),
            "crate" => once(&mut self.krate, name, krate(input)?, errors),
            _ => return Err(unknown(name, super::ENTITY, &[("on a field", super::FIELD)])),
        }
        Ok(())
    }
}

impl SystemAttr {
    fn parse(name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Self> {
        inside(input, |content| {
            let system = Name::of(&content.call(Ident::parse_any)?);
            let mut key = system.clone();
            if content.parse::<Option<Token![as]>>()?.is_some() {
                key = Name::of(&content.call(Ident::parse_any)?);
            }
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
            let mut object = None;
            let mut many = None;
            let mut presence = None;
            let mut links_only = None;
            let mut create_needs = None;
            let mut gone = (None, None);
            let before = errors.count();
            items(content, errors, |name, input, errors| {
                match name.to_string().as_str() {
                    "object" => once(&mut object, name, value(input)?, errors),
                    "many" => once(&mut many, name, several(name, input, errors)?, errors),
                    "required" => once(&mut presence, name, PresenceAttr::Always, errors),
                    "required_when" => once(&mut presence, name, when(input)?, errors),
                    "links_only" => once(&mut links_only, name, (), errors),
                    "create_needs" => once(&mut create_needs, name, elements(input, errors)?, errors),
                    "on_delete" => once(&mut gone.0, name, on_delete(input)?, errors),
                    "on_loss" => once(&mut gone.1, name, on_loss(input)?, errors),
                    _ => return Err(unknown(name, SYSTEM, &[])),
                }
                Ok(())
            });
            let object = match object {
                Some(object) => object,
                None => {
                    if errors.count() == before {
                        let message = format_args!(
                            "say what stands for the entity there: `system({}, object = \"..\")`",
                            system.text
                        );
                        errors.at(system.span, message);
                    }
                    LitStr::new("", name.span())
                }
            };
            Ok(Self {
                system,
                key,
                object,
                many,
                presence,
                links_only: links_only.is_some(),
                create_needs: create_needs.unwrap_or_default(),
                on_delete: gone.0,
                on_loss: gone.1,
            })
        })
    }
}

/// Reads `= archive`.
fn on_delete(input: ParseStream<'_>) -> syn::Result<Ident> {
    input.parse::<Token![=]>()?;
    word(input, &["archive", "hold", "stand"])
}

/// Reads `= restore`.
fn on_loss(input: ParseStream<'_>) -> syn::Result<Ident> {
    input.parse::<Token![=]>()?;
    word(input, &["ask", "restore", "accept", "retire"])
}

/// Reads `(reduce = latest, write = all)`.
fn several(name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<(Ident, Ident)> {
    let mut reduce = None;
    let mut write = None;
    let before = errors.count();
    inside(input, |content| {
        items(content, errors, |name, input, errors| {
            let of = |words: &[&str]| {
                input.parse::<Token![=]>()?;
                word(input, words)
            };
            match name.to_string().as_str() {
                "reduce" => once(&mut reduce, name, of(&["latest", "primary", "all"])?, errors),
                "write" => once(&mut write, name, of(&["all", "primary", "nobody"])?, errors),
                _ => return Err(unknown(name, &["reduce", "write"], &[])),
            }
            Ok(())
        });
        Ok(())
    })?;
    if let (Some(reduce), Some(write)) = (reduce, write) {
        return Ok((reduce, write));
    }
    if errors.count() == before {
        errors.on(name, "say which records speak and which are written: `many(reduce = latest, write = all)`");
    }
    Ok((Ident::new("primary", Span::call_site()), Ident::new("nobody", Span::call_site())))
}

fn when(input: ParseStream<'_>) -> syn::Result<PresenceAttr> {
    inside(input, |content| {
        let attribute = content.parse()?;
        let equals = if content.is_empty() { None } else { Some(value(content)?) };
        if content.is_empty() { Ok(PresenceAttr::When(attribute, equals)) } else { Err(content.error("unexpected")) }
    })
}

fn group(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<GroupAttr> {
    inside(input, |content| {
        let name = content.parse()?;
        let mut decide = DecideAttrs::default();
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
        items(content, errors, |name, input, errors| decide.item(name, input, errors));
        Ok(GroupAttr { name, decide })
    })
}

/// Reads `= "path::to::accordant"`.
pub(crate) fn krate(input: ParseStream<'_>) -> syn::Result<Path> {
    let literal: LitStr = value(input)?;
    literal.parse_with(Path::parse_mod_style)
}
