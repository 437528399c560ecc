//! One attribute: the call that adds it to the model, its handle, and how it is read back.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Ident, LitStr, Path, Visibility};

use crate::attr::{Arguments, Builtin, EquivalenceAttr, NamedAttr, Push, Way};
use crate::expand::{Handle, krate_at};
use crate::model::{At, Attribute, Decide, Form, Source};
use crate::syntax::Name;

impl Attribute {
    /// The value type that the handle carries.
    pub(crate) fn value(&self, krate: &Path) -> TokenStream {
        let ty = &self.ty;
        let krate = krate_at(krate, ty.span());
        match &self.form {
            Form::One => quote_spanned! {ty.span()=> <#ty as #krate::value::Slot>::Value },
            Form::Part => quote_spanned! {ty.span()=> <#ty as #krate::__private::PartSlot>::Part },
            Form::Set(element) | Form::List(element) | Form::Keyed(element, _) => quote! { #element },
        }
    }

    /// The handle.
    pub(crate) fn handle(&self, krate: &Path, vis: &Visibility, owner: &Ident) -> TokenStream {
        let id = &self.id;
        Handle { vis, name: &self.handle, owner, value: self.value(krate), id: quote! { #id } }.expand(krate)
    }

    /// The statement that adds it to `model`.
    pub(crate) fn statement(&self, krate: &Path) -> TokenStream {
        let described = self.described(krate);
        if self.form.of_parts() {
            quote! { model.part(#described); }
        } else {
            quote! { model.attribute(#described); }
        }
    }

    /// The attribute as an expression.
    pub(crate) fn described(&self, krate: &Path) -> TokenStream {
        let Self { ty, id, .. } = self;
        let value = self.value(krate);
        // All that asks something of the type stands at its place, so that rustc says it there, and once.
        let span = ty.span();
        let here = krate_at(krate, span);
        let attribute = quote_spanned! {span=> #here::model::TypedAttribute::<#value>::new(#id) };
        let part = quote_spanned! {span=> #here::model::PartAttribute::<#value> };
        let new = match &self.form {
            Form::One => quote_spanned! {span=> #attribute.required(<#ty as #here::value::Slot>::REQUIRED) },
            Form::Set(_) => quote! { #attribute.shape(#here::model::Shape::Set) },
            Form::List(_) => quote! { #attribute.shape(#here::model::Shape::List) },
            Form::Part => quote_spanned! {span=>
                #part::new(#id).required(<#ty as #here::__private::PartSlot>::REQUIRED)
            },
            Form::Keyed(element, key) => {
                let key = crate::check::handle(key);
                quote_spanned! {span=> #part::keyed(#id, <#element>::#key.id()) }
            }
        };
        let was = &self.was;
        let identity = self.identity.then(|| quote! { .identity() });
        let pii = self.pii.then(|| quote! { .pii() });
        let hub = self.hub.then(|| quote! { .hub() });
        let group = self.group.iter();
        let normalize = self.normalize.iter().map(|normalizer| {
            let normalizer = normalizer.expand(krate, &quote! { normalize });
            quote! { .normalize(#normalizer) }
        });
        let equivalence = self.equivalence.iter().map(|equivalence| {
            let equivalence = equivalence.expand(krate);
            quote! { .equivalence(#equivalence) }
        });
        let derived = self.derived.iter().map(|derived| {
            let (from, by) = (&derived.from, &derived.by);
            quote! { .derived(&[#(#from),*], #by) }
        });
        let migrated = self.migrated.iter().map(|migrated| {
            let (from, by) = (&migrated.from, &migrated.by);
            // A migration that makes another type is reported on it.
            quote_spanned! {by.span()=> .migrated(#from, #by) }
        });
        let at = self.at.iter().map(|at| if self.form.of_parts() { at.of_part(krate) } else { at.expand(krate) });
        let decide = self.decide.expand(krate);
        quote! {
            #new #(.was(#was))* #identity #pii #hub #(.group(#group))* #(#normalize)* #(#equivalence)* #decide
                #(#derived)* #(#migrated)* #(#at)*
        }
    }

    /// The local variable that holds what was read.
    pub(crate) fn local(&self) -> Ident {
        format_ident!("slot_{}", self.field.unraw())
    }

    /// The statement that reads it from `golden` into its local.
    pub(crate) fn read(&self, krate: &Path) -> TokenStream {
        let Self { ty, id, .. } = self;
        let local = self.local();
        let here = krate_at(krate, ty.span());
        match &self.form {
            Form::One => quote_spanned! {ty.span()=> let #local = golden.slot::<#ty>(#id, &mut missing); },
            Form::Part => quote_spanned! {ty.span()=>
                let #local = #here::__private::part::<#ty>(golden, #id, &mut missing);
            },
            Form::Set(element) | Form::List(element) => {
                quote! { let #local = golden.values::<#element>(#id).into_iter().collect(); }
            }
            Form::Keyed(element, key) => {
                let key = crate::check::handle(key);
                quote! {
                    let #local = #krate::__private::keyed::<#element>(golden, #id, <#element>::#key.id())
                        .into_iter()
                        .collect();
                }
            }
        }
    }

    /// Whether its local is an `Option` that is empty if the struct cannot be built.
    pub(crate) const fn may_be_missing(&self) -> bool {
        matches!(self.form, Form::One | Form::Part)
    }
}

impl Decide {
    /// The calls that set it, on an attribute, a part or a group.
    pub(crate) fn expand(&self, krate: &Path) -> TokenStream {
        let owners = &self.owners;
        let chain = self.chain.iter().map(|policy| policy.expand(krate, &quote! { policy::builtin }));
        let on_clear = self.propagate.map(|propagate| {
            let on_clear = if propagate { quote!(Propagate) } else { quote!(Hold) };
            quote! { .on_clear(#krate::ownership::OnClear::#on_clear) }
        });
        quote! { #(.owner(#owners))* #(.resolve(#chain))* #on_clear }
    }
}

impl NamedAttr {
    /// The policy or normalizer as an expression; what is ours is looked up in `module`.
    pub(crate) fn expand(&self, krate: &Path, module: &TokenStream) -> TokenStream {
        match self {
            NamedAttr::Builtin(builtin) => builtin.expand(krate, module),
            NamedAttr::Expression(expression) => quote! { #expression },
        }
    }
}

impl Builtin {
    /// The name keeps the user's span: an unknown one, or one that does not suit the type, is reported there.
    fn expand(&self, krate: &Path, module: &TokenStream) -> TokenStream {
        let Self { name, arguments, methods } = self;
        let krate = krate_at(krate, name.span());
        let arguments = match arguments {
            Arguments::Systems(systems) => {
                let systems = systems.iter().map(Name::literal);
                quote! { &[#(#systems),*] }
            }
            Arguments::Weights(weights) => {
                let weights = weights.iter().map(|(system, weight)| {
                    let system = system.literal();
                    quote! { (#system, #weight) }
                });
                quote! { &[#(#weights),*] }
            }
            Arguments::Other(arguments) => quote! { #(#arguments),* },
        };
        quote_spanned! {name.span()=> #krate::#module::#name(#arguments) #methods }
    }
}

impl EquivalenceAttr {
    fn expand(&self, krate: &Path) -> TokenStream {
        match self {
            EquivalenceAttr::Exact => quote! { #krate::equivalence::Equivalence::Exact },
            EquivalenceAttr::Tolerance(digits, scale) => quote! { #krate::__private::tolerance(#digits, #scale) },
            EquivalenceAttr::Normalized(normalizer) => {
                let normalizer = normalizer.expand(krate, &quote! { normalize });
                quote! { #krate::equivalence::Equivalence::Normalized(::std::sync::Arc::new(#normalizer)) }
            }
        }
    }
}

impl At {
    /// The call that maps an attribute. Its type is inferred from the attribute.
    fn expand(&self, krate: &Path) -> TokenStream {
        let Self { object, source, .. } = self;
        // A type that the way of mapping does not suit is reported on the path, or on its currency.
        let (span, new) = match source {
            Source::Path(path) => (path.span(), quote_spanned! {path.span()=> path(#object, #path) }),
            Source::InCurrency(path, code) => {
                (code.span(), quote_spanned! {code.span()=> amount_in(#object, #path, #code) })
            }
            Source::CurrencyAt(path, at) => {
                (at.span(), quote_spanned! {at.span()=> amount_with_currency_at(#object, #path, #at) })
            }
            Source::Via(paths, transform) => (transform.span(), quote! { via(#object, &[#(#paths),*], #transform) }),
        };
        let here = krate_at(krate, span);
        let at = quote_spanned! {span=> #here::model::At:: };
        let write = self.write.iter().map(|paths: &Vec<LitStr>| quote! { .write_to(&[#(#paths),*]) });
        let way = self.way.map(|way| match way {
            Way::ReadOnly => quote! { .read_only() },
            Way::WriteOnly => quote! { .write_only() },
        });
        let push = self.push.map(|push| match push {
            Push::Weak => quote! { .weak() },
            Push::Strong => quote! { .strong() },
        });
        let (region, zone) = (self.region.iter(), self.zone.iter());
        let (format, separator) = (self.format.iter(), self.separator.iter());
        // A type that refers to nothing is reported on the key.
        let via_object = self.via_object.iter().map(|key| quote_spanned! {key.span()=> .via_object(#key) });
        quote! {
            .at(#at #new #(#write)* #way #push #(.region(#region))* #(.zone(#zone))* #(.format(#format))*
                #(.separator(#separator))* #(#via_object)*)
        }
    }

    /// The call that maps a part: a path that its members' paths are relative to.
    fn of_part(&self, krate: &Path) -> TokenStream {
        let object = &self.object;
        let path = match &self.source {
            Source::Path(path) | Source::InCurrency(path, _) | Source::CurrencyAt(path, _) => quote! { #path },
            Source::Via(paths, _) => quote! { #(#paths)* },
        };
        let way = match self.way {
            None => quote!(Both),
            Some(Way::ReadOnly) => quote!(ReadOnly),
            Some(Way::WriteOnly) => quote!(WriteOnly),
        };
        let push = match self.push {
            None => quote!(Normal),
            Some(Push::Weak) => quote!(Weak),
            Some(Push::Strong) => quote!(Strong),
        };
        quote! { .at(#object, #path, #krate::ownership::Direction::#way, #krate::ownership::Strength::#push) }
    }
}
