//! The contract check: each kind of mismatch between a model and what its systems say of themselves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the models are declared, and read by the check")]

use accordant::chrono::{DateTime, NaiveDate, Utc};
use accordant::fingerprint::Fingerprint;
use accordant::model::{At, EntityModel, Path, SystemObject, Transform, TypedAttribute};
use accordant::schema::{Contract, FieldKind, FieldSchema, MismatchKind, Mismatches, ObjectSchema};
use accordant::text::Text;
use accordant::value::{Country, Email, Hints, Kind, Leaf, Malformed, Money, Native, OneLeaf, Phone, Ref, Value};
use accordant::{Canonical, CanonicalValue};

#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "customer")]
#[canonical(system(crm, object = "contacts", required), system(shop, object = "customers"))]
struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "name", shop = "name"))]
    name: Option<String>,
    #[canonical(at(crm = "status", shop = "state"))]
    status: Option<Status>,
    #[canonical(at(crm("balance", currency = "currency")))]
    balance: Option<Money>,
    #[canonical(at(crm = "orders"))]
    orders: Option<i64>,
    #[canonical(at(crm = "newsletter"))]
    newsletter: Option<bool>,
    #[canonical(at(crm = "referred_by"))]
    referrer: Option<Ref<Customer>>,
}

#[derive(CanonicalValue, Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    #[canonical(at(crm = "lead", shop = "prospect"))]
    Lead,
    #[canonical(at(crm = "customer", shop = "enabled"))]
    Active,
}

fn options(options: &[&str]) -> FieldKind {
    FieldKind::Choice(options.iter().map(|option| Text::from(*option)).collect())
}

fn field(path: &str, kind: FieldKind) -> FieldSchema {
    FieldSchema::new(Path::new(path), kind)
}

/// The CRM's contacts, as the model would have them.
fn contacts() -> ObjectSchema {
    let mut contacts = ObjectSchema::new("contacts");
    contacts
        .field(field("email", FieldKind::Text).required(true))
        .field(field("name", FieldKind::Text).at_most(80))
        .field(field("status", options(&["lead", "customer"])))
        .field(field("balance", FieldKind::Number).read_only(false))
        .field(field("currency", FieldKind::Text))
        .field(field("orders", FieldKind::Integer))
        .field(field("newsletter", FieldKind::Bool))
        .field(field("referred_by", FieldKind::Reference));
    contacts
}

/// The same, with one field otherwise; `None`: without it.
fn with(path: &str, other: Option<FieldSchema>) -> ObjectSchema {
    let mut contacts = contacts();
    contacts.fields.retain(|field| field.path != Path::new(path));
    contacts.fields.extend(other);
    contacts
}

fn check(contacts: ObjectSchema) -> Mismatches {
    Contract::of(&[Customer::model()]).describes("crm", [contacts]).mismatches()
}

#[test]
fn a_model_that_fits_has_no_mismatch() {
    check(contacts()).require_none();
}

#[test]
fn each_kind_of_mismatch_is_found_where_it_is_and_nothing_else() {
    let texts = |texts: &[&str]| texts.iter().map(|text| Text::from(*text)).collect::<Vec<_>>();
    let wrong =
        |field: &str, attribute: &str| MismatchKind::WrongType { field: field.into(), attribute: attribute.into() };
    let required = |path: &str| Some(field(path, FieldKind::Text).required(true));
    let cases = [
        ("name", None, "customer.name", MismatchKind::Missing),
        ("currency", None, "customer.balance", MismatchKind::Missing),
        ("orders", Some(field("orders", FieldKind::Date)), "customer.orders", wrong("a day", "integer")),
        ("email", Some(field("email", FieldKind::Integer)), "customer.email", wrong("a whole number", "email")),
        ("status", Some(field("status", FieldKind::Integer)), "customer.status", wrong("a whole number", "status")),
        (
            "name",
            Some(field("name", FieldKind::Number)),
            "customer.name",
            MismatchKind::MayRefuse { field: "a number".into(), attribute: "text".into() },
        ),
        (
            "newsletter",
            Some(field("newsletter", options(&["weekly"]))),
            "customer.newsletter",
            wrong("a choice", "bool"),
        ),
        ("email", Some(field("email", FieldKind::Text).read_only(true)), "customer.email", MismatchKind::ReadOnly),
        (
            "status",
            Some(field("status", options(&["customer"]))),
            "customer.status",
            MismatchKind::UnknownOption { written: texts(&["lead"]) },
        ),
        (
            "status",
            Some(field("status", options(&["lead", "customer", "churned"]))),
            "customer.status",
            MismatchKind::UnreadOption { held: texts(&["churned"]) },
        ),
        ("owner", required("owner"), "", MismatchKind::RequiredNotMapped),
        ("name", required("name"), "customer.name", MismatchKind::RequiredMayLack),
        (
            "email",
            Some(field("email", FieldKind::Text).at_most(10)),
            "customer.email",
            MismatchKind::TooLong { fits: 10, may_be: 19 },
        ),
    ];
    for (path, other, attribute, kind) in cases {
        let found = check(with(path, other)).found;
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.field.to_string(), one.attribute.as_deref().unwrap_or(""), &one.kind))
            .collect();
        assert_eq!(told, [(path.to_owned(), attribute, &kind)]);
        assert!(!kind.advice().is_empty());
    }
}

