//! Expansions, formatted: what reviewers read.

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_quote};

use crate::derive;

fn formatted(expansion: TokenStream) -> String {
    match syn::parse2(expansion.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(error) => format!("// {error}\n{expansion}"),
    }
}

fn entity(input: DeriveInput) -> String {
    formatted(derive::canonical(&input))
}

fn part(input: DeriveInput) -> String {
    formatted(derive::canonical_part(&input))
}

fn value(input: DeriveInput) -> String {
    formatted(derive::canonical_value(&input))
}

/// The statements of `model()` alone.
fn model(input: DeriveInput) -> String {
    let all = entity(input);
    let body = all.split_once("fn model()").and_then(|(_, rest)| rest.split_once("fn read(")).map(|(body, _)| body);
    body.unwrap_or(&all).lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_entity_whole() {
    insta::assert_snapshot!(entity(parse_quote! {
        #[canonical(entity = "customer", system(hubspot, object = "contacts"))]
        pub struct Customer {
            #[canonical(identity, at(hubspot = "properties.email"))]
            pub email: Email,
            #[canonical(hub)]
            note: Option<String>,
        }
    }));
}

#[test]
fn a_field_without_anything_required() {
    insta::assert_snapshot!(entity(parse_quote! {
        #[canonical(entity = "tag", system(crm, object = "tags"))]
        struct Tags {
            #[canonical(set, at(crm("names", separator = ";")))]
            names: BTreeSet<Name>,
        }
    }));
}

#[test]
fn systems() {
    insta::assert_snapshot!(model(parse_quote! {
        #[canonical(entity = "customer", existence(netsuite, hubspot), on_delete = archive, retired("fax", "telex"))]
        #[canonical(system(hubspot, object = "contacts", required, links_only))]
        #[canonical(system(hubspot as hubspot_company, object = "companies", many(reduce = latest, write = nobody)))]
        #[canonical(system(netsuite, object = "customer", required_when(kind = "firm"), create_needs(kind)))]
        #[canonical(system(shopify, object = "customers", required_when(r#type)))]
        struct Customer {
            #[canonical(id = "tier", was("segment"), at(hubspot = "tier"))]
            kind: Option<String>,
            #[canonical(hub)]
            r#type: Option<String>,
        }
    }));
}

#[test]
fn mappings() {
    insta::assert_snapshot!(model(parse_quote! {
        #[canonical(entity = "customer", system(a, object = "a"), system(b, object = "b"), system(c, object = "c"))]
        struct Customer {
            #[canonical(at(a("balance", read_only, currency = "currency.id"), b("balance", currency = USD)))]
            balance: Option<Money>,
            #[canonical(at(a(("first", "last"), via = JoinName, write = ("f", "l")), b(read = "x", write = "y", weak)))]
            name: String,
            #[canonical(owner(a), at(a("tel", region = "US"), b("tel", strong), c("tel", write_only)))]
            phone: Option<Phone>,
            #[canonical(at(a("since", zone = "Europe/Berlin", format = "%d.%m.%Y")))]
            since: Option<Date>,
        }
    }));
}

#[test]
fn references() {
    insta::assert_snapshot!(model(parse_quote! {
        #[canonical(entity = "contact", system(hubspot, object = "contacts"))]
        struct Contact {
            #[canonical(at(hubspot("company", via_object = hubspot_company, weak)))]
            company: Option<Ref<Company>>,
        }
    }));
}

#[test]
fn policies_and_owners() {
    insta::assert_snapshot!(model(parse_quote! {
        #[canonical(entity = "customer", system(a, object = "a"), system(b, object = "b"))]
        struct Customer {
            #[canonical(owner(a, hub), on_clear = hold, at(a = "x", b = "x"))]
            #[canonical(resolve(latest, latest().within(60), source_priority(a, b), trust(a = 90, b = 80).floor(10)))]
            x: String,
            #[canonical(at(a = "y", b = "y"), resolve(custom::Stickiest { days: 30 }, consensus_of(2), Mine))]
            y: String,
        }
    }));
}

#[test]
fn normalizers_and_equivalences() {
    insta::assert_snapshot!(model(parse_quote! {
        #[canonical(entity = "customer", system(a, object = "a"))]
        struct Customer {
            #[canonical(pii, normalize = email, equivalence = exact, at(a = "x"))]
            x: String,
            #[canonical(normalize(trim, custom::Strip("x"), lowercase), equivalence = lowercase, at(a = "y"))]
            y: String,
            #[canonical(equivalence = tolerance("0.010"), at(a = "z"))]
            z: Decimal,
            #[canonical(equivalence = custom::Loose, at(a = "w"))]
            w: String,
        }
    }));
}

#[test]
fn groups_and_parts() {
    insta::assert_snapshot!(entity(parse_quote! {
        #[canonical(entity = "customer", system(a, object = "a"))]
        #[canonical(group("address", owner(a), resolve(owner), on_clear = propagate))]
        struct Customer {
            #[canonical(group = "address", at(a = "street"))]
            street: Option<String>,
            #[canonical(group = "address", at(a = "zip"))]
            zip: Option<String>,
            #[canonical(part, pii, owner(a), at(a("shipping", weak)))]
            shipping: Option<Address>,
            #[canonical(keyed = sku, resolve(union), at(a("lines", read_only)))]
            lines: Vec<OrderLine>,
        }
    }));
}

#[test]
fn derived() {
    insta::assert_snapshot!(model(parse_quote! {
        #[canonical(entity = "customer", system(a, object = "a"))]
        struct Customer {
            #[canonical(id = "given", at(a = "first"))]
            first: Option<String>,
            #[canonical(part, at(a = "address"))]
            address: Option<Address>,
            #[canonical(derived(from(first, "address.city"), by = FullName { sep: ' ' }), at(a("full", write_only)))]
            full: Option<String>,
        }
    }));
}

#[test]
fn a_part() {
    insta::assert_snapshot!(part(parse_quote! {
        pub(crate) struct OrderLine {
            #[canonical(at(shopify = "sku"))]
            sku: Sku,
            #[canonical(id = "qty", at(shopify = "quantity"), equivalence = tolerance("1"))]
            quantity: Option<Decimal>,
        }
    }));
}

#[test]
fn an_enum() {
    insta::assert_snapshot!(value(parse_quote! {
        #[canonical(ordered, kind = "order_status", version = 2)]
        enum Status {
            #[canonical(was("new"), at(shopify = "open", netsuite = "A" | "B"))]
            Placed,
            #[canonical(id = "held", at(shopify = true, netsuite = 7))]
            OnHold,
        }
    }));
}

#[test]
fn newtypes() {
    let plain = value(parse_quote! { struct Sku(String); });
    let normal = value(parse_quote! {
        #[canonical(normalize(trim, uppercase), kind = "code", version = 3)]
        struct HTTPCode(String);
    });
    let amount = value(parse_quote! { #[canonical(amount, crate = "crate::sync")] struct Price(Money); });
    insta::assert_snapshot!(format!("{plain}\n{normal}\n{amount}"));
}

#[test]
fn mistakes_beside_a_skeleton() {
    insta::assert_snapshot!(entity(parse_quote! {
        #[canonical(entity = "customer", system(hubspot, object = "contacts"))]
        struct Customer {
            #[canonical(at(hubspto = "email"))]
            email: Email,
            #[canonical(set, unknown, at(hubspot = "tags"))]
            tags: Vec<Name>,
        }
    }));
}
