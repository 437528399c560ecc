//! What the derived code does: a model with every option is built, compiled, and read back.

use std::borrow::Cow;

use accordant::equivalence::Normalizer;
use accordant::fingerprint::Fingerprint;
use accordant::model::{Canonical, GoldenReader, Part as _};
use accordant::value::{Composite, Field, Hints, Leaf, Native, Ordered as _, Value as _};

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

fn hints(object: &str) -> Hints {
    Hints { object: Some(object.into()), ..Hints::default() }
}

#[test]
fn a_variant_is_spelled_by_object() {
    let read = |leaf, object| Status::parse(leaf, &hints(object)).map_err(|malformed| malformed.reason);
    assert_eq!(read(Leaf::Text("enabled"), "shopify"), Ok(Status::Active));
    assert_eq!(read(Leaf::Text("on_hold"), "shopify"), Ok(Status::OnHold), "the canonical text, where nothing is said");
    assert_eq!(read(Leaf::Text("active"), "shopify"), Err("unknown variant of status"), "it has a spelling there");
    assert_eq!(read(Leaf::Text("false"), "netsuite"), Ok(Status::Active));
    assert_eq!(read(Leaf::Bool(true), "netsuite"), Ok(Status::OnHold));
    assert_eq!(read(Leaf::Text("paused"), "hubspot"), Err("unknown variant of status"), "`was` is for stored state");
    assert_eq!(Status::Active.native(&hints("netsuite")), Native::Text("F".into()), "the first spelling is written");
    assert_eq!(Status::OnHold.native(&hints("netsuite")), Native::Bool(true));
    assert_eq!(Status::OnHold.native(&Hints::default()), Native::Text("on_hold".into()));
    assert_eq!(Status::from_canonical("paused"), Ok(Status::OnHold));
    assert!(Status::from_canonical("Active").is_err());
    assert_eq!(Status::Active.compare(&Status::OnHold), Some(std::cmp::Ordering::Less));
    assert_eq!(Status::KIND.name, "status");
}

/// Upper case without dashes around.
struct Shout;

impl Normalizer for Shout {
    fn name(&self) -> Cow<'static, str> {
        "shout".into()
    }
    fn fingerprint(&self, _: &mut Fingerprint) {}
    fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        text.trim_matches('-').to_uppercase().into()
    }
}

#[derive(accordant::CanonicalValue, Debug, Clone, PartialEq, Eq)]
#[canonical(normalize = Shout, kind = "code", version = 4)]
struct Code(Composite);

#[test]
fn a_newtype_normalizes_what_is_read() {
    let read = |text| Code::parse(Leaf::Text(text), &Hints::default());
    assert_eq!(read("-ab"), read("AB"));
    assert_eq!(read("--").map_err(|malformed| malformed.reason), Err("nothing left after normalization"));
    assert_eq!((Code::KIND.name, Code::KIND.version), ("code", 4));
    assert_eq!((Sku::KIND.name, Sku::KIND.version), ("sku", Composite::KIND.version));
}

#[test]
fn a_part_goes_to_fields_and_back() {
    let sku = Sku::from_canonical("A-1").expect("a text");
    let line = Line { quantity: None, sku };
    let fields = line.to_fields();
    assert_eq!(fields, [Field::Null, Field::value("A-1")]);
    assert_eq!(Line::from_fields(&fields), Some(line));
    assert_eq!(Line::from_fields(&[Field::value("2"), Field::Null]), None, "a required member is missing");
}

#[derive(accordant::Canonical, Debug)]
#[canonical(entity = "order", system(shopify, object = "orders"))]
struct Order {
    #[canonical(part, at(shopify = "first"))]
    first: Line,
    #[canonical(part, at(shopify = "last"))]
    last: Option<Line>,
    #[canonical(at(shopify = "name"))]
    name: Composite,
}

#[test]
fn missing_members_of_parts_are_named_with_all_else() {
    let nothing = |_: &str| vec![];
    let missing = Order::read(&GoldenReader::new(&nothing)).expect_err("nothing is there");
    assert_eq!(missing.missing, ["first.sku".into(), "name".into()], "an optional part may lack everything");
    let half = |id: &str| if id == "last.quantity" { vec![("".into(), Field::value("2"))] } else { vec![] };
    let missing = Order::read(&GoldenReader::new(&half)).expect_err("half a line");
    assert_eq!(missing.missing, ["first.sku".into(), "last.sku".into(), "name".into()], "but not half of it");
    let all = |_: &str| vec![("".into(), Field::value("x"))];
    let order = Order::read(&GoldenReader::new(&all)).expect("all is there");
    assert_eq!((order.last.as_ref(), order.name.as_str()), (Some(&order.first), "x"));
}