#[test]
fn what_nobody_makes_there_by_itself_needs_no_required_field() {
    let mut customers = ObjectSchema::new("customers");
    for path in ["email", "name"] {
        customers.field(field(path, FieldKind::Text));
    }
    customers
        .field(field("state", options(&["prospect", "enabled"])))
        .field(field("tax", FieldKind::Text).required(true));
    Contract::of(&[Customer::model()]).describes("shop", [customers]).mismatches().require_none();
}

#[test]
fn a_value_that_fits_one_system_may_be_too_long_for_another() {
    let mut customers = ObjectSchema::new("customers");
    customers
        .field(field("email", FieldKind::Text))
        .field(field("name", FieldKind::Text).at_most(40))
        .field(field("state", options(&["prospect", "enabled"])));
    let model = [Customer::model()];
    let found = Contract::of(&model).describes("crm", [contacts()]).describes("shop", [customers]).mismatches();
    let told: Vec<_> = found.found.iter().map(|one| (one.system.as_str(), one.kind.clone())).collect();
    assert_eq!(told, [("shop", MismatchKind::TooLong { fits: 40, may_be: 80 })]);
    assert_eq!(found.compared, 2);
}

#[test]
fn a_system_that_carries_all_as_text_is_read_as_it_carries_it() {
    let as_text = |path: &str, kind| Some(field(path, kind).as_text());
    check(with("orders", as_text("orders", FieldKind::Integer))).require_none();
    let odd = field("newsletter", FieldKind::Bool).carried_as([Native::Text("ja".into()), Native::Text("nein".into())]);
    assert_eq!(check(with("newsletter", Some(odd))).found.len(), 1);
}

#[test]
fn the_list_is_aligned_and_names_system_object_field_and_what_to_do() {
    let mut contacts = with("name", None);
    contacts.field(field("owner", FieldKind::Text).required(true));
    let list = "\
system  object    field  attribute      what is wrong                                          what to do
crm     contacts  name   customer.name  there is none, or it is not seen                       map another field, or let the integration see it
crm     contacts  owner  -              no record is made without it, and nothing is mapped to it  map an attribute to it, or give it a default there
2 mismatches in 1 object type";
    let found = check(contacts).to_string();
    let words =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(words(&found), words(list));
    let column = |line: &str, word: &str| line.find(word).unwrap();
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(column(lines[0], "what to do"), column(lines[1], "map another field"));
    assert_eq!(column(lines[0], "what to do"), column(lines[2], "map an attribute"));
    assert_eq!(column(lines[0], "attribute"), column(lines[1], "customer.name"));
}

#[test]
#[should_panic(expected = "nothing that is described is mapped")]
fn a_description_of_something_else_is_no_proof() {
    Contract::of(&[Customer::model()]).describes("crm", [ObjectSchema::new("deals")]).mismatches().require_none();
}

/// A field that is described whole stands for what is in it; and of several attributes that write it, one may be enough.
#[test]
fn what_is_required_is_written_by_whoever_writes_a_part_of_it() {
    #[derive(Canonical, Clone, Debug)]
    #[canonical(entity = "site", system(crm, object = "sites", required))]
    struct Site {
        #[canonical(identity, at(crm = "number"))]
        number: String,
        #[canonical(at(crm = "address.floor"))]
        floor: Option<String>,
        #[canonical(at(crm = "address.city"))]
        city: String,
    }
    let mut sites = ObjectSchema::new("sites");
    sites
        .field(field("number", FieldKind::Text))
        .field(field("address", FieldKind::Other("address".into())).required(true));
    let found = Contract::of(&[Site::model()]).describes("crm", [sites]).mismatches().found;
    assert!(found.iter().all(|one| one.kind != MismatchKind::RequiredNotMapped), "{found:?}");
    assert!(found.iter().all(|one| one.kind != MismatchKind::RequiredMayLack), "{found:?}");
}

