//! What decides about a value: owners, policies, normalizers, equivalence, clearing, derivation.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprCall, Ident, LitStr, Token};

use crate::errors::Errors;
use crate::syntax::{Name, bare, elements, inside, items, list, once, unknown, value, word};

/// Who decides about a unit: the same options on a field and in `group(..)`.
#[derive(Debug, Default)]
pub(crate) struct DecideAttrs {
    pub(crate) owner: Vec<OwnerAttr>,
    pub(crate) resolve: Option<(Span, Vec<NamedAttr>)>,
    pub(crate) on_clear: Option<OnClearAttr>,
}

/// `owner(netsuite, hubspot)`, in order of authority.
#[derive(Debug)]
pub(crate) struct OwnerAttr {
    pub(crate) span: Span,
    pub(crate) systems: Vec<Name>,
}

/// `on_clear = propagate`
#[derive(Debug)]
pub(crate) struct OnClearAttr {
    pub(crate) span: Span,
    pub(crate) propagate: bool,
}

/// One policy of a chain, or one normalizer.
#[derive(Debug)]
pub(crate) enum NamedAttr {
    /// `latest`, `source_priority(netsuite, hubspot)`, `trust(hubspot = 90).half_life_days(30)`
    Builtin(Builtin),
    /// The user's own.
    Expression(Box<Expr>),
}

/// Something of ours, named by a bare lower-case name.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: Ident,
    pub(crate) arguments: Arguments,
    /// The methods called on it: `.within(60)`.
    pub(crate) methods: TokenStream,
}

/// The arguments of something of ours.
#[derive(Debug)]
pub(crate) enum Arguments {
    /// `(netsuite, hubspot)`
    Systems(Vec<Name>),
    /// `(hubspot = 90, netsuite = 80)`
    Weights(Vec<(Name, Expr)>),
    /// None, or any others.
    Other(Vec<Expr>),
}

/// `equivalence = ..`
#[derive(Debug)]
pub(crate) enum EquivalenceAttr {
    /// `exact`
    Exact,
    /// `tolerance("0.01")`: the number without its point, and how many of its digits stand behind the point.
    Tolerance(i64, u32),
    /// The normal forms are equal.
    Normalized(NamedAttr),
}

/// `derived(from(first, last), by = FullName)`
#[derive(Debug)]
pub(crate) struct DerivedAttr {
    pub(crate) span: Span,
    pub(crate) from: Vec<Name>,
    pub(crate) by: Expr,
}

/// `migrated(from = "name", by = GivenName)`
#[derive(Debug)]
pub(crate) struct MigratedAttr {
    pub(crate) span: Span,
    pub(crate) from: LitStr,
    pub(crate) by: Expr,
}

impl DecideAttrs {
    /// The names of its options.
    pub(crate) const OPTIONS: &'static [&'static str] = &["owner", "resolve", "on_clear"];

    /// Reads one of its options.
    pub(crate) fn item(&mut self, name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        match name.to_string().as_str() {
            "owner" => {
                let systems = elements(input, errors)?;
                if systems.is_empty() {
                    errors.on(name, "`owner` names at least one system: `owner(netsuite)`");
                }
                self.owner.push(OwnerAttr { span: name.span(), systems });
            }
            "resolve" => {
                let mut chain = Vec::new();
                inside(input, |content| {
                    list(content, errors, |policy, _| {
                        chain.push(policy.parse()?);
                        Ok(())
                    });
                    Ok(())
                })?;
                once(&mut self.resolve, name, (name.span(), chain), errors);
            }
            "on_clear" => {
                input.parse::<Token![=]>()?;
                let word = word(input, &["propagate", "hold"])?;
                let on_clear = OnClearAttr { span: name.span(), propagate: word == "propagate" };
                once(&mut self.on_clear, name, on_clear, errors);
            }
            _ => return Err(unknown(name, Self::OPTIONS, &[])),
        }
        Ok(())
    }
}

impl From<Expr> for NamedAttr {
    fn from(expression: Expr) -> Self {
        builtin(&expression).map_or_else(|| Self::Expression(Box::new(expression)), Self::Builtin)
    }
}

impl Parse for NamedAttr {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse().map(Expr::into)
    }
}

