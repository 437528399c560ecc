//! The contract check: each kind of mismatch between a model and what its systems say of themselves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the models are declared, and read by the check")]

use accordant::model::Path;
use accordant::schema::{Contract, FieldKind, FieldSchema, MismatchKind, Mismatches, ObjectSchema};
use accordant::text::Text;
use accordant::value::{Email, Money, Native, Ref};
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
        ("name", Some(field("name", FieldKind::Number)), "customer.name", wrong("a number", "text")),
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