#[test]
fn a_value_that_is_too_long_for_two_reasons_is_told_of_once() {
    let email = field("email", FieldKind::Text).at_most(10);
    let mut customers = ObjectSchema::new("customers");
    customers
        .field(field("email", FieldKind::Text).at_most(80))
        .field(field("name", FieldKind::Text))
        .field(field("state", options(&["prospect", "enabled"])));
    let model = [Customer::model()];
    let both = Contract::of(&model).describes("crm", [with("email", Some(email))]).describes("shop", [customers]);
    let told: Vec<_> = both.mismatches().found.into_iter().map(|one| one.kind).collect();
    assert_eq!(told, [MismatchKind::TooLong { fits: 10, may_be: 80 }]);
}

/// A number of an article: eight digits, of which only one is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Article(String);

impl Value for Article {
    const KIND: Kind = Kind { name: "article", version: 1 };
    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        Self::from_canonical(leaf.as_text().unwrap_or_default())
    }
    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }
    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        if text == "40123455" { Ok(Self(text.into())) } else { Err(Malformed::new("no article")) }
    }
    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.as_str().into())
    }
}

impl OneLeaf for Article {}

/// Codes of a user's own, which are read alone.
struct Codes;

impl Transform<bool> for Codes {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "codes".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<bool>, Malformed> {
        match leaves.first().and_then(Leaf::as_text) {
            Some("7001") => Ok(Some(true)),
            Some("7002") => Ok(Some(false)),
            _ => Err(Malformed::new("no code")),
        }
    }
    fn write(&self, _: &bool) -> Vec<Native> {
        Vec::new()
    }
}

/// Examples of numbers are only some: what none of them reads as may read others, and only what certainly reads none is told of.
#[test]
fn a_column_of_numbers_is_read_by_codes_flags_phones_days_and_types_of_a_users_own() {
    #[derive(CanonicalValue, Clone, Copy, Debug, PartialEq, Eq)]
    enum Level {
        #[canonical(at(erp = 7001))]
        New,
        #[canonical(at(erp = 7002))]
        Old,
    }
    fn told<T: Value>(kind: &FieldKind, at: At<T>) -> Vec<MismatchKind> {
        let mut model = EntityModel::new("row");
        model.object(SystemObject::new("erp", "rows"));
        model.attribute(TypedAttribute::<T>::new("held").at(at));
        let mut rows = ObjectSchema::new("rows");
        rows.field(field("held", kind.clone()));
        let found = Contract::of(&[model]).describes("erp", [rows]).mismatches().found;
        found.into_iter().map(|one| one.kind).collect()
    }
    fn at<T: OneLeaf>() -> At<T> {
        At::path("erp", "held").read_only()
    }
    for kind in [FieldKind::Integer, FieldKind::Number] {
        let none = Vec::<MismatchKind>::new();
        assert_eq!(told::<Level>(&kind, at()), none);
        assert_eq!(told::<Level>(&kind, At::path("erp", "held")), none, "written as numbers, too");
        assert_eq!(told::<bool>(&kind, at()), none);
        assert_eq!(told::<Phone>(&kind, at().region("DE")), none);
        assert_eq!(told::<String>(&kind, at()), none);
        assert_eq!(told::<Country>(&kind, at()), none);
        assert_eq!(told::<NaiveDate>(&kind, at().format("%Y%m%d")), none);
        assert_eq!(told::<NaiveDate>(&kind, at().format("%d%m%Y")), none);
        assert_eq!(told::<DateTime<Utc>>(&kind, at().format("%s").zone("UTC")), none);
        assert_eq!(told::<Article>(&kind, at()), none);
        assert_eq!(told::<bool>(&kind, At::via("erp", &["held"], Codes).read_only()), none);
        let attribute = |told: Vec<MismatchKind>| match told.as_slice() {
            [MismatchKind::WrongType { attribute, .. }] => attribute.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(&*attribute(told::<Email>(&kind, at())), "email");
        assert_eq!(&*attribute(told::<Status>(&kind, at())), "status");
        // It reads 1 and 0, and writes true and false: what the column does not take it refuses.
        let both = told::<bool>(&kind, At::path("erp", "held"));
        assert_eq!(both, [MismatchKind::MayRefuse { field: kind.name().into(), attribute: "bool".into() }]);
    }
}