/// What of ours an expression names, if it does.
fn builtin(expression: &Expr) -> Option<Builtin> {
    match expression {
        Expr::Path(_) => {
            let name = bare(expression)?.clone();
            Some(Builtin { name, arguments: Arguments::Other(Vec::new()), methods: TokenStream::new() })
        }
        Expr::Call(call) => {
            let name = bare(&call.func)?.clone();
            Some(Builtin { name, arguments: Arguments::of(call), methods: TokenStream::new() })
        }
        Expr::MethodCall(call) if !matches!(*call.receiver, Expr::Path(_)) => {
            let mut receiver = builtin(&call.receiver)?;
            let (method, turbofish, arguments) = (&call.method, &call.turbofish, &call.args);
            receiver.methods.extend(quote! { .#method #turbofish (#arguments) });
            Some(receiver)
        }
        _ => None,
    }
}

impl Arguments {
    fn of(call: &ExprCall) -> Self {
        let weight = |arg: &Expr| match arg {
            Expr::Assign(assign) => Some((bare(&assign.left).map(Name::of)?, (*assign.right).clone())),
            _ => None,
        };
        if call.args.is_empty() {
            Self::Other(Vec::new())
        } else if let Some(systems) = call.args.iter().map(|arg| bare(arg).map(Name::of)).collect() {
            Self::Systems(systems)
        } else if let Some(weights) = call.args.iter().map(weight).collect() {
            Self::Weights(weights)
        } else {
            Self::Other(call.args.iter().cloned().collect())
        }
    }
}

/// Reads `= email`, or `(trim, lowercase)`.
pub(crate) fn normalizers(input: ParseStream<'_>) -> syn::Result<Vec<NamedAttr>> {
    if input.peek(Token![=]) {
        return Ok(vec![value::<Expr>(input)?.into()]);
    }
    inside(input, |content| {
        let all = Punctuated::<Expr, Token![,]>::parse_terminated(content)?;
        Ok(all.into_iter().map(NamedAttr::from).collect())
    })
}

/// Reads `= exact`, `= tolerance("0.01")`, or `= lowercase`.
pub(crate) fn equivalence(input: ParseStream<'_>) -> syn::Result<EquivalenceAttr> {
    let expression: Expr = value(input)?;
    if bare(&expression).is_some_and(|ident| ident == "exact") {
        return Ok(EquivalenceAttr::Exact);
    }
    if let Expr::Call(call) = &expression
        && bare(&call.func).is_some_and(|ident| ident == "tolerance")
    {
        let mut args = call.args.iter();
        if let (Some(Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })), None) = (args.next(), args.next())
            && let Some((digits, scale)) = exact(&text.value())
        {
            return Ok(EquivalenceAttr::Tolerance(digits, scale));
        }
        return Err(syn::Error::new_spanned(
            &call.args,
            "a tolerance is a positive decimal number in quotes, so that it stays exact: `tolerance(\"0.01\")`",
        ));
    }
    Ok(EquivalenceAttr::Normalized(expression.into()))
}

/// A positive decimal number as its digits, and how many of them stand behind the point.
fn exact(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits: i64 = format!("{whole}{fraction}").parse().ok()?;
    (digits > 0).then_some((digits, u32::try_from(fraction.len()).ok()?))
}

/// Reads `(from(first, last), by = FullName)`.
pub(crate) fn derived(name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<DerivedAttr> {
    let mut from: Option<Vec<Name>> = None;
    let mut by: Option<Expr> = None;
    let before = errors.count();
    inside(input, |content| {
        items(content, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "from" => once(&mut from, name, elements(input, errors)?, errors),
                "by" => once(&mut by, name, value(input)?, errors),
                _ => return Err(unknown(name, &["from", "by"], &[])),
            }
            Ok(())
        });
        Ok(())
    })?;
    match (from.filter(|from| !from.is_empty()), by) {
        (Some(from), Some(by)) => Ok(DerivedAttr { span: name.span(), from, by }),
        // Only what is behind the first mistake may look incomplete.
        (from, _) if errors.count() > before => {
            Ok(DerivedAttr { span: name.span(), from: from.unwrap_or_default(), by: syn::parse_quote!(()) })
        }
        (None, _) => {
            Err(syn::Error::new(name.span(), "say what it is computed from: `derived(from(first, last), by = ..)`"))
        }
        (Some(_), None) => {
            Err(syn::Error::new(name.span(), "say how it is computed: `derived(from(..), by = FullName)`"))
        }
    }
}

/// Reads `(from = "name", by = GivenName)`. `None` where a mistake in it was reported.
pub(crate) fn migrated(name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<MigratedAttr>> {
    let mut from: Option<LitStr> = None;
    let mut by: Option<Expr> = None;
    let before = errors.count();
    inside(input, |content| {
        items(content, errors, |name, input, errors| {
            match name.to_string().as_str() {
                "from" => once(&mut from, name, value(input)?, errors),
                "by" => once(&mut by, name, value(input)?, errors),
                _ => return Err(unknown(name, &["from", "by"], &[])),
            }
            Ok(())
        });
        Ok(())
    })?;
    match (from, by) {
        (Some(from), Some(by)) => Ok(Some(MigratedAttr { span: name.span(), from, by })),
        _ if errors.count() > before => Ok(None),
        _ => Err(syn::Error::new(
            name.span(),
            "say what its stored values are made of, and how: `migrated(from = \"name\", by = GivenName)`",
        )),
    }
}

/// Reads `("fax", "telex")`, or `= "fax"`.
pub(crate) fn ids(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<LitStr>> {
    if input.peek(Token![=]) { Ok(vec![value(input)?]) } else { elements(input, errors) }
}
