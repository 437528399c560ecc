//! A model with every option, built and read back.

use accordant::model::{Canonical, GoldenReader};
use accordant::value::{Composite, Field};

#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(ordered)]
enum Status {
    #[canonical(at(shopify = "enabled", netsuite = "F" | "false"))]
    Active,
    #[canonical(was("paused"), at(netsuite = true))]
    OnHold,
}

#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
struct Sku(Composite);

#[derive(accordant::CanonicalPart, Debug, Clone, PartialEq, Eq)]
struct Line {
    #[canonical(at(shopify = "qty"))]
    quantity: Option<Composite>,
    #[canonical(at(shopify = "sku"))]
    sku: Sku,
}

#[derive(accordant::Canonical, Debug, Clone, PartialEq)]
#[canonical(entity = "customer", retired("fax"), existence(netsuite), on_delete = archive)]
#[canonical(system(hubspot, object = "contacts", required_when(kind = "x"), create_needs(kind, status)))]
#[canonical(system(shopify, object = "customers", many(reduce = latest, write = all)), system(netsuite, object = "customer"))]
#[canonical(group("address", owner(netsuite), on_clear = hold))]
struct Customer {
    #[canonical(identity, pii, at(hubspot = "email", shopify("mail", weak)))]
    email: Composite,
    #[canonical(at(shopify = "status", netsuite = "isinactive"))]
    status: Option<Status>,
    #[canonical(id = "tier", was("segment"), hub)]
    r#type: Option<Composite>,
    #[canonical(hub)]
    kind: Option<Composite>,
    #[canonical(group = "address", at(netsuite = "addr1"))]
    street: Option<Composite>,
    #[canonical(group = "address", at(netsuite = "zip"))]
    zip: Option<Composite>,
    #[canonical(set, at(hubspot("tags", separator = ";")))]
    tags: Vec<Composite>,
    #[canonical(keyed = sku, at(shopify = "lines"))]
    lines: Vec<Line>,
    #[canonical(part, at(shopify = "first"))]
    first: Option<Line>,
}

#[test]
fn a_model_is_built_and_compiles() {
    let model = Customer::model();
    let ids: Vec<&str> = model.attributes.iter().map(|attribute| attribute.id.as_str()).collect();
    assert_eq!(
        ids,
        ["email", "status", "tier", "kind", "street", "zip", "tags", "lines", "first.quantity", "first.sku"]
    );
    assert_eq!(Customer::EMAIL.id(), "email");
    assert_eq!(Customer::TYPE.id(), "tier");
    assert!(!model.attributes[9].required, "a required member of an optional part");
    accordant::model::Model::compile(vec![model]).expect("a model without mistakes");
}

#[test]
fn a_golden_record_is_read_and_what_is_missing_named_at_once() {
    let look = |id: &str| {
        let value = match id {
            "status" => Field::value("paused"),
            "first.sku" => Field::value("A-1"),
            "lines" => return vec![("A-1".into(), Field::value(r#"["A-1","2"]"#))],
            _ => return vec![],
        };
        vec![("".into(), value)]
    };
    let missing = Customer::read(&GoldenReader::new(&look)).expect_err("an incomplete record");
    assert_eq!(missing.missing, ["email".into()]);
    let with_email = |id: &str| if id == "email" { vec![("".into(), Field::value("a@b.c"))] } else { look(id) };
    let customer = Customer::read(&GoldenReader::new(&with_email)).expect("a complete record");
    assert_eq!(customer.status, Some(Status::OnHold));
    assert_eq!(customer.lines[0].sku, customer.first.as_ref().expect("a first line").sku);
    assert!(customer.lines[0].quantity.is_some());
}

accordant::laws!(Customer);
